"""What all that draw triangles share: checks of their arrays, and which pixels a triangle may reach through any lens."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEAR_M = 0.05  # surfaces closer than this are cut away
# Up to this size a triangle's straight edges leave the box of its three distorted corners by less than a pixel.
SMALL_PX = 48.0

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def same(name: str, array: NDArray, dtype: type, shape: tuple[int | None, ...]) -> None:
    """Compiled code checks no bounds, so shape, dtype and memory order are checked here."""
    fits = isinstance(array, np.ndarray) and array.ndim == len(shape)
    fits = fits and all(want is None or want == have for want, have in zip(shape, array.shape, strict=True))
    if not fits or array.dtype != dtype or not array.flags.c_contiguous:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        have = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name} must be a contiguous {np.dtype(dtype)} array of shape ({wanted}), not {have}")


def same_mesh(vertices: Floats, name: str, triangles: Ints) -> None:
    same(name, vertices, np.float32, (None, 3))
    same("triangles", triangles, np.int32, (None, 3))
    if len(triangles) and (triangles.min() < 0 or triangles.max() >= len(vertices)):
        raise ValueError(f"triangles name vertices outside 0..{len(vertices) - 1}")


def same_buffers(depth: Floats, triangle_id: Ints, weights: Floats, size: tuple[int, ...]) -> None:
    height, width = size
    same("depth", depth, np.float32, (height, width))
    same("triangle_id", triangle_id, np.int32, (height, width))
    same("weights", weights, np.float32, (height, width, 2))


@njit(cache=True)
def ray_ranges(rays):
    """Lowest and highest x/z of every column, y/z of every row: finds pixels without knowing the lens."""
    height, width, _ = rays.shape
    columns = np.empty((width, 2), np.float32)
    rows = np.empty((height, 2), np.float32)
    columns[:, 0] = np.inf
    columns[:, 1] = -np.inf
    rows[:, 0] = np.inf
    rows[:, 1] = -np.inf
    for y in range(height):
        for x in range(width):
            right, down = rays[y, x, 0], rays[y, x, 1]
            if right < columns[x, 0]:
                columns[x, 0] = right
            if right > columns[x, 1]:
                columns[x, 1] = right
            if down < rows[y, 0]:
                rows[y, 0] = down
            if down > rows[y, 1]:
                rows[y, 1] = down
    return columns, rows


@njit(cache=True)
def reached(ranges, low, high):
    """First and one-past-last column (or row) whose rays come into low..high."""
    first, last = len(ranges), 0
    for i in range(len(ranges)):
        if ranges[i, 1] >= low and ranges[i, 0] <= high:
            first = min(first, i)
            last = i + 1
    return first, last


@njit(cache=True)
def near_box(corners):
    """Bounds of x/z and y/z of the part of a triangle (3, 3) beyond the near plane; the clip comes before the box."""
    low_x = low_y = np.inf
    high_x = high_y = -np.inf
    for i in range(3):
        a, b = corners[i], corners[(i + 1) % 3]
        if a[2] >= NEAR_M:
            x, y = a[0] / a[2], a[1] / a[2]
            low_x, high_x = min(low_x, x), max(high_x, x)
            low_y, high_y = min(low_y, y), max(high_y, y)
        if (a[2] >= NEAR_M) != (b[2] >= NEAR_M):
            t = (NEAR_M - a[2]) / (b[2] - a[2])
            x, y = (a[0] + t * (b[0] - a[0])) / NEAR_M, (a[1] + t * (b[1] - a[1])) / NEAR_M
            low_x, high_x = min(low_x, x), max(high_x, x)
            low_y, high_y = min(low_y, y), max(high_y, y)
    return low_x, high_x, low_y, high_y


@njit(cache=True)
def span(a, b, c, size):
    """First and one-past-last pixel of 0..size whose centre lies between three positions, give or take the lens's bend.

    An edge of s pixels sags by s^2/8 times its curvature: s^2/2000 covers lenses that bend within 250 pixels' radius.
    """
    low, high = min(a, b, c), max(a, b, c)
    margin = 0.05 + (high - low) * (high - low) * 5e-4
    low, high = low - margin - 0.5, high + margin + 0.5
    if not (low <= size - 1 and high >= 0.0):  # also: NaN
        return 0, 0
    return int(max(np.ceil(low), 0.0)), int(min(np.floor(high), float(size)))
