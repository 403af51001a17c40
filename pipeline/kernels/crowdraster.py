"""Draw a whole crowd through any lens: find who is seen by each pixel, and read the guides off.

Edge functions are evaluated in ray space, as in pipeline.kernels.raster, so a distorted frame is drawn directly. The
outcome does not depend on the order of drawing: the nearest surface wins, of equal depths the lower id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.crowdplace import LensTable, seen_at
from pipeline.kernels.raster import NEAR_M, _cross, _ray_box, _ray_ranges, _reach, _span
from pipeline.kernels.splat import check

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
_SMALL_PX = 48.0  # as in pipeline.kernels.raster


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A crowd before the camera. vertices: (V, 3) float32 camera axes, metres; pixels: (V, 2) float32 where they are seen.

    triangles: (T, 3) int32, parts: (T,) uint8: the meshes, one after the other, each counting its vertices from 0.
    firsts, first_triangles, triangle_counts: (N,) int32 per agent: its vertices, and the mesh that it wears.
    ids: (N,) uint32.
    """

    vertices: Floats
    pixels: Floats
    triangles: Ints
    parts: NDArray[np.uint8]
    firsts: Ints
    first_triangles: Ints
    triangle_counts: Ints
    ids: NDArray[np.uint32]


def ray_ranges(rays: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest x/z of each column (W, 2), y/z of each row (H, 2) of rays (H, W, 2): once per lens."""
    check("rays", rays, np.float32, (*rays.shape[:2], 2))
    columns, rows = _ray_ranges(rays)
    return columns, rows


def draw(
    scene: Scene, rays: Floats, ranges: tuple[Floats, Floats], order: Ints, depth: Floats, slot: Ints, triangle: Ints
) -> None:
    """Find what each pixel sees first.

    rays: (H, W, 2) float32 as for raster.rasterize; ranges: its `ray_ranges`. order: agents to draw; near ones first is
    fastest. In/out:
    depth (H, W) float32 metres along camera z, +inf where empty; slot (H, W) int32 the agent's row, -1 where empty;
    triangle (H, W) int32, counted within its mesh. Raises ValueError on another shape or dtype.
    """
    height, width = rays.shape[:2]
    check("rays", rays, np.float32, (height, width, 2))
    check("depth", depth, np.float32, (height, width))
    check("slot", slot, np.int32, (height, width))
    check("triangle", triangle, np.int32, (height, width))
    _check_scene(scene, order)
    columns, rows = ranges
    check("ranges of columns", columns, np.float32, (width, 2))
    check("ranges of rows", rows, np.float32, (height, 2))
    if rays.size and len(order):
        _draw(scene.vertices, scene.pixels, scene.triangles, scene.firsts, scene.first_triangles, scene.triangle_counts,
              scene.ids, order, rays, columns, rows, depth, slot, triangle)  # fmt: skip


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
) -> None:
    """Read normals, parts and motion off what `draw` found; empty pixels are left alone.

    normals: (V, 3) float32 of the scene's vertices in camera axes, any length, or (0, 3): none wanted. there: (V, 3)
    float32 the vertices in the camera of the other frame, or (0, 3). ahead: 1 when that is the next frame, -1 when it
    is the one before. out_normals: (H, W, 3) unit, towards the viewer. out_parts: (H, W) uint8. out_motion: (H, W, 2)
    pixels until the next frame; 0 for what passes behind the camera.
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
             normals, there, table.pixels, *table.low, *table.step, ahead,
             out_normals, out_parts, out_motion)  # fmt: skip


def label(slot: Ints, ids: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """(H, W) uint32: the id of the agent that each pixel sees, 0 where it sees none."""
    check("slot", slot, np.int32, slot.shape)
    check("ids", ids, np.uint32, (len(ids),))
    out = np.zeros(slot.shape, np.uint32)
    _label(slot.ravel(), ids, out.ravel())
    return out


def rank(slot: Ints, ids: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], Floats]:
    """From 2 x 2 samples to soft mattes: ids (H, W, 4) uint32 and their coverage (H, W, 4) float32, largest first.

    slot: (2H, 2W) int32 rows of `ids`, -1 where empty. Equal shares are ordered by id; what is not taken is 0.
    """
    height, width = slot.shape[0] // 2, slot.shape[1] // 2
    check("slot", slot, np.int32, (2 * height, 2 * width))
    check("ids", ids, np.uint32, (len(ids),))
    out, cover = np.zeros((height, width, 4), np.uint32), np.zeros((height, width, 4), np.float32)
    _rank(slot, ids, out, cover)
    return out, cover


def _check_scene(scene: Scene, order: Ints) -> None:
    count = len(scene.firsts)
    check("vertices", scene.vertices, np.float32, (len(scene.vertices), 3))
    check("pixels", scene.pixels, np.float32, (len(scene.vertices), 2))
    check("triangles", scene.triangles, np.int32, (len(scene.triangles), 3))
    check("ids", scene.ids, np.uint32, (count,))
    check("order", order, np.int32, (len(order),))
    for name in ("firsts", "first_triangles", "triangle_counts"):
        check(name, getattr(scene, name), np.int32, (count,))
    if count and (scene.first_triangles + scene.triangle_counts).max() > len(scene.triangles):
        raise ValueError(f"agents name triangles beyond the {len(scene.triangles)} there are")
    if len(order) and (order.min() < 0 or order.max() >= count):
        raise ValueError(f"order names agents outside 0..{count - 1}")


