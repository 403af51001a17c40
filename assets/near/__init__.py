"""People near the camera, painted on every frame."""
