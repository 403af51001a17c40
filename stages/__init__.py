"""One file per step of a shot, in the order of SHOT."""
