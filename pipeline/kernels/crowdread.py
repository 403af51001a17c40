"""Read a crowd's guides off what pipeline.kernels.crowdraster found in each pixel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.crowdplace import LensTable, seen_at
from pipeline.kernels.crowdraster import Floats, Ints, Scene
from pipeline.kernels.splat import check
from pipeline.kernels.triangles import NEAR_M, cross


def resolve(
    scene: Scene,
    rays: Floats,
    slot: Ints,
    triangle: Ints,
    normals: Floats,
    there: Floats,
    table: LensTable,
    ahead: int,
    out_normals: Floats,
    out_parts: NDArray[np.uint8],
    out_motion: Floats,
    top: int = 0,
) -> None:
    """Read normals, parts and motion off what `draw` found; empty pixels are left alone.

    normals: (V, 3) float32 of the scene's vertices in camera axes, any length, or (0, 3): none wanted. there: (V, 3)
    float32 the vertices in the camera of the other frame, whose lens `table` is, or (0, 3). ahead: 1 when that is the next frame, -1 when it
    is the one before. out_normals: (H, W, 3) unit, towards the viewer. out_parts: (H, W) uint8. out_motion: (H, W, 2)
    pixels until the next frame; 0 for what passes behind the camera. top: row of the picture at which all of these begin.
    """
    height, width = rays.shape[:2]
    count = len(scene.vertices)
    check("rays", rays, np.float32, (height, width, 2))
    check("slot", slot, np.int32, (height, width))
    check("triangle", triangle, np.int32, (height, width))
    check("normals", normals, np.float32, (count if len(normals) else 0, 3))
    check("there", there, np.float32, (count if len(there) else 0, 3))
    for name, array, dtype, shape, on in (("out_normals", out_normals, np.float32, (3,), len(normals)),
                                          ("out_parts", out_parts, np.uint8, (), True),
                                          ("out_motion", out_motion, np.float32, (2,), len(there))):  # fmt: skip
        check(name, array, dtype, (height, width, *shape) if on else array.shape)
    _resolve(scene.vertices, scene.triangles, scene.parts, scene.firsts, scene.first_triangles, rays, slot, triangle,
             normals, there, table.pixels, *table.low, *table.step, ahead, np.float64(top),
             out_normals, out_parts, out_motion)  # fmt: skip


def label(slot: Ints, ids: NDArray[np.uint32], out: NDArray[np.uint32]) -> None:
    """Write into `out` (H, W) uint32 the id of the agent that each pixel of `slot` sees; where it sees none it stays."""
    check("slot", slot, np.int32, slot.shape)
    check("ids", ids, np.uint32, (len(ids),))
    check("out", out, np.uint32, slot.shape)
    _label(slot.ravel(), ids, out.ravel())


def rank(slot: Ints, ids: NDArray[np.uint32], out: NDArray[np.uint32], cover: Floats) -> None:
    """From 2 x 2 samples to soft mattes: `out` (H, W, 4) uint32 ids and their `cover` (H, W, 4) float32, largest first.

    slot: (2H, 2W) int32 rows of `ids`, -1 where empty. Both come as zeros and stay so where nobody is. Equal shares are
    ordered by id.
    """
    height, width = slot.shape[0] // 2, slot.shape[1] // 2
    check("slot", slot, np.int32, (2 * height, 2 * width))
    check("ids", ids, np.uint32, (len(ids),))
    check("out", out, np.uint32, (height, width, 4))
    check("cover", cover, np.float32, (height, width, 4))
    _rank(slot, ids, out, cover)


@njit(cache=True)
def _edges(a, b, c, edges):
    """Edge functions of a triangle (rows of float64); its volume with the camera, six times."""
    cross(b, c, edges[0])
    cross(c, a, edges[1])
    cross(a, b, edges[2])
    return a[0] * edges[0, 0] + a[1] * edges[0, 1] + a[2] * edges[0, 2]


@njit(cache=True, nogil=True)
def _resolve(vertices, triangles, parts, firsts, first_triangles, rays, slot, triangle, normals, there, pixels, low_x,
             low_y, step_x, step_y, ahead, top, out_normals, out_parts, out_motion):  # fmt: skip
    height, width = slot.shape
    corners, edges = np.empty((3, 3), np.float64), np.empty((3, 3), np.float64)
    w, mean = np.empty(3, np.float64), np.empty(3, np.float64)
    rows = np.empty(3, np.int64)
    for y in range(height):
        for x in range(width):
            agent = slot[y, x]
            if agent < 0:
                continue
            at = first_triangles[agent] + triangle[y, x]
            out_parts[y, x] = parts[at]
            if len(normals) == 0 and len(there) == 0:
                continue
            for n in range(3):
                rows[n] = firsts[agent] + triangles[at, n]
                for axis in range(3):
                    corners[n, axis] = vertices[rows[n], axis]
            volume = _edges(corners[0], corners[1], corners[2], edges)
            ray_x, ray_y = np.float64(rays[y, x, 0]), np.float64(rays[y, x, 1])
            total = 0.0
            for n in range(3):
                w[n] = edges[n, 0] * ray_x + edges[n, 1] * ray_y + edges[n, 2]
                total += w[n]
            if len(normals):
                for axis in range(3):
                    mean[axis] = _sum(normals, rows, w, axis) / total
                length = np.sqrt(mean[0] ** 2 + mean[1] ** 2 + mean[2] ** 2)
                if length < 1e-6:  # opposite normals: the triangle's own
                    for axis in range(3):
                        mean[axis] = edges[0, axis] + edges[1, axis] + edges[2, axis]
                    length = max(np.sqrt(mean[0] ** 2 + mean[1] ** 2 + mean[2] ** 2), 1e-30)
                if mean[0] * ray_x + mean[1] * ray_y + mean[2] > 0.0:
                    length = -length
                for axis in range(3):
                    out_normals[y, x, axis] = np.float32(mean[axis] / length)
            if len(there):
                z = _sum(there, rows, w, 2) / total
                if z >= NEAR_M and volume != 0.0:
                    u, v = _sum(there, rows, w, 0) / total / z, _sum(there, rows, w, 1) / total / z
                    px, py = seen_at(u, v, pixels, low_x, low_y, step_x, step_y)
                    out_motion[y, x, 0] = np.float32(ahead * (px - x - 0.5))
                    out_motion[y, x, 1] = np.float32(ahead * (py - top - y - 0.5))


@njit(cache=True)
def _sum(values, rows, w, axis):
    return w[0] * values[rows[0], axis] + w[1] * values[rows[1], axis] + w[2] * values[rows[2], axis]


@njit(cache=True)
def _label(slot, ids, out):
    for n in range(len(slot)):
        if slot[n] >= 0:
            out[n] = ids[slot[n]]


@njit(cache=True)
def _rank(slot, ids, out, cover):
    height, width, _ = out.shape
    for y in range(height):
        for x in range(width):
            count, first = 0, slot[2 * y, 2 * x]
            if first == slot[2 * y, 2 * x + 1] == slot[2 * y + 1, 2 * x] == slot[2 * y + 1, 2 * x + 1]:
                if first >= 0:
                    out[y, x, 0], cover[y, x, 0] = ids[first], np.float32(1)
                continue
            for j in range(2):
                for i in range(2):
                    agent = slot[2 * y + j, 2 * x + i]
                    if agent < 0:
                        continue
                    at = 0
                    while at < count and out[y, x, at] != ids[agent]:
                        at += 1
                    out[y, x, at] = ids[agent]
                    cover[y, x, at] += np.float32(0.25)
                    count = max(count, at + 1)
            for end in range(count - 1, 0, -1):  # four at most: bubble sort
                for n in range(end):
                    a, b = cover[y, x, n], cover[y, x, n + 1]
                    if b > a or (b == a and out[y, x, n + 1] < out[y, x, n]):
                        cover[y, x, n], cover[y, x, n + 1] = b, a
                        swap = out[y, x, n]
                        out[y, x, n] = out[y, x, n + 1]
                        out[y, x, n + 1] = swap
