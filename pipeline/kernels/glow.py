"""Light that lens and film scatter around what is very bright."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.blur import gaussian

Array = NDArray[np.float32]
BRIGHT = 1.0  # scene-linear luminance from which on light is counted: white paper and less does not visibly glow
WIDTHS = (0.5, 1.0, 2.0)  # Gaussians, times the radius; a scatter's tail is longer than one Gaussian's
PARTS = (0.5, 0.3, 0.2)


def highlights(rgb: Array, luminance: NDArray[np.float32]) -> Array:
    """Light of (..., 3) that is above BRIGHT, its colour kept. luminance: (3,) weights."""
    level = rgb @ luminance
    return np.asarray(rgb * np.maximum(0, 1 - BRIGHT / np.maximum(level, BRIGHT))[..., None], np.float32)


def scattered(bright: Array, radius_px: float) -> Array:
    """(H, W, C) float32: light spread with sum 1 over three Gaussians about `radius_px`; the borders go on."""
    out, part = np.zeros_like(bright), np.empty_like(bright)
    for width, share in zip(WIDTHS, PARTS, strict=True):
        gaussian(bright, width * radius_px, part)
        out += np.float32(share) * part
    return out
