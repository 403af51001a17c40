"""How much fine picture there is at each place of a frame, and how light it is: a codec's noise goes by both.

Cells lie where they lie in the whole picture; a tile takes the whole picture's activity.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import in_bands
from pipeline.kernels.check import same_rgb
from pipeline.kernels.color import LUMINANCE

CELL = 4  # pixels
HALF = CELL // 2
LEAST = 1e-5  # activity or light that counts as none
_RED, _GREEN, _BLUE = (np.float32(v) for v in LUMINANCE)


def activity(picture: np.ndarray) -> np.ndarray:
    """(rows, columns, 2) float32 of cells of CELL x CELL pixels: standard deviation of the detail of the luminance, and its mean.

    picture: (H, W, 3) float32 scene-linear ACEScg without grain. Detail: what pixels two by two differ in from a blur of
    1.4 pixels, so slopes have none; of the cell alone, or what is smooth beside an edge would get the edge's noise. The mean
    is that of some three cells. Cells at the right and lower border may be smaller. NaN where the picture is, and around it.
    """
    same_rgb(picture=picture)
    height, width = ((n + 1) // 2 for n in picture.shape[:2])
    half = np.empty((height, width), np.float32)
    in_bands(height, lambda top, bottom: _half(top, bottom, picture, half))
    cells = np.empty((-(-picture.shape[0] // CELL), -(-picture.shape[1] // CELL), 2), np.float32)
    in_bands(len(cells), lambda top, bottom: _cells(top, bottom, half, cells))
    return np.stack([np.sqrt(cells[..., 0]), _around(cells[..., 1])], axis=-1)


def lifts_of(seen: np.ndarray, law: np.ndarray) -> NDArray[np.float32]:
    """Logarithms (to 2) of the gain of each cell and of a border as its neighbour, (rows + 2, columns + 2).

    seen: (rows, columns) activities or light, in the units of law, (2, K): some, rising, and the gains there; between them
    linear in logarithms, held outside. Cells without a finite value keep a gain of 1.
    """
    at = np.log(np.maximum(seen, LEAST, where=np.isfinite(seen), out=np.ones_like(seen)))
    found = np.interp(at, np.log(law[0]), np.log2(law[1]))
    return np.pad(np.where(np.isfinite(seen), found, 0), 1, mode="edge").astype(np.float32)


def _around(cells: np.ndarray) -> np.ndarray:
    """Each cell's mean with its neighbours, those at its sides half, at its corners a quarter as heavy."""
    wide = np.pad(cells, 1, mode="edge")
    half, quarter = np.float32(0.5), np.float32(0.25)
    down = quarter * (wide[:-2] + wide[2:]) + half * wide[1:-1]
    return np.asarray(quarter * (down[:, :-2] + down[:, 2:]) + half * down[:, 1:-1])


@njit(nogil=True, cache=True)
def _half(top, bottom, picture, half):
    """Luminance of pixels two by two."""
    right = picture.shape[1] - 1
    for y in range(top, bottom):
        one, other, line = picture[2 * y], picture[min(2 * y + 1, picture.shape[0] - 1)], half[y]
        for i in range(half.shape[1]):
            x = np.uintp(2 * i)
            z = np.uintp(min(2 * i + 1, right))
            red = one[x, 0] + one[z, 0] + other[x, 0] + other[z, 0]
            green = one[x, 1] + one[z, 1] + other[x, 1] + other[z, 1]
            blue = one[x, 2] + one[z, 2] + other[x, 2] + other[z, 2]
            line[np.uintp(i)] = np.float32(0.25) * (_RED * red + _GREEN * green + _BLUE * blue)


@njit(nogil=True, cache=True)
def _cells(top, bottom, half, cells):
    """Mean square of the detail and mean of each cell."""
    height, width = half.shape
    detail = np.empty(width, np.float32)
    for row in range(top, bottom):
        first, last = row * HALF, min(row * HALF + HALF, height)
        cells[row] = np.float32(0)
        for y in range(first, last):
            _detail(half[max(y - 1, 0)], half[y], half[min(y + 1, height - 1)], detail)
            for k in range(cells.shape[1]):
                for i in range(k * HALF, min(k * HALF + HALF, width)):
                    cells[row, k, 0] += detail[i] * detail[i]
                    cells[row, k, 1] += half[y, i]
        for k in range(cells.shape[1]):
            share = np.float32(1) / np.float32((last - first) * (min(k * HALF + HALF, width) - k * HALF))
            cells[row, k, 0] *= share
            cells[row, k, 1] *= share


@njit(cache=True)
def _detail(above, here, below, out):
    """What a row differs in from its mean with what lies around: beside a pixel half, at its corners a quarter as heavy."""
    width = here.shape[0]
    down = np.empty(width, np.float32)
    for i in range(width):
        x = np.uintp(i)
        down[x] = np.float32(0.25) * (above[x] + below[x]) + np.float32(0.5) * here[x]
    for i in range(width):
        left, right = down[max(i - 1, 0)], down[min(i + 1, width - 1)]
        out[i] = here[i] - (np.float32(0.25) * (left + right) + np.float32(0.5) * down[i])
