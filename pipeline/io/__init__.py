"""One door to each file format."""
