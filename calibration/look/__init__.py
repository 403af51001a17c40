"""What the plate looks like: colour, haze, sharpness, grain."""
