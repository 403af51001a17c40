"""How much a layer flickers: the change of brightness from frame to frame of what is followed along its known motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assets.view import Buffers
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.follow import changes

SOLID = 0.98  # alpha from which a pixel is the thing alone
LEAST_PX = 200  # fewer that can be followed say nothing
DARK = 0.005  # scene-linear brightness below which a change is not told from nothing


@dataclass(frozen=True, slots=True)
class Flicker:
    """Changes of brightness between two frames, as shares of the brightness: 0.05 is a twentieth.

    mean: of all pixels, whatever their sign; most: exceeded by one pixel in a hundred; whole: of the layer as a whole, its
    pixels' median, with its sign. followed: share of the solid pixels that could be followed.
    """

    mean: float
    most: float
    whole: float
    followed: float


def flicker(before: Buffers, after: Buffers) -> Flicker | None:
    """How much what is seen in `before` changes until `after`, along before.motion; None: too little can be followed.

    Counted is what is solid in both, the same id, and at the same distance: what is uncovered or hidden is not flicker.
    Real changes (a limb that turns into the sun) count.
    """
    levels = _brightness(before), _brightness(after)
    found = changes(*levels, before.motion, (before.ids, after.ids), (before.depth, after.depth), DARK)
    told = found[np.isfinite(found)].astype(np.float64)
    if len(told) < LEAST_PX:
        return None
    sizes = np.abs(told)
    return Flicker(
        mean=float(sizes.mean()),
        most=float(np.quantile(sizes, 0.99)),
        whole=float(np.median(told)),
        followed=len(told) / int(np.isfinite(levels[0]).sum()),
    )


def _brightness(layer: Buffers) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(H, W) luminance without its alpha, NaN where it is not solid."""
    alpha = layer.rgba[..., 3]
    straight = (layer.rgba[..., :3] @ LUMINANCE) / np.maximum(alpha, SOLID)
    return np.where(alpha >= SOLID, straight, np.nan).astype(np.float32)
