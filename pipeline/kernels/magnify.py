"""A layer a little larger or smaller about a point: what lateral chromatic aberration does to one channel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import banded
from pipeline.kernels.check import same_rgba

Array = NDArray[np.float32]


def magnify(layer: Array, share: float, centre_px: tuple[float, float], out: Array) -> None:
    """Resample (H, W, 4) float32 premultiplied, larger by `share` about a point (x, y; pixel centres at .5).

    Catmull-Rom, held between the four nearest pixels: edges stay as sharp as they were, and neither alpha nor light
    overshoots. Beyond the frame its border goes on. `out` must not be `layer`. share 0 copies. NaN spreads to what is
    made of it.

    Source: Catmull and Rom, "A Class of Local Interpolating Splines", 1974.
    """
    same_rgba(layer=layer, out=out)
    if out is layer:
        raise ValueError("magnify reads neighbours: out must not be the layer itself.")
    if share == 0:
        out[...] = layer
        return
    banded(_magnify, len(out), layer, 1.0 / (1.0 + share), centre_px[0] - 0.5, centre_px[1] - 0.5, out)


@njit(inline="always")
def _weights(t, out):
    out[0] = ((-0.5 * t + 1.0) * t - 0.5) * t
    out[1] = (1.5 * t - 2.5) * t * t + 1.0
    out[2] = ((-1.5 * t + 2.0) * t + 0.5) * t
    out[3] = (0.5 * t - 0.5) * t * t


@njit(nogil=True, cache=True, error_model="numpy")
def _magnify(first, last, layer, scale, centre_x, centre_y, out):
    height, width, channels = layer.shape
    for y in range(first, last):
        across, down = np.empty(4), np.empty(4)
        at_y = centre_y + (y - centre_y) * scale
        top = int(np.floor(at_y))
        _weights(at_y - top, down)
        for x in range(width):
            at_x = centre_x + (x - centre_x) * scale
            left = int(np.floor(at_x))
            _weights(at_x - left, across)
            for c in range(channels):
                total, least, most = 0.0, np.inf, -np.inf
                for j in range(4):
                    row = min(max(top + j - 1, 0), height - 1)
                    for i in range(4):
                        value = layer[row, min(max(left + i - 1, 0), width - 1), c]
                        total += down[j] * across[i] * value
                        if 0 < j < 3 and 0 < i < 3:
                            least, most = min(least, value), max(most, value)
                out[y, x, c] = np.float32(total if np.isnan(total) else min(max(total, least), most))
