"""How far each pixel of a still world moves because the camera does."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from pipeline.kernels.check import shaped


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
    for name, array, shape in (("turn", turn, (3, 3)), ("shift", shift, (3,)), ("lens", lens, (8,))):
        if array.shape != shape or array.dtype != np.float64:
            raise ValueError(f"{name} is {array.shape} {array.dtype}; wanted {shape} float64.")
    _camera_motion(rays, depth_m, np.ascontiguousarray(turn), shift, lens, float(fold), out)


@njit(parallel=True, cache=True)
def _camera_motion(rays, depth, turn, shift, lens, fold, out):
    height, width, _ = out.shape
    for row in prange(height):
        for column in range(width):
            x, y = np.float64(rays[row, column, 0]), np.float64(rays[row, column, 1])
            near = 1.0 / np.float64(depth[row, column])  # 0 at infinity: nothing but the turn is left
            there = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] + near * shift[2]
            if not there > 1e-9:
                out[row, column, 0] = np.float32(0)
                out[row, column, 1] = np.float32(0)
                continue
            u = (turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] + near * shift[0]) / there
            v = (turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] + near * shift[1]) / there
            inside = min(1.0, fold / max(np.sqrt(u * u + v * v), 1e-12))
            a, b = u * inside, v * inside
            square = a * a + b * b
            radial = 1.0 + square * (lens[4] + lens[5] * square)
            bent_x = a * radial + 2.0 * lens[6] * a * b + lens[7] * (square + 2.0 * a * a) + u * (1.0 - inside)
            bent_y = b * radial + 2.0 * lens[7] * a * b + lens[6] * (square + 2.0 * b * b) + v * (1.0 - inside)
            out[row, column, 0] = np.float32(bent_x * lens[0] + lens[2] - (column + 0.5))
            out[row, column, 1] = np.float32(bent_y * lens[1] + lens[3] - (row + 0.5))
