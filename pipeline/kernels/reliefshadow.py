"""Shadows that a relief throws on itself: who is known only by how near each pixel is, lit by a far light."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import banded
from pipeline.kernels.check import shaped

Floats = NDArray[np.float32]


def relief_lit(
    relief: Floats,
    coverage: Floats,
    to_light: tuple[float, float, float],
    metres_per_px: float,
    *,
    reach_m: float,
    bias_m: float,
    thick_m: float,
) -> Floats:
    """(H, W) float32, how much of a far light each pixel gets past the rest of the relief, 0..1; 1 where nothing is.

    relief: (H, W) float32 metres towards the viewer; coverage: (H, W) float32, 0 where empty. to_light: unit, x right, y down,
    z away from the viewer. A ray is followed over the picture for reach_m. What lies more than bias_m before it hides the
    light, wholly from twice as much on; what lies more than thick_m before it does not, for the light passes behind.
    Raises ValueError on another shape or dtype.
    """
    size = relief.shape
    shaped(size, relief=relief, coverage=coverage)
    out = np.ones(size, np.float32)
    across = float(np.hypot(to_light[0], to_light[1]))
    if across * reach_m < metres_per_px:  # the light comes along the view: it sees what the viewer sees
        return out
    step = np.array([to_light[0], to_light[1], -to_light[2] * metres_per_px], np.float32) / np.float32(across)
    count = int(reach_m * across / metres_per_px)
    banded(_lit, len(out), relief, coverage, step, count, np.float32(bias_m), np.float32(thick_m), out)
    return out


@njit(nogil=True, cache=True, error_model="numpy")
def _lit(top, bottom, relief, coverage, step, count, bias, thick, out):
    height, width = relief.shape
    for y in range(top, bottom):
        for x in range(width):
            if coverage[y, x] <= 0:
                continue
            hidden = np.float32(0)
            for k in range(1, count + 1):
                way = np.float32(k)
                i, j = int(np.floor(x + way * step[0] + 0.5)), int(np.floor(y + way * step[1] + 0.5))
                if i < 0 or j < 0 or i >= width or j >= height:
                    break
                if coverage[j, i] <= 0:
                    continue
                before = relief[j, i] - (relief[y, x] + way * step[2])
                if before < thick:
                    hidden = max(hidden, (before - bias) / bias)
                if hidden >= 1:
                    break
            out[y, x] = np.float32(1) - min(max(hidden, np.float32(0)), np.float32(1))
