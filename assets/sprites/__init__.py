"""The crowd as cards: which sprites a shot needs, and what each person shows on each frame."""
