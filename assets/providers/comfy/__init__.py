"""Workflows on a ComfyUI server."""
