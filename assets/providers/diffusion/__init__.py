"""Folders of weights on this machine, in diffusers' format."""
