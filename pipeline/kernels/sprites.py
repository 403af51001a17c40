"""Sprites of people: from the samples of an orthographic raster to guides, and how much sky each vertex sees.

Samples are ss x ss per pixel. View axes: x right, y up, z towards the viewer.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def resolve(
    depth: Floats, triangle_id: Ints, weights: Floats, triangles: Ints, normals: Floats, parts: Ints, ss: int
) -> tuple[Floats, Floats, NDArray[np.uint8], Floats]:
    """From samples to pixels: (relief (H, W), normals (H, W, 3), parts (H, W) uint8, coverage (H, W)).

    depth, triangle_id: (H ss, W ss) and weights (H ss, W ss, 2) as the rasteriser left them, depth in metres away from
    the viewer. normals: (V, 3) float32 in view axes. A pixel takes the part that most of its samples have, and that
    part's mean relief (metres towards the viewer) and normal, turned towards the viewer; empty pixels hold 0.
    Raises ValueError where shapes disagree.
    """
    same_samples(depth, triangle_id, weights, triangles, parts, ss)
    height, width = depth.shape[0] // ss, depth.shape[1] // ss
    relief = np.zeros((height, width), np.float32)
    facing = np.zeros((height, width, 3), np.float32)
    part = np.zeros((height, width), np.uint8)
    coverage = np.zeros((height, width), np.float32)
    _resolve(depth, triangle_id, weights, triangles, normals, parts, ss, relief, facing, part, coverage)
    return relief, facing, part, coverage


@njit(cache=True)
def _resolve(depth, triangle_id, weights, triangles, normals, parts, ss, relief, facing, part, coverage):
    height, width = relief.shape
    votes = np.zeros(256, np.int32)
    for y in range(height):
        for x in range(width):
            votes[:] = 0
            covered = 0
            best = 0
            for j in range(y * ss, y * ss + ss):
                for i in range(x * ss, x * ss + ss):
                    t = triangle_id[j, i]
                    if t >= 0:
                        covered += 1
                        votes[parts[t]] += 1
                        if votes[parts[t]] > votes[best]:
                            best = parts[t]
            if covered == 0:
                continue
            total, nx, ny, nz = 0.0, 0.0, 0.0, 0.0
            for j in range(y * ss, y * ss + ss):
                for i in range(x * ss, x * ss + ss):
                    t = triangle_id[j, i]
                    if t >= 0 and parts[t] == best:
                        total -= depth[j, i]
                        ax, ay, az = normal_at(normals, triangles, t, weights[j, i, 0], weights[j, i, 1])
                        nx += ax
                        ny += ay
                        nz += az
            length = np.sqrt(nx * nx + ny * ny + nz * nz)
            relief[y, x] = total / votes[best]
            if length > 1e-9:
                facing[y, x, 0] = nx / length
                facing[y, x, 1] = ny / length
                facing[y, x, 2] = nz / length
            else:
                facing[y, x, 2] = 1.0
            part[y, x] = best
            coverage[y, x] = covered / (ss * ss)


@njit(cache=True)
def normal_at(normals, triangles, t, u, v):
    """Unit normal inside a triangle, turned towards the viewer."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    w = 1.0 - u - v
    nx = u * normals[a, 0] + v * normals[b, 0] + w * normals[c, 0]
    ny = u * normals[a, 1] + v * normals[b, 1] + w * normals[c, 1]
    nz = u * normals[a, 2] + v * normals[b, 2] + w * normals[c, 2]
    length = np.sqrt(nx * nx + ny * ny + nz * nz)
    if length < 1e-9:
        return 0.0, 0.0, 1.0
    if nz < 0:
        length = -length
    return nx / length, ny / length, nz / length


def sky_visibility(
    points: Floats, normals: Floats, directions: Floats, maps: Floats, frames: Floats, bias_m: float
) -> Floats:
    """(V,) share of the light from `directions` (D, 3) that reaches each point, weighted by the cosine.

    maps: (D, N, N) float32 depth seen from each direction (smaller is nearer to the light), +inf where empty.
    frames: (D, 3, 4) float32: to map pixels x, y and depth, from homogeneous points. bias_m: how far a surface stands
    off its own shadow. Raises ValueError where shapes disagree.
    """
    if points.shape != normals.shape or not len(directions) == len(maps) == len(frames):
        raise ValueError(
            f"points {points.shape} and normals {normals.shape} must match; {len(directions)} directions need as many "
            f"maps ({len(maps)}) and frames ({len(frames)})"
        )
    out = np.ones(len(points), np.float32)
    _sky_visibility(points, normals, directions, maps, frames, np.float32(bias_m), out)
    return out


@njit(cache=True)
def _sky_visibility(points, normals, directions, maps, frames, bias, out):
    size = maps.shape[1]
    for i in range(len(points)):
        total, seen = 0.0, 0.0
        for d in range(len(directions)):
            cosine = (
                normals[i, 0] * directions[d, 0] + normals[i, 1] * directions[d, 1] + normals[i, 2] * directions[d, 2]
            )
            if cosine <= 0.02:
                continue
            total += cosine
            x = points[i, 0] + normals[i, 0] * bias
            y = points[i, 1] + normals[i, 1] * bias
            z = points[i, 2] + normals[i, 2] * bias
            f = frames[d]
            px = int(np.floor(f[0, 0] * x + f[0, 1] * y + f[0, 2] * z + f[0, 3]))
            py = int(np.floor(f[1, 0] * x + f[1, 1] * y + f[1, 2] * z + f[1, 3]))
            depth = f[2, 0] * x + f[2, 1] * y + f[2, 2] * z + f[2, 3]
            if px < 0 or py < 0 or px >= size or py >= size or maps[d, py, px] > depth - bias:
                seen += cosine
        if total > 0:
            out[i] = seen / total


def same_samples(depth: Floats, triangle_id: Ints, weights: Floats, triangles: Ints, parts: Ints, ss: int) -> None:
    """Compiled code checks no bounds. Raises ValueError unless buffers, triangles and parts belong together."""
    if depth.shape != triangle_id.shape or weights.shape != (*depth.shape, 2):
        raise ValueError(
            f"buffers differ: depth {depth.shape}, triangle_id {triangle_id.shape}, weights {weights.shape}"
        )
    if ss < 1 or depth.shape[0] % ss or depth.shape[1] % ss:
        raise ValueError(f"{depth.shape} samples are not a whole number of pixels of {ss} x {ss}")
    if len(parts) != len(triangles) or (triangle_id.size and triangle_id.max() >= len(triangles)):
        raise ValueError(
            f"{len(triangles)} triangles, {len(parts)} parts, ids up to {triangle_id.max()}: they must match"
        )
