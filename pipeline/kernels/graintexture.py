"""How much picture there is in each cell of a frame: a codec leaves more of the grain on texture than on what is smooth.

Cells lie where they lie in the whole picture, as the codec's own blocks do; a tile takes the whole picture's activity.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import in_bands
from pipeline.kernels.check import same_rgb
from pipeline.kernels.color import LUMINANCE

CELL = 16  # pixels
HALF = CELL // 2
FAINT = 1e-3  # scene-linear: what is darker has no more texture than this light would have
LEAST = 1e-4  # activity that counts as none
_RED, _GREEN, _BLUE = (np.float32(v) for v in LUMINANCE)


def activity(picture: np.ndarray) -> np.ndarray:
    """(rows, columns) float32 of cells: standard deviation of their luminance over its mean, for cells of CELL x CELL pixels.

    picture: (H, W, 3) float32 scene-linear ACEScg without grain. Blurred by 1.5 pixels first; slopes through a whole
    cell, which a codec keeps, do not count. Cells at the right and lower border may be smaller. NaN where the picture is.
    """
    same_rgb(picture=picture)
    out = np.empty((-(-picture.shape[0] // CELL), -(-picture.shape[1] // CELL)), np.float32)
    in_bands(len(out), lambda top, bottom: _activity(top, bottom, picture, out), rows=2)
    return out


def lifts_of(cells: np.ndarray, texture: np.ndarray) -> NDArray[np.float32]:
    """Logarithms (to 2) of the gain of each cell and of a border as its neighbour, (rows + 2, columns + 2).

    texture: (2, K) activities, rising, and the gains there; between them linear in logarithms, held outside. Cells
    without a finite activity keep a gain of 1.
    """
    at = np.log(np.maximum(cells, LEAST, where=np.isfinite(cells), out=np.ones_like(cells)))
    found = np.interp(at, np.log(texture[0]), np.log2(texture[1]))
    return np.pad(np.where(np.isfinite(cells), found, 0), 1, mode="edge").astype(np.float32)


@njit(nogil=True, cache=True)
def _activity(top, bottom, picture, out):
    height, width = (picture.shape[0] + 1) // 2, (picture.shape[1] + 1) // 2
    line, above = np.empty(width, np.float32), np.empty(width, np.float32)
    here, below = np.empty(width, np.float32), np.empty(width, np.float32)
    for row in range(top, bottom):
        first, last = row * HALF, min(row * HALF + HALF, height)
        sums = np.zeros((out.shape[1], 5), np.float32)
        middle = np.float32(last - first - 1) / np.float32(2)
        _half_row(picture, max(first - 1, 0), above)
        _half_row(picture, first, here)
        for y in range(first, last):
            _half_row(picture, min(y + 1, height - 1), below)
            for i in range(width):
                x = np.uintp(i)
                line[x] = np.float32(0.25) * (above[x] + below[x]) + np.float32(0.5) * here[x]
            if y == first:
                for k in range(out.shape[1]):
                    sums[k, 4] = line[k * HALF]
            _add_row(line, np.float32(y - first) - middle, sums)
            above, here, below = here, below, above
        _settle(sums, last - first, width, out[row])


@njit(cache=True)
def _half_row(picture, y, line):
    """Luminance of pixels two by two."""
    one, other = picture[2 * y], picture[min(2 * y + 1, picture.shape[0] - 1)]
    right = picture.shape[1] - 1
    for i in range(line.shape[0]):
        x = np.uintp(2 * i)
        z = np.uintp(min(2 * i + 1, right))
        red = one[x, 0] + one[z, 0] + other[x, 0] + other[z, 0]
        green = one[x, 1] + one[z, 1] + other[x, 1] + other[z, 1]
        blue = one[x, 2] + one[z, 2] + other[x, 2] + other[z, 2]
        line[np.uintp(i)] = np.float32(0.25) * (_RED * red + _GREEN * green + _BLUE * blue)


@njit(cache=True)
def _add_row(line, down, sums):
    """Sums of values beside each cell's first one, of their squares, and of values times their places from the middle."""
    width = line.shape[0]
    for k in range(sums.shape[0]):
        start, end = k * HALF, min(k * HALF + HALF, width)
        middle = np.float32(end - start - 1) / np.float32(2)
        total, square, across = np.float32(0), np.float32(0), np.float32(0)
        first = sums[k, 4]
        for i in range(start, end):
            before, after = line[max(i - 1, 0)], line[min(i + 1, width - 1)]
            value = np.float32(0.25) * (before + after) + np.float32(0.5) * line[i] - first
            total += value
            square += value * value
            across += (np.float32(i - start) - middle) * value
        sums[k, 0] += total
        sums[k, 1] += square
        sums[k, 2] += across
        sums[k, 3] += down * total


@njit(cache=True)
def _settle(sums, rows, width, out):
    for k in range(out.shape[0]):
        columns = min(HALF, width - k * HALF)
        count = np.float32(rows * columns)
        mean = sums[k, 0] / count
        spread = sums[k, 1] / count - mean * mean
        wide, tall = np.float32(columns * columns - 1) / np.float32(12), np.float32(rows * rows - 1) / np.float32(12)
        if columns > 1:
            spread -= (sums[k, 2] / count) ** 2 / wide
        if rows > 1:
            spread -= (sums[k, 3] / count) ** 2 / tall
        spread = np.float32(0) if spread < 0 else spread  # not max(): a NaN stays
        out[k] = np.sqrt(spread) / (abs(sums[k, 4] + mean) + np.float32(FAINT))
