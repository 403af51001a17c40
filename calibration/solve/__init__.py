"""The camera solve: tracks, COLMAP in a process of its own, adjustment, metres, what it is worth."""
