"""Send rays down to a height field."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import RUN, banded

Floats = NDArray[np.float64]
REACH_M = 4000.0  # rays that have not met the ground by then never will
_STRIDE = 0.02  # of the distance: a step is no shorter
_HALVINGS = 30


def meet(
    heights: NDArray[np.float32], corner_m: tuple[float, float], cell_m: float, start: Floats, ways: Floats
) -> Floats:
    """How far rays from `start` (3,) go along unit `ways` (N, 3) until they are under the ground: (N,) float64 metres.

    heights: (rows, columns) float32 metres; sample [j, i] lies at x = corner_m[0] + i * cell_m, z = corner_m[1] + j * cell_m;
    bilinear between, held outside. NaN for rays that do not within 4 km. Marches in steps that grow with distance (a bump
    thinner than 2% of its distance may be stepped over), then halves the step that went under. Raises ValueError on
    another shape or dtype.
    """
    if heights.ndim != 2 or heights.size == 0 or heights.dtype != np.float32:
        raise ValueError(f"heights are {heights.shape} {heights.dtype}; wanted (rows, columns) float32.")
    for name, array, shape in (("start", start, (3,)), ("ways", ways, (len(ways), 3))):
        if array.shape != shape or array.dtype != np.float64:
            raise ValueError(f"{name} is {array.shape} {array.dtype}; wanted {shape} float64.")
    out = np.full(len(ways), np.nan)
    grid = np.ascontiguousarray(heights), float(corner_m[0]), float(corner_m[1]), float(cell_m), float(heights.max())
    banded(_meet, len(ways), *grid, start, np.ascontiguousarray(ways), out, rows=RUN)
    return out


# error_model numpy: a check for division by zero costs more than the division.
@njit(cache=True, error_model="numpy")
def _height(heights, across, down):
    """Of the ground at a place in cells from the corner."""
    rows, columns = heights.shape
    across = min(max(across, 0.0), columns - 1.0)
    down = min(max(down, 0.0), rows - 1.0)
    i, j = min(int(across), max(columns - 2, 0)), min(int(down), max(rows - 2, 0))
    u, v = across - i, down - j
    right, below = np.uintp(min(i + 1, columns - 1)), np.uintp(min(j + 1, rows - 1))
    i, j = np.uintp(i), np.uintp(j)
    top = heights[j, i] * (1 - u) + heights[j, right] * u
    bottom = heights[below, i] * (1 - u) + heights[below, right] * u
    return top * (1 - v) + bottom * v


@njit(nogil=True, cache=True, error_model="numpy")
def _meet(first, last, heights, corner_x, corner_z, cell, highest, start, ways, out):
    step = 0.25 * min(cell, 1.0)
    x, y, z = (start[0] - corner_x) / cell, start[1], (start[2] - corner_z) / cell
    for n in range(first, last):
        wx, wy, wz = ways[n, 0] / cell, ways[n, 1], ways[n, 2] / cell
        if not np.isfinite(wx + wy + wz):
            continue
        near, distance, under = 0.0, 0.0, False
        while distance < REACH_M and not under:
            near = distance
            distance += max(step, _STRIDE * distance)
            level = y + distance * wy
            if level > highest:
                if wy >= 0:
                    break  # above all ground, and rising
                continue
            under = level <= _height(heights, x + distance * wx, z + distance * wz)
        if not under:
            continue
        far = distance
        for _ in range(_HALVINGS):
            middle = 0.5 * (near + far)
            if y + middle * wy <= _height(heights, x + middle * wx, z + middle * wz):
                far = middle
            else:
                near = middle
        out[n] = far
