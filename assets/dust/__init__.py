"""The dust that a crowd raises: footfalls to puffs in the world, and these as a layer."""
