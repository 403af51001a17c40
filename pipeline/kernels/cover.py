"""What grows on the ground before what stands in it: how much of a layer it hides, from the layer's lower edge upwards."""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.kernels.check import shaped

_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)
_SOLID = _HALF  # alpha
_DENSE = np.float32(0.28)  # of its height: so high reaches what is darkest
_SOFT = np.float32(0.5)  # of `detail`, over which a blade ends


def hide_behind_cover(
    alpha: np.ndarray, reach_px: np.ndarray, detail: np.ndarray, edge_px: int, out: np.ndarray
) -> None:
    """Share of a layer that what grows before it hides, into `out`, all (H, W) float32.

    A column's lower edge is a pixel of alpha 0.5 and more over one of less. reach_px: there, how many pixels upwards the cover
    reaches where it is brightest; 0: nothing grows there. detail: 0 dark .. 1 bright beside its surroundings: the brighter, the
    higher a blade. What is left under such an edge, for at most edge_px and until alpha rises again, is hidden too. Raises
    ValueError on other shapes.
    """
    shaped(alpha.shape, reach_px=reach_px, detail=detail, out=out)
    out[:] = 0
    _hide(alpha, reach_px, detail, edge_px, out)


@njit(cache=True)
def _hide(alpha, reach_px, detail, edge_px, out):
    height, width = alpha.shape
    reach, risen = np.zeros(width, np.float32), np.zeros(width, np.float32)
    for y in range(height - 1, -1, -1):
        for x in range(width):
            if alpha[y, x] < _SOLID:
                reach[x] = _ZERO
                continue
            if y + 1 < height and alpha[y + 1, x] < _SOLID:
                reach[x], risen[x] = reach_px[y, x], _ZERO
                if reach[x] > _ZERO:
                    below = y + 1
                    while below < min(y + 1 + edge_px, height) and alpha[below, x] <= alpha[below - 1, x]:
                        out[below, x] = _ONE
                        below += 1
            if reach[x] > _ZERO:
                high = (risen[x] + _HALF) / reach[x]
                share = (detail[y, x] - (high - _DENSE) / (_ONE - _DENSE)) / _SOFT + _HALF
                out[y, x] = max(min(share, _ONE), _ZERO)
                risen[x] += _ONE
