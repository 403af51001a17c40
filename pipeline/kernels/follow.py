"""Follow what moves from one frame to the next, and tell how much its brightness changes."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

SAME_PLACE_M, SAME_PLACE = 0.1, 0.01  # how far apart, and as a share, two depths of one surface may be


def changes(
    before: Floats,
    after: Floats,
    motion_px: Floats,
    ids: tuple[Ints, Ints],
    depths_m: tuple[Floats, Floats],
    floor: float,
) -> Floats:
    """(H, W) float32: (then - now) / (their mean + floor) for every pixel of `before`, NaN where it cannot be told.

    before, after: (H, W) float32 brightness, NaN where the layer is not solid. motion_px: (H, W, 2) until `after`. ids,
    depths_m: (H, W) int32 and float32 of both frames: what is another thing there, or lies before it, hides it. Looked up
    by cubic convolution; beside an edge the missing neighbours are taken to be like the nearest one.
    Raises ValueError when shapes differ.

    Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 1981.
    """
    shape = before.shape
    planes = (after, *ids, *depths_m)
    if len(shape) != 2 or motion_px.shape != (*shape, 2) or any(plane.shape != shape for plane in planes):
        raise ValueError(f"before {shape}, motion {motion_px.shape} and {[p.shape for p in planes]} do not fit")
    out = np.full(shape, np.nan, np.float32)
    before, after, motion_px = (np.ascontiguousarray(a, np.float32) for a in (before, after, motion_px))
    id_before, id_after = (np.ascontiguousarray(a, np.int32) for a in ids)
    z_before, z_after = (np.ascontiguousarray(a, np.float32) for a in depths_m)
    _changes(before, after, motion_px, id_before, id_after, z_before, z_after, np.float32(floor), out)
    return out


@njit(cache=True)  # one thread: stages are split over frames already
def _changes(before, after, motion, id_before, id_after, depth_before, depth_after, floor, out):
    height, width = out.shape
    for y in range(height):
        for x in range(width):
            now = before[y, x]
            u, v = x + motion[y, x, 0], y + motion[y, x, 1]
            if np.isnan(now) or not (u >= 0 and v >= 0 and u < width - 1 and v < height - 1):  # NaN fails too
                continue
            i, j = int(u), int(v)
            z = depth_before[y, x]
            apart = np.float32(SAME_PLACE_M) + np.float32(SAME_PLACE) * z
            same = True
            for b in range(j, j + 2):
                for a in range(i, i + 2):
                    same &= id_after[b, a] == id_before[y, x] and abs(depth_after[b, a] - z) <= apart
                    same &= not np.isnan(after[b, a])
            if same:
                then = _looked_up(after, i, j, np.float32(u - i), np.float32(v - j))
                out[y, x] = (then - now) / (np.float32(0.5) * (abs(then) + abs(now)) + floor)


@njit(cache=True)
def _looked_up(picture, i, j, a, b):
    height, width = picture.shape
    total = np.float32(0)
    for n in range(-1, 3):
        row = np.float32(0)
        for m in range(-1, 3):
            y, x = min(max(j + n, 0), height - 1), min(max(i + m, 0), width - 1)
            value = picture[y, x]
            if np.isnan(value):
                value = picture[min(max(y, j), j + 1), min(max(x, i), i + 1)]
            row += _weight(np.float32(m) - a) * value
        total += _weight(np.float32(n) - b) * row
    return total


@njit(cache=True)
def _weight(t):
    t = abs(t)
    if t < np.float32(1):
        return (np.float32(1.5) * t - np.float32(2.5)) * t * t + np.float32(1)
    if t < np.float32(2):
        return ((np.float32(-0.5) * t + np.float32(2.5)) * t - np.float32(4)) * t + np.float32(2)
    return np.float32(0)
