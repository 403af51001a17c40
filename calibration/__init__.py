"""The real camera, measured from the plate."""
