"""Sprites as they look where the sun is hidden: each pixel without the share of its light that is the sun's."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from assets.sprites.cards import UP, Stance
from assets.sunlight.share import Sunlight
from pipeline.kernels.facing import facings

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
SOFT_M = 0.05  # a normal's sigma


def in_the_shade(
    pixels: Floats, reliefs: Floats, cards: Stance, of: Indices, metres_per_px: float, light: Sunlight
) -> Floats:
    """(S, H, W, 4) sprites (premultiplied) as no sun reaches them.

    reliefs: (S, H, W) metres towards the viewer. of: (S,) each one's card. What faces away from the sun stays. What a body
    throws on itself is not known well enough from its relief to be left out.
    """
    axes = np.stack([cards.rights[of], cards.ups[of], cards.normals[of]], axis=1)
    to_sun, up = (np.ascontiguousarray(axes @ way, np.float32) for way in (light.maps.to_sun, UP))
    cover, relief = (np.ascontiguousarray(each, np.float32) for each in (pixels[..., 3], reliefs))
    faced = np.zeros((*cover.shape, 2), np.float32)
    facings(relief, cover, to_sun, up, metres_per_px, faced)
    for each, covered in zip(faced, cover, strict=True):
        each[:] = smoothed(each, covered, metres_per_px)
    out, shown = pixels.copy(), cover > 0
    out[shown, :3] *= light.left_of(faced[shown, 0], faced[shown, 1])
    return out


def smoothed(faced: Floats, cover: Floats, metres_per_px: float) -> Floats:
    """(H, W, 2) the means around each pixel of what `facings` told of a body, (H, W, 2), cover (H, W): painters shade softer than
    pixels of a relief are bent."""
    shown, sigma = (cover > 0).astype(np.float32), SOFT_M / metres_per_px
    sums = cv2.GaussianBlur(faced * shown[..., None], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    weights = cv2.GaussianBlur(shown, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(sums / np.maximum(weights, 1e-6)[..., None], np.float32)
