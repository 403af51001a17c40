"""Requests and pictures for tests of what models for displays are shown and answer."""

import numpy as np

from assets.providers.request import Guides, Identity, Light, PartLook, Request

PLAIN = Light(sun_rgb=(0.75, 0.75, 0.75), sky_rgb=(0.25, 0.25, 0.25))  # a grey card in the sun is 0.18
GUARD = Identity("guard", (PartLook(4, (0.3, 0.2, 0.1)),))


def request_of(light=PLAIN, metres_per_px=0.02, **guides):
    return Request(Guides.image(**guides), GUARD, metres_per_px, light)


def everywhere(height=8, width=8, **settings):
    """A request whose outline is the whole picture."""
    return request_of(coverage=np.ones((height, width)), **settings)


def greys(levels):
    return np.repeat(np.asarray(levels, np.float32).reshape(1, -1, 1), 3, axis=2)


def disc(size=48, radius=14, soft_px=0.7):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.clip((radius - np.hypot(x, y)) / soft_px + 0.5, 0, 1).astype(np.float32)
