"""Look a picture up at many places of its own, each with its own footprint."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.kernels.splat import CHANNELS, Pyramid, check, sample

Floats = NDArray[np.float32]


def pick(picture: Pyramid, places: NDArray[np.float64], lods: Floats) -> Floats:
    """(N, 4) float32 premultiplied RGBA, trilinear; outside of the picture there is nothing.

    picture: pyramid of one picture. places: (N, 2) float64 x, y in its pixels, centres at .5. lods: (N,) float32, log2 of
    the footprint in its pixels. Raises ValueError on another shape or dtype.
    """
    check("places", places, np.float64, (len(places), 2))
    check("lods", lods, np.float32, (len(places),))
    check("texels", picture.texels, np.float32, (1, picture.texels.shape[1], CHANNELS))
    out = np.empty((len(places), 4), np.float32)
    _pick(picture.texels, picture.shapes, places, lods, out)
    return out


@njit(parallel=True, cache=True)
def _pick(texels, shapes, places, lods, out):
    for n in prange(len(places)):
        colour = np.zeros(CHANNELS, np.float64)
        sample(texels, shapes, 0, places[n, 0], places[n, 1], np.float64(lods[n]), 1.0, colour)
        for c in range(4):
            out[n, c] = np.float32(colour[c])
