"""The ground as a height field: surveyed from depth, settled by the plate's own parallax."""
