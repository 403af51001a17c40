"""What other frames say of a pixel's depth: their points dropped into the picture, and the surface that most speaks for."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
UNSURE, SURE = 1, 2  # how a pixel's surface was found; 0: nobody says


def nearest_points(
    pixels: NDArray[np.floating], inverse: NDArray[np.floating], height: int, width: int
) -> NDArray[np.int32]:
    """Drop points into a picture: (height, width) int32, which of them is the nearest over each pixel, -1 for none.

    pixels: (N, 2) positions, centres at .5, each covers the four pixels around it; NaN drops it. inverse: (N,) 1/m.
    """
    if pixels.ndim != 2 or pixels.shape[1] != 2 or len(pixels) != len(inverse):
        raise ValueError(f"pixels {pixels.shape} and inverse {inverse.shape} do not fit")
    out = np.full((height, width), -1, np.int32)
    _nearest_points(np.ascontiguousarray(pixels, np.float32), np.ascontiguousarray(inverse, np.float32), out)
    return out


def elect(inverse: Floats, sure: Bools, alike: Bools, tolerance: float) -> tuple[Floats, NDArray[np.uint8]]:
    """Inverse depth (H, W) float32 that others speak for, NaN where they do not, and how: (H, W) uint8, 0, UNSURE or SURE.

    inverse: (N, H, W) float32 1/m, NaN where one says nothing; sure: (N, H, W) whether it was sure; alike: (N, H, W) whether
    what it saw there looks like what is seen here. Only those count. Depths within `tolerance`, a share, are one surface. The
    nearest that two sure ones and a third of all sure ones share stands; else the one that three and half of all do.
    """
    if not inverse.shape == sure.shape == alike.shape:
        raise ValueError(f"inverse {inverse.shape}, sure {sure.shape}, alike {alike.shape} do not fit")
    out, how = np.full(inverse.shape[1:], np.nan, np.float32), np.zeros(inverse.shape[1:], np.uint8)
    counted = alike & np.isfinite(inverse)
    _elect(np.ascontiguousarray(inverse), counted & sure, counted, np.float32(tolerance), out, how)
    return out, how


@njit(cache=True)
def _nearest_points(pixels, inverse, out):
    height, width = out.shape
    for i in range(len(pixels)):
        u, v = pixels[i, 0] - np.float32(0.5), pixels[i, 1] - np.float32(0.5)
        if not (-1 <= u < width and -1 <= v < height):
            continue
        left, top = int(np.floor(u)), int(np.floor(v))
        for y in range(max(top, 0), min(top + 2, height)):
            for x in range(max(left, 0), min(left + 2, width)):
                before = out[y, x]
                if before < 0 or inverse[i] > inverse[before]:
                    out[y, x] = i


@njit(parallel=True, cache=True)
def _elect(inverse, sure, counted, tolerance, out, how):
    height, width = out.shape
    for y in prange(height):
        for x in range(width):
            said = inverse[:, y, x]
            found = _surface(said, sure[:, y, x], tolerance, 2, 3, True)
            if found > 0:
                out[y, x], how[y, x] = found, SURE
                continue
            found = _surface(said, counted[:, y, x], tolerance, 3, 2, False)
            if found > 0:
                out[y, x], how[y, x] = found, UNSURE


@njit(cache=True)
def _surface(said, counted, tolerance, least, part, nearest):
    """Mean of the surface that at least `least` of those counted, and one in `part`, share: the nearest, or the most shared.

    0: none.
    """
    total = 0
    for k in range(len(said)):
        total += counted[k]
    best, most = np.float32(0), 0
    for k in range(len(said)):
        if not counted[k]:
            continue
        shared = 0
        for j in range(len(said)):
            shared += counted[j] and abs(said[j] - said[k]) < tolerance * said[k]
        if shared < least or part * shared < total:
            continue
        if (nearest and said[k] > best) or (not nearest and (shared > most or (shared == most and said[k] > best))):
            best, most = said[k], shared
    if most == 0:
        return np.float32(0)
    amount, number = np.float32(0), 0
    for j in range(len(said)):
        if counted[j] and abs(said[j] - best) < tolerance * best:
            amount += said[j]
            number += 1
    return amount / np.float32(number)
