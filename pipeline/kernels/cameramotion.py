"""Where another camera sees what this one sees of a still world: how far pixels move, what of a frame another shows."""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.kernels.bands import banded
from pipeline.kernels.check import shaped
from pipeline.kernels.warp import drop


def camera_motion(
    rays: np.ndarray,
    depth_m: np.ndarray,
    turn: np.ndarray,
    shift: np.ndarray,
    lens: np.ndarray,
    fold: float,
    out: np.ndarray,
) -> None:
    """Pixels (x right, y down) from where a point is seen to where the other camera sees it, into `out` (H, W, 2) float32.

    rays: (H, W, 2) float32, x/z and y/z through each pixel centre; depth_m: (H, W) float32 along camera z, +inf: only the
    turn moves it. turn (3, 3), shift (3,) float64: other camera from this one. lens: (8,) float64, focal x y, centre x y in
    pixels, k1 k2 p1 p2 (calibration.lens.distort); fold: its fold_radius. A point behind the other camera does not move.
    """
    size = (rays.shape[0], rays.shape[1])
    shaped(size, 2, rays=rays, out=out)
    shaped(size, depth_m=depth_m)
    _doubles(turn=(turn, (3, 3)), shift=(shift, (3,)), lens=(lens, (8,)))
    banded(_camera_motion, len(out), rays, depth_m, np.ascontiguousarray(turn), shift, lens, float(fold), out)


def carried(
    inverse: np.ndarray, rays: np.ndarray, turns: np.ndarray, shifts: np.ndarray, lens: np.ndarray, fold: float
) -> np.ndarray:
    """The depths of N frames as this camera sees them, the nearest wins: (N, H, W) float32 inverse depth, NaN where nothing fell.

    inverse: (N, H, W) float32 1/m, 0 where a frame tells nothing; rays: (N, H, W, 2) of each frame's lens, or (1, H, W, 2) where
    all have one; of this camera lens and fold, as for camera_motion. turns (N, 3, 3), shifts (N, 3) float64: this camera from each other one. A point covers the four pixels
    around it. Raises ValueError on another shape or dtype.
    """
    count, *size = inverse.shape
    for one in inverse:
        shaped((size[0], size[1]), inverse=one)
    if len(rays) not in (1, count):
        raise ValueError(f"rays are of {len(rays)} frames; wanted 1 or {count}.")
    for way in rays:
        shaped((size[0], size[1]), 2, rays=way)
    _doubles(turns=(turns, (count, 3, 3)), shifts=(shifts, (count, 3)), lens=(lens, (8,)))
    out = np.full(inverse.shape, np.nan, np.float32)
    ways = np.ascontiguousarray(turns), np.ascontiguousarray(shifts)
    banded(_carry, count, inverse, rays, *ways, lens, float(fold), out, rows=1)
    return out


def _doubles(**arrays: tuple[np.ndarray, tuple[int, ...]]) -> None:
    for name, (array, shape) in arrays.items():
        if array.shape != shape or array.dtype != np.float64:
            raise ValueError(f"{name} is {array.shape} {array.dtype}; wanted {shape} float64.")


@njit(cache=True)
def _seen_at(x, y, near, turn, shift, lens, fold):
    """Where (pixels) and how far away (share of the distance here) the other camera sees a point; not ahead of it: 0 or less."""
    there = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] + near * shift[2]
    if not there > 1e-9:
        return 0.0, 0.0, 0.0
    u = (turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] + near * shift[0]) / there
    v = (turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] + near * shift[1]) / there
    inside = min(1.0, fold / max(np.sqrt(u * u + v * v), 1e-12))
    a, b = u * inside, v * inside
    square = a * a + b * b
    radial = 1.0 + square * (lens[4] + lens[5] * square)
    bent_x = a * radial + 2.0 * lens[6] * a * b + lens[7] * (square + 2.0 * a * a) + u * (1.0 - inside)
    bent_y = b * radial + 2.0 * lens[7] * a * b + lens[6] * (square + 2.0 * b * b) + v * (1.0 - inside)
    return bent_x * lens[0] + lens[2], bent_y * lens[1] + lens[3], there


@njit(nogil=True, cache=True, error_model="numpy")
def _camera_motion(top, bottom, rays, depth, turn, shift, lens, fold, out):
    _, width, _ = out.shape
    for row in range(top, bottom):
        for column in range(width):
            x, y = np.float64(rays[row, column, 0]), np.float64(rays[row, column, 1])
            near = 1.0 / np.float64(depth[row, column])  # 0 at infinity: nothing but the turn is left
            column_there, row_there, there = _seen_at(x, y, near, turn, shift, lens, fold)
            if not there > 0.0:
                out[row, column, 0] = np.float32(0)
                out[row, column, 1] = np.float32(0)
                continue
            out[row, column, 0] = np.float32(column_there - (column + 0.5))
            out[row, column, 1] = np.float32(row_there - (row + 0.5))


@njit(nogil=True, cache=True, error_model="numpy")
def _carry(first, last, inverse, rays, turns, shifts, lens, fold, out):
    _, height, width = inverse.shape
    for n in range(first, last):  # a frame each: which of its points is nearest does not depend on their order
        turn, shift, seen = turns[n], shifts[n], out[n]
        ways = rays[np.uintp(n) if len(rays) > 1 else np.uintp(0)]
        for row in range(height):
            for column in range(width):
                near = np.float64(inverse[n, row, column])
                if not near > 0.0:
                    continue
                x, y = np.float64(ways[row, column, 0]), np.float64(ways[row, column, 1])
                there_x, there_y, there = _seen_at(x, y, near, turn, shift, lens, fold)
                if there > 0.0:
                    drop(seen, np.float32(there_x), np.float32(there_y), np.float32(near / there))