@njit(cache=True)
def _edges(a, b, c, edges):
    """Edge functions of a triangle (rows of float64); its volume with the camera, six times."""
    _cross(b, c, edges[0])
    _cross(c, a, edges[1])
    _cross(a, b, edges[2])
    return a[0] * edges[0, 0] + a[1] * edges[0, 1] + a[2] * edges[0, 2]


@njit(cache=True)
def _hidden(depth, x0, x1, y0, y1, nearest):
    for y in range(y0, y1):
        for x in range(x0, x1):
            if depth[y, x] >= nearest:
                return False
    return True


@njit(cache=True)
def _draw(vertices, pixels, triangles, firsts, first_triangles, triangle_counts, ids, order, rays, columns, rows,
          depth, slot, triangle):  # fmt: skip
    height, width = depth.shape
    corners, edges = np.empty((3, 3), np.float64), np.empty((3, 3), np.float64)
    for agent in order:
        first, base = firsts[agent], first_triangles[agent]
        for t in range(triangle_counts[agent]):
            i, j, k = first + triangles[base + t, 0], first + triangles[base + t, 1], first + triangles[base + t, 2]
            az, bz, cz = vertices[i, 2], vertices[j, 2], vertices[k, 2]
            x0, x1, y0, y1 = 0, -1, 0, -1
            if az >= NEAR_M and bz >= NEAR_M and cz >= NEAR_M:
                # Straight from pixels: most triangles of a crowd fall between the pixels' centres and end here.
                ax, bx, cx = pixels[i, 0], pixels[j, 0], pixels[k, 0]
                ay, by, cy = pixels[i, 1], pixels[j, 1], pixels[k, 1]
                if max(ax, bx, cx) - min(ax, bx, cx) < _SMALL_PX and max(ay, by, cy) - min(ay, by, cy) < _SMALL_PX:
                    x0, x1 = _span(ax, bx, cx, width)
                    if x0 >= x1:
                        continue
                    y0, y1 = _span(ay, by, cy, height)
                    if y0 >= y1:
                        continue
            elif not (az >= NEAR_M or bz >= NEAR_M or cz >= NEAR_M):
                continue
            for axis in range(3):
                corners[0, axis] = vertices[i, axis]
                corners[1, axis] = vertices[j, axis]
                corners[2, axis] = vertices[k, axis]
            if x1 < 0:
                low_x, high_x, low_y, high_y = _ray_box(corners)
                x0, x1 = _reach(columns, low_x, high_x)
                y0, y1 = _reach(rows, low_y, high_y)
                if x0 >= x1 or y0 >= y1:
                    continue
            # In a dense crowd most triangles lie behind what is drawn: they end here. A little less: z is rounded.
            if _hidden(depth, x0, x1, y0, y1, np.float32(min(az, bz, cz) * 0.999999)):
                continue
            volume = _edges(corners[0], corners[1], corners[2], edges)
            if not abs(volume) > 0.0:
                continue
            sign = 1.0 if volume > 0 else -1.0
            volume *= sign
            a0, a1, a2 = sign * edges[0, 0], sign * edges[0, 1], sign * edges[0, 2]
            b0, b1, b2 = sign * edges[1, 0], sign * edges[1, 1], sign * edges[1, 2]
            c0, c1, c2 = sign * edges[2, 0], sign * edges[2, 1], sign * edges[2, 2]
            for y in range(y0, y1):
                for x in range(x0, x1):
                    ray_x, ray_y = np.float64(rays[y, x, 0]), np.float64(rays[y, x, 1])
                    w0 = a0 * ray_x + a1 * ray_y + a2
                    if w0 < 0.0:
                        continue
                    w1 = b0 * ray_x + b1 * ray_y + b2
                    if w1 < 0.0:
                        continue
                    w2 = c0 * ray_x + c1 * ray_y + c2
                    total = w0 + w1 + w2
                    if w2 < 0.0 or not total > 0.0:
                        continue
                    z = np.float32(volume / total)
                    if not z >= NEAR_M or z > depth[y, x]:
                        continue
                    if z < depth[y, x] or ids[agent] < ids[slot[y, x]]:
                        depth[y, x] = z
                        slot[y, x] = agent
                        triangle[y, x] = t


@njit(cache=True)
def _resolve(vertices, triangles, parts, firsts, first_triangles, rays, slot, triangle, normals, there, pixels, low_x,
             low_y, step_x, step_y, ahead, out_normals, out_parts, out_motion):  # fmt: skip
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
                    out_motion[y, x, 1] = np.float32(ahead * (py - y - 0.5))


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
            count = 0
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
