"""Depth of the plate: plane sweep, sky, what stands still."""
