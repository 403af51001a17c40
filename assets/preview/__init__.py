"""The crowd in grey over the plate, and from above, before anything is generated."""
