"""Read a crowd's guides off what pipeline.kernels.crowdraster found in each pixel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.crowdplace import LensTable, seen_at
from pipeline.kernels.crowdraster import Floats, Ints, Scene
from pipeline.kernels.splat import check
from pipeline.kernels.triangles import NEAR_M


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
def _mixed(values, i, j, k, wa, wb, wc, axis):
    return wa * values[i, axis] + wb * values[j, axis] + wc * values[k, axis]


@njit(cache=True, nogil=True, error_model="numpy")
def _resolve(vertices, triangles, parts, firsts, first_triangles, rays, slot, triangle, normals, there, pixels, low_x,
             low_y, step_x, step_y, ahead, top, out_normals, out_parts, out_motion):  # fmt: skip
    height, width = slot.shape
    with_normals, with_motion = len(normals) > 0, len(there) > 0
    for y in range(np.uintp(height)):
        for x in range(np.uintp(width)):
            agent = slot[y, x]
            if agent < 0:
                continue
            at, first = np.uintp(first_triangles[agent] + triangle[y, x]), np.uintp(firsts[agent])
            out_parts[y, x] = parts[at]
            if not (with_normals or with_motion):
                continue
            i, j, k = (first + np.uintp(triangles[at, 0]), first + np.uintp(triangles[at, 1]),
                       first + np.uintp(triangles[at, 2]))  # fmt: skip
            ax, ay, az = np.float64(vertices[i, 0]), np.float64(vertices[i, 1]), np.float64(vertices[i, 2])
            bx, by, bz = np.float64(vertices[j, 0]), np.float64(vertices[j, 1]), np.float64(vertices[j, 2])
            cx, cy, cz = np.float64(vertices[k, 0]), np.float64(vertices[k, 1]), np.float64(vertices[k, 2])
            # Edge functions in ray space, as crowdraster has them.
            a0, a1, a2 = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
            b0, b1, b2 = cy * az - cz * ay, cz * ax - cx * az, cx * ay - cy * ax
            c0, c1, c2 = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            ray_x, ray_y = np.float64(rays[y, x, 0]), np.float64(rays[y, x, 1])
            wa = a0 * ray_x + a1 * ray_y + a2
            wb = b0 * ray_x + b1 * ray_y + b2
            wc = c0 * ray_x + c1 * ray_y + c2
            total = wa + wb + wc
            if with_normals:
                right = _mixed(normals, i, j, k, wa, wb, wc, 0) / total
                down = _mixed(normals, i, j, k, wa, wb, wc, 1) / total
                deep = _mixed(normals, i, j, k, wa, wb, wc, 2) / total
                length = np.sqrt(right * right + down * down + deep * deep)
                if length < 1e-6:  # opposite normals: the triangle's own
                    right, down, deep = a0 + b0 + c0, a1 + b1 + c1, a2 + b2 + c2
                    length = max(np.sqrt(right * right + down * down + deep * deep), 1e-30)
                if right * ray_x + down * ray_y + deep > 0.0:
                    length = -length
                out_normals[y, x, 0] = np.float32(right / length)
                out_normals[y, x, 1] = np.float32(down / length)
                out_normals[y, x, 2] = np.float32(deep / length)
            if with_motion:
                z = _mixed(there, i, j, k, wa, wb, wc, 2) / total
                if z >= NEAR_M and ax * a0 + ay * a1 + az * a2 != 0.0:
                    u = _mixed(there, i, j, k, wa, wb, wc, 0) / total / z
                    v = _mixed(there, i, j, k, wa, wb, wc, 1) / total / z
                    px, py = seen_at(u, v, pixels, low_x, low_y, step_x, step_y)
                    out_motion[y, x, 0] = np.float32(ahead * (px - x - 0.5))
                    out_motion[y, x, 1] = np.float32(ahead * (py - top - y - 0.5))


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
