"""Deferred shading: smooth normals, light maps that find shadows, and the resolve from triangle buffers to radiance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.triangles import same, same_buffers, same_mesh, span

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def see(vertices: Floats, camera_from_world: NDArray, lens: Sequence[float]) -> tuple[Floats, Floats]:
    """World to camera axes (V, 3) and to distorted pixels (V, 2) in one pass; behind the camera the pixels mean nothing.

    vertices: (V, 3) float32 metres. camera_from_world: (4, 4). lens: focal x, y and centre x, y in pixels, k1, k2
    (OPENCV without tangential terms). Raises ValueError on another shape or dtype.
    """
    same("vertices", vertices, np.float32, (None, 3))
    camera, pixels = np.empty_like(vertices), np.empty((len(vertices), 2), np.float32)
    _see(vertices, np.ascontiguousarray(camera_from_world[:3], np.float64), np.array(lens, np.float64), camera, pixels)
    return camera, pixels


def vertex_normals(vertices: Floats, triangles: Ints) -> Floats:
    """Unit normals (V, 3) float32, the mean of the triangles around each vertex weighted by area; 0 where there is none.

    Triangles wind counter-clockwise seen from outside. Raises ValueError on another shape, dtype or index.
    """
    same_mesh(vertices, "vertices", triangles)
    return _vertex_normals(vertices, triangles)


def along_light(points: Floats, map_from_world: NDArray, normals: Floats | None = None, lift_m: float = 0.0) -> Floats:
    """World points (N, 3) to the frame of `light_map` by a (3, 4) matrix, float32; moved first by lift_m along `normals`."""
    same("points", points, np.float32, (None, 3))
    matrix = np.ascontiguousarray(map_from_world, np.float32)
    same("map_from_world", matrix, np.float32, (3, 4))
    if normals is None:
        return _along_light(points, points, np.float32(0), matrix)
    same("normals", normals, np.float32, points.shape)
    return _along_light(points, normals, np.float32(lift_m), matrix)


def light_map(points: Floats, triangles: Ints, size_px: int) -> Floats:
    """Depth (S, S) float32 of the surfaces nearest to a distant light, +inf where none.

    points: (V, 3) float32 in the light's own frame: x, y in pixels of the map, z growing away from the light.
    Raises ValueError on another shape, dtype or index.
    """
    same_mesh(points, "points", triangles)
    depth = np.full((size_px, size_px), np.inf, np.float32)
    _light_map(points, triangles, depth)
    return depth


def lit(points: Floats, depth: Floats, bias: float, visible: Floats) -> None:
    """Multiply `visible` (N,) float32 in place by the lit part (0..1) of each point; 1 outside the map.

    points: (N, 3) float32 in the frame of `light_map`; bias: by how much (in z) a point may lie behind the map.
    The four nearest map pixels vote with bilinear weights (Reeves et al., "Rendering antialiased shadows", SIGGRAPH 1987).
    """
    same("points", points, np.float32, (None, 3))
    same("depth", depth, np.float32, (None, None))
    same("visible", visible, np.float32, (len(points),))
    _lit(points, depth, np.float32(bias), visible)


def interpolate(triangles: Ints, triangle_id: Ints, weights: Floats, values: Floats) -> Floats:
    """Values (V, C) float32 at each pixel of the buffers of `rasterize`: (H, W, C) float32, 0 where nothing is drawn.

    Raises ValueError on another shape or dtype.
    """
    same("triangles", triangles, np.int32, (None, 3))
    same("values", values, np.float32, (None, None))
    height, width = triangle_id.shape
    same_buffers(np.empty((height, width), np.float32), triangle_id, weights, (height, width))
    out = np.zeros((height, width, values.shape[1]), np.float32)
    _interpolate(triangles, triangle_id, weights, values, out)
    return out


@njit(cache=True)
def _see(vertices, pose, lens, camera, pixels):
    for i in range(len(vertices)):
        x, y, z = np.float64(vertices[i, 0]), np.float64(vertices[i, 1]), np.float64(vertices[i, 2])
        a = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]
        b = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]
        c = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
        camera[i, 0], camera[i, 1], camera[i, 2] = a, b, c
        c = max(c, 1e-3)
        a, b = a / c, b / c
        r2 = min(a * a + b * b, 1.0)  # far outside the frame the polynomial would fold back in
        stretch = 1.0 + lens[4] * r2 + lens[5] * r2 * r2
        pixels[i, 0] = a * stretch * lens[0] + lens[2]
        pixels[i, 1] = b * stretch * lens[1] + lens[3]


@njit(cache=True)
def _vertex_normals(vertices, triangles):
    normals = np.zeros((len(vertices), 3), np.float64)
    for t in range(len(triangles)):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2]
        bx, by, bz = vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for n in (i, j, k):
            normals[n, 0] += nx
            normals[n, 1] += ny
            normals[n, 2] += nz
    out = np.zeros((len(vertices), 3), np.float32)
    for i in range(len(vertices)):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2)
        if length > 0:
            for k in range(3):
                out[i, k] = normals[i, k] / length
    return out


@njit(cache=True)
def _along_light(points, normals, lift, matrix):
    out = np.empty_like(points)
    for i in range(len(points)):
        x = points[i, 0] + lift * normals[i, 0]
        y = points[i, 1] + lift * normals[i, 1]
        z = points[i, 2] + lift * normals[i, 2]
        for k in range(3):
            out[i, k] = matrix[k, 0] * x + matrix[k, 1] * y + matrix[k, 2] * z + matrix[k, 3]
    return out


@njit(cache=True)
def _light_map(points, triangles, depth):
    size = depth.shape[0]
    for t in range(len(triangles)):
        a, b, c = points[triangles[t, 0]], points[triangles[t, 1]], points[triangles[t, 2]]
        x0, x1 = span(a[0], b[0], c[0], size)
        y0, y1 = span(a[1], b[1], c[1], size)
        if x0 >= x1 or y0 >= y1:
            continue
        ax, ay, bx, by = np.float64(a[0]), np.float64(a[1]), np.float64(b[0]), np.float64(b[1])
        cx, cy = np.float64(c[0]), np.float64(c[1])
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not abs(area) > 0.0:
            continue
        for y in range(y0, y1):
            for x in range(x0, x1):
                px, py = x + 0.5, y + 0.5
                w0 = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area
                w1 = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area
                if w0 >= 0 and w1 >= 0 and w0 + w1 <= 1:
                    z = np.float32(w0 * a[2] + w1 * b[2] + (1 - w0 - w1) * c[2])
                    if z < depth[y, x]:
                        depth[y, x] = z


@njit(cache=True)
def _lit(points, depth, bias, visible):
    size = depth.shape[0]
    for i in range(len(points)):
        x, y = points[i, 0] - np.float32(0.5), points[i, 1] - np.float32(0.5)
        if not (x >= 0 and y >= 0 and x < size - 1 and y < size - 1) or visible[i] == 0:
            continue
        ix, iy = int(x), int(y)
        fx, fy = x - ix, y - iy
        z = points[i, 2] - bias
        share = np.float32(0)
        share += (1 - fx) * (1 - fy) * (depth[iy, ix] >= z)
        share += fx * (1 - fy) * (depth[iy, ix + 1] >= z)
        share += (1 - fx) * fy * (depth[iy + 1, ix] >= z)
        share += fx * fy * (depth[iy + 1, ix + 1] >= z)
        visible[i] *= share


@njit(cache=True)
def _interpolate(triangles, triangle_id, weights, values, out):
    height, width, channels = out.shape
    for y in range(height):
        for x in range(width):
            t = triangle_id[y, x]
            if t < 0:
                continue
            w0, w1 = weights[y, x, 0], weights[y, x, 1]
            w2 = np.float32(1) - w0 - w1
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            for c in range(channels):
                out[y, x, c] = w0 * values[i, c] + w1 * values[j, c] + w2 * values[k, c]
