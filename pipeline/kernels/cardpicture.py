"""Colour what a sample of each pixel shows of a mesh that wears a flat picture."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.kernels.splat import CHANNELS, LEVELS, Pyramid, check

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
Ints = NDArray[np.int32]
LEAST_FACING = 0.15  # more obliquely seen triangles are not filtered any wider


def wear(
    picture: Pyramid,
    triangles: Ints,
    places: Array,
    world: Array,
    facing: Array,
    texels_per_m: float,
    focal_px: float,
    drawn: tuple[Floats, Ints, Floats],
    rays: Floats,
    corner: tuple[int, int],
    share: float,
    rgba: Floats,
    nearest: Floats,
    where: Array,
) -> None:
    """Add `share` of what one sample of each pixel of a window shows, trilinear; outside of the picture there is nothing.

    picture: pyramid of one picture. triangles: (T, 3); places: (V, 2) float64 x, y in the picture's pixels, centres at .5;
    world: (V, 3) float64; facing: (T, 3) float64 unit normals in camera axes. texels_per_m: of the picture's pixels, the
    finer side. drawn: depth, triangle and weights (h, w) of the window, as rasterize has them, through `rays` (h, w, 2).
    corner: row and column of the window in the picture. In/out: rgba (H, W, 4) float32 premultiplied; nearest (H, W)
    float32 metres, and where (H, W, 3) float64 in the world the nearest sample lies that shows anything. Bit-identical for
    any number of threads. Raises ValueError on another shape or dtype.
    """
    depth, triangle, weights = drawn
    high, wide = depth.shape
    top, left = corner
    height, width = nearest.shape
    if top < 0 or left < 0 or top + high > height or left + wide > width:
        raise ValueError(f"a window of {wide} x {high} at {left}, {top} reaches outside of {width} x {height}")
    check("triangles", triangles, np.int32, (len(triangles), 3))
    check("places", places, np.float64, (len(world), 2))
    check("world", world, np.float64, (len(world), 3))
    check("facing", facing, np.float64, (len(triangles), 3))
    check("texels", picture.texels, np.float32, (1, picture.texels.shape[1], CHANNELS))
    check("rays", rays, np.float32, (high, wide, 2))
    check("triangle", triangle, np.int32, (high, wide))
    check("weights", weights, np.float32, (high, wide, 2))
    check("rgba", rgba, np.float32, (height, width, 4))
    check("where", where, np.float64, (height, width, 3))
    check("nearest", nearest, np.float32, (height, width))
    if triangle.size and triangle.max() >= len(triangles):
        raise ValueError(f"the window shows triangles outside 0..{len(triangles) - 1}")
    _wear(picture.texels, picture.shapes, triangles, places, world, facing, 0.5 * texels_per_m / focal_px, depth, triangle,
          weights, rays, top, left, np.float32(share), rgba, nearest, where)  # fmt: skip


@njit(cache=True, inline="always")
def _texel(texels, shapes, level, x, y, r, g, b, a, scale):
    """r, g, b, a and `scale` times the bilinear sample at x, y, pixels of the full size, of one level."""
    first, rows, columns = shapes[level, 0], shapes[level, 1], shapes[level, 2]
    size = np.float64(1 << level)
    fx, fy = x / size - 0.5, y / size - 0.5
    x0, y0 = int(np.floor(fx)), int(np.floor(fy))
    ax, ay = fx - x0, fy - y0
    for j in range(2):
        row = y0 + j
        if row < 0 or row >= rows:
            continue
        for i in range(2):
            column = x0 + i
            if column < 0 or column >= columns:
                continue
            at = np.uintp(first + row * columns + column)
            alpha = texels[0, at, 3]
            if alpha > 0:
                weight = scale * (ax if i else 1.0 - ax) * (ay if j else 1.0 - ay)
                r += weight * texels[0, at, 0]
                g += weight * texels[0, at, 1]
                b += weight * texels[0, at, 2]
                a += weight * alpha
    return r, g, b, a


@njit(parallel=True, cache=True)
def _wear(texels, shapes, triangles, places, world, facing, half_texels, depth, triangle, weights, rays, top, left, share,
          rgba, nearest, where):  # fmt: skip
    high, wide = triangle.shape
    for v in prange(high):
        for u in range(wide):
            t = triangle[v, u]
            if t < 0:
                continue
            i, j, k = np.uintp(triangles[t, 0]), np.uintp(triangles[t, 1]), np.uintp(triangles[t, 2])
            wi, wj = np.float64(weights[v, u, 0]), np.float64(weights[v, u, 1])
            wk = 1.0 - wi - wj
            x = places[i, 0] * wi + places[j, 0] * wj + places[k, 0] * wk
            y = places[i, 1] * wi + places[j, 1] * wj + places[k, 1] * wk
            ray_x, ray_y = np.float64(rays[v, u, 0]), np.float64(rays[v, u, 1])
            towards = abs(ray_x * facing[t, 0] + ray_y * facing[t, 1] + facing[t, 2])
            towards /= np.sqrt(ray_x * ray_x + ray_y * ray_y + 1.0)
            # Half a pixel: four samples share it. Along the slope the footprint is longer.
            footprint = half_texels * depth[v, u] / max(towards, LEAST_FACING)
            lod = min(max(np.log2(max(footprint, 1e-6)), 0.0), LEVELS - 1.0)
            level = min(int(lod), LEVELS - 2)
            over = lod - level
            r = g = b = a = 0.0
            if over < 1.0:
                r, g, b, a = _texel(texels, shapes, level, x, y, r, g, b, a, 1.0 - over)
            if over > 0.0:
                r, g, b, a = _texel(texels, shapes, level + 1, x, y, r, g, b, a, over)
            if not a > 0.0:
                continue
            row, column = np.uintp(top + v), np.uintp(left + u)
            rgba[row, column, 0] += share * np.float32(r)
            rgba[row, column, 1] += share * np.float32(g)
            rgba[row, column, 2] += share * np.float32(b)
            rgba[row, column, 3] += share * np.float32(a)
            if depth[v, u] < nearest[row, column]:
                nearest[row, column] = depth[v, u]
                for c in range(3):
                    where[row, column, c] = world[i, c] * wi + world[j, c] * wj + world[k, c] * wk
