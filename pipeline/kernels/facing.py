"""How squarely the surfaces of reliefs face a far light, and how far up they look."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import in_bands
from pipeline.kernels.splat import check

Floats = NDArray[np.float32]
_FEW = 8  # reliefs that one thread looks at, at a time


def facings(reliefs: Floats, cover: Floats, to_light: Floats, up: Floats, metres_per_px: float, out: Floats) -> None:
    """Write into `out` (S, H, W, 2) float32 the cosine to the light, not below 0, and the part of up in the unit normal.

    reliefs: (S, H, W) float32 metres towards the viewer; cover: (S, H, W) float32, 0 where empty: there out stays.
    to_light, up: (S, 3) float32 unit, x right, y up, z towards the viewer. Across an edge the side counts that bends less.
    Raises ValueError on another shape or dtype.
    """
    shape = reliefs.shape
    for name, array in (("reliefs", reliefs), ("cover", cover)):
        check(name, array, np.float32, shape)
    for name, array in (("to_light", to_light), ("up", up)):
        check(name, array, np.float32, (shape[0], 3))
    check("out", out, np.float32, (*shape, 2))

    def work(first: int, end: int) -> None:
        _facings(first, end, reliefs, cover, to_light, up, 1.0 / metres_per_px, out)

    if reliefs.size:
        in_bands(shape[0], work, _FEW)


@njit(cache=True, nogil=True)
def _facings(first, end, reliefs, cover, to_light, up, per_m, out):
    _, height, width = reliefs.shape
    for n in range(first, end):
        for y in range(height):
            for x in range(width):
                if cover[n, y, x] <= 0.0:
                    continue
                right = _slope(reliefs[n], cover[n], y, x, 0, 1) * per_m
                above = -_slope(reliefs[n], cover[n], y, x, 1, 0) * per_m
                length = np.sqrt(right * right + above * above + 1.0)
                light, high = to_light[n], up[n]
                facing = (light[2] - right * light[0] - above * light[1]) / length
                out[n, y, x, 0] = np.float32(max(facing, 0.0))
                out[n, y, x, 1] = np.float32((high[2] - right * high[0] - above * high[1]) / length)


@njit(cache=True, nogil=True)
def _slope(relief, cover, y, x, down, across):
    """Of the slopes to both neighbours the gentler one, towards larger x or y; 0 where there is neither."""
    height, width = relief.shape
    here, best = np.float64(relief[y, x]), np.inf
    for side in (-1, 1):
        j, i = y + side * down, x + side * across
        if 0 <= j < height and 0 <= i < width and cover[j, i] > 0.0:
            slope = side * (relief[j, i] - here)
            if abs(slope) < abs(best):
                best = slope
    return best if np.isfinite(best) else 0.0
