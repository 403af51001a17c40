"""Bodies, kit and characters: one dressed mesh."""
