"""Sprites as they look where the sun is hidden: each pixel without the share of its light that is the sun's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assets.sprites.cards import UP, Stance
from assets.sunlight.share import Sunlight
from pipeline.kernels.facing import facings
from pipeline.kernels.reliefshadow import relief_lit

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
REACH_M, THICK_M, BIAS_M = 0.8, 0.25, 0.025  # of what throws shadows on a body: a shield, an arm, a helmet's rim


def in_the_shade(
    pixels: Floats, reliefs: Floats, cards: Stance, of: Indices, metres_per_px: float, light: Sunlight
) -> Floats:
    """(S, H, W, 4) sprites (premultiplied) as no sun reaches them.

    reliefs: (S, H, W) metres towards the viewer. of: (S,) each one's card. Where a body hides itself from the sun its
    picture is dark already, and stays.
    """
    axes = np.stack([cards.rights[of], cards.ups[of], cards.normals[of]], axis=1)
    to_sun, up = (np.ascontiguousarray(axes @ way, np.float32) for way in (light.maps.to_sun, UP))
    cover, relief = (np.ascontiguousarray(each, np.float32) for each in (pixels[..., 3], reliefs))
    faced = np.zeros((*cover.shape, 2), np.float32)
    facings(relief, cover, to_sun, up, metres_per_px, faced)
    for n, way in enumerate(to_sun):
        faced[n, ..., 0] *= past_itself(relief[n], cover[n], way, metres_per_px)
    out, shown = pixels.copy(), cover > 0
    out[shown, :3] *= light.left_of(faced[shown, 0], faced[shown, 1])
    return out


def past_itself(relief: Floats, cover: Floats, to_sun: Floats, metres_per_px: float) -> Floats:
    """(H, W) how much of the sun a body's own relief lets through. to_sun: (3,) x right, y up, z towards the viewer."""
    seen = float(to_sun[0]), -float(to_sun[1]), -float(to_sun[2])
    bias = max(BIAS_M, 1.2 * metres_per_px)
    return relief_lit(relief, cover, seen, metres_per_px, reach_m=REACH_M, bias_m=bias, thick_m=THICK_M)
