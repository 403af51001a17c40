"""The two colours that mix in a pixel, once its alpha is known: one level of a pyramid, relaxed."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.kernels.check import shaped

Floats = NDArray[np.float32]
_LEAST = np.float32(1e-4)  # of neighbours: ties pixels whose own mix says nothing
_EDGE = np.float32(0.5)  # ... and the more, the more alpha changes between them: there the colours do not


def relax(
    picture: Floats, alpha: Floats, where: NDArray[np.bool_], front: Floats, back: Floats, rounds: int, back_known: bool
) -> None:
    """Move `front` and `back` (H, W, 3) float32, in place, towards picture = alpha * front + (1 - alpha) * back, smoothly.

    picture: (H, W, 3) float32 scene-linear; alpha: (H, W) float32 0..1; where: (H, W) bool, the pixels that may change.
    back_known: `back` is right as it is. Each round takes all pixels from the round before, so that any number of threads
    gives the same bits. Raises ValueError on another shape or dtype.

    Source: Germer, Uelwer, Conrad and Harmeling, "Fast multi-level foreground estimation", ICPR 2020.
    """
    size = (alpha.shape[0], alpha.shape[1])
    shaped(size, 3, picture=picture, front=front, back=back)
    shaped(size, alpha=alpha)
    shaped(size, dtype=np.bool_, where=where)
    ys, xs = (a.astype(np.int64) for a in np.nonzero(where))
    fronts, backs = front.copy(), back.copy()
    for _ in range(rounds):
        _relax(picture, alpha, ys, xs, back_known, front, back, fronts, backs)
        front[ys, xs], back[ys, xs] = fronts[ys, xs], backs[ys, xs]


@njit(parallel=True, cache=True)
def _relax(picture, alpha, ys, xs, back_known, front, back, fronts, backs):
    height, width = alpha.shape
    for n in prange(len(ys)):
        y, x = ys[n], xs[n]
        a = alpha[y, x]
        b = np.float32(1) - a
        ties = np.float32(0)
        near_f, near_b = np.zeros(3, np.float32), np.zeros(3, np.float32)
        for k in range(4):
            j = min(max(y + (k == 0) - (k == 1), 0), height - 1)
            i = min(max(x + (k == 2) - (k == 3), 0), width - 1)
            w = _LEAST + _EDGE * abs(a - alpha[j, i])
            ties += w
            for c in range(3):
                near_f[c] += w * front[j, i, c]
                near_b[c] += w * back[j, i, c]
        for c in range(3):
            value = picture[y, x, c]
            if back_known:
                found = (a * (value - b * back[y, x, c]) + near_f[c]) / (a * a + ties)
                fronts[y, x, c] = max(found, np.float32(0))
                continue
            # Two unknowns, two equations: how well they mix to the picture, how near they are to their neighbours.
            ff, fb, bb = a * a + ties, a * b, b * b + ties
            rf, rb = a * value + near_f[c], b * value + near_b[c]
            det = ff * bb - fb * fb
            fronts[y, x, c] = max((bb * rf - fb * rb) / det, np.float32(0))
            backs[y, x, c] = max((ff * rb - fb * rf) / det, np.float32(0))
