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
_TILE_PX = 8
_WIDE_PX = 5  # from such a box on, each row is searched only where the triangle crosses it


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A crowd before the camera. vertices: (V, 3) float32 camera axes, metres; pixels: (V, 2) float32 where they are seen.

    triangles: (T, 3) int32, parts: (T,) uint8: the meshes, one after the other, each counting its vertices from 0.
    firsts, first_triangles, triangle_counts: (N,) int32 per agent: its vertices, and the mesh that it wears.
    ids: (N,) uint32.
    chunks: the meshes' chunks, one after the other, (C, 4) int32: first and one-past-last triangle, counted within the
    mesh; first and one-past-last row of `corners` (K,) int32, the vertices of its triangles. Any order of chunks gives the
    same picture; nearest first is fastest. first_chunks, chunk_counts: (N,) int32 per agent, into `orders` (O,) int32,
    rows of `chunks` in which it is drawn.
    """

    vertices: Floats
    pixels: Floats
    triangles: Ints
    parts: NDArray[np.uint8]
    firsts: Ints
    first_triangles: Ints
    triangle_counts: Ints
    ids: NDArray[np.uint32]
    chunks: Ints
    corners: Ints
    orders: Ints
    first_chunks: Ints
    chunk_counts: Ints


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
        _draw(scene.vertices, scene.pixels, scene.triangles, scene.firsts, scene.first_triangles, scene.ids, scene.chunks,
              scene.corners, scene.orders, scene.first_chunks, scene.chunk_counts, order, rays, columns, rows, depth, slot,
              triangle)  # fmt: skip


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
    check("chunks", scene.chunks, np.int32, (len(scene.chunks), 4))
    check("corners", scene.corners, np.int32, (len(scene.corners),))
    check("orders", scene.orders, np.int32, (len(scene.orders),))
    for name in ("firsts", "first_triangles", "triangle_counts", "first_chunks", "chunk_counts"):
        check(name, getattr(scene, name), np.int32, (count,))
    if count and (scene.first_triangles + scene.triangle_counts).max() > len(scene.triangles):
        raise ValueError(f"agents name triangles beyond the {len(scene.triangles)} there are")
    if count and (scene.first_chunks + scene.chunk_counts).max() > len(scene.orders):
        raise ValueError(f"agents name chunks beyond the {len(scene.orders)} there are")
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
def _tiles_hide(depth, tiles, x0, x1, y0, y1, nearest):
    """As `_hidden`, for larger boxes. tiles: at least the largest depth of each tile; made exact where it is asked for."""
    for j in range(y0 // _TILE_PX, (y1 - 1) // _TILE_PX + 1):
        for i in range(x0 // _TILE_PX, (x1 - 1) // _TILE_PX + 1):
            if tiles[j, i] < nearest:
                continue
            left, right = i * _TILE_PX, min((i + 1) * _TILE_PX, depth.shape[1])
            top, bottom = j * _TILE_PX, min((j + 1) * _TILE_PX, depth.shape[0])
            if not _hidden(depth, max(x0, left), min(x1, right), max(y0, top), min(y1, bottom), nearest):
                return False
            deepest = np.float32(0)
            for y in range(top, bottom):
                for x in range(left, right):
                    deepest = max(deepest, depth[y, x])
            tiles[j, i] = deepest
    return True


@njit(cache=True)
def _chunk_shows(vertices, pixels, first, members, depth, tiles):
    """Whether anything of a chunk of triangles may be seen: not between pixels' centres, nor behind what is drawn."""
    low_x = low_y = nearest = np.float32(np.inf)
    high_x = high_y = -np.float32(np.inf)
    for m in members:
        v = first + m
        z = vertices[v, 2]
        if not z >= NEAR_M:
            return True
        nearest = min(nearest, z)
        low_x, high_x = min(low_x, pixels[v, 0]), max(high_x, pixels[v, 0])
        low_y, high_y = min(low_y, pixels[v, 1]), max(high_y, pixels[v, 1])
    x0, x1 = _span(low_x, low_x, high_x, depth.shape[1])
    if x0 >= x1:
        return False
    y0, y1 = _span(low_y, low_y, high_y, depth.shape[0])
    return y0 < y1 and not _tiles_hide(depth, tiles, x0, x1, y0, y1, np.float32(nearest * np.float32(0.999999)))


@njit(cache=True, nogil=True)
def _draw(vertices, pixels, triangles, firsts, first_triangles, ids, chunks, chunk_corners, orders, first_chunks,
          chunk_counts, order, rays, columns, rows, depth, slot, triangle):  # fmt: skip
    corners, edges = np.empty((3, 3), np.float64), np.empty((3, 3), np.float64)
    tiles = np.full((depth.shape[0] // _TILE_PX + 1, depth.shape[1] // _TILE_PX + 1), np.float32(np.inf))
    for agent in order:
        first = firsts[agent]
        for n in range(chunk_counts[agent]):
            chunk = chunks[orders[first_chunks[agent] + n]]
            if _chunk_shows(vertices, pixels, first, chunk_corners[chunk[2] : chunk[3]], depth, tiles):
                _draw_chunk(vertices, pixels, triangles, first, first_triangles[agent], chunk[0], chunk[1], agent, ids,
                            rays, columns, rows, depth, slot, triangle, corners, edges)  # fmt: skip


@njit(cache=True)
def _crossed(px, py, qx, qy, top, bottom, low, high):
    """low..high widened by the columns in which the edge p-q runs between the heights top and bottom."""
    if py > qy:
        px, py, qx, qy = qx, qy, px, py
    if qy < top or py > bottom:
        return low, high
    along = (qx - px) / max(qy - py, np.float32(1e-6))
    begin = px + max(top - py, np.float32(0)) * along
    end = qx - max(qy - bottom, np.float32(0)) * along
    return min(low, begin, end), max(high, begin, end)


@njit(cache=True)
def _draw_chunk(vertices, pixels, triangles, first, base, first_t, end_t, agent, ids, rays, columns, rows, depth, slot,
                triangle, corners, edges):  # fmt: skip
    height, width = depth.shape
    for t in range(first_t, end_t):
        i, j, k = first + triangles[base + t, 0], first + triangles[base + t, 1], first + triangles[base + t, 2]
        az, bz, cz = vertices[i, 2], vertices[j, 2], vertices[k, 2]
        x0, x1, y0, y1, small = 0, -1, 0, -1, False
        ax = ay = bx = by = cx = cy = margin = np.float32(0)
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
                small = True
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
        nearest = np.float32(min(az, bz, cz) * 0.999999)
        if _hidden(depth, x0, x1, y0, y1, nearest):
            continue
        narrowed = small and x1 - x0 >= _WIDE_PX
        if narrowed:
            wide = np.float32(max(x1 - x0, y1 - y0))
            margin = np.float32(0.1) + wide * wide * np.float32(5e-4)  # for the lens's bend, as in raster._span
        volume = _edges(corners[0], corners[1], corners[2], edges)
        if not abs(volume) > 0.0:
            continue
        sign = 1.0 if volume > 0 else -1.0
        volume *= sign
        a0, a1, a2 = sign * edges[0, 0], sign * edges[0, 1], sign * edges[0, 2]
        b0, b1, b2 = sign * edges[1, 0], sign * edges[1, 1], sign * edges[1, 2]
        c0, c1, c2 = sign * edges[2, 0], sign * edges[2, 1], sign * edges[2, 2]
        for y in range(y0, y1):
            begin, end = x0, x1
            if narrowed:
                top, bottom = np.float32(y + 0.5) - margin, np.float32(y + 0.5) + margin
                low, high = np.float32(np.inf), np.float32(-np.inf)
                low, high = _crossed(ax, ay, bx, by, top, bottom, low, high)
                low, high = _crossed(bx, by, cx, cy, top, bottom, low, high)
                low, high = _crossed(cx, cy, ax, ay, top, bottom, low, high)
                if not low <= high:
                    continue
                begin = max(x0, int(low - margin - np.float32(0.5)))
                end = min(x1, int(high + margin + np.float32(1.5)))
            for x in range(begin, end):
                if depth[y, x] < nearest:
                    continue
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
                other = slot[y, x]
                if z < depth[y, x] or (t < triangle[y, x] if other == agent else ids[agent] < ids[other]):
                    depth[y, x] = z
                    slot[y, x] = agent
                    triangle[y, x] = t


@njit(cache=True, nogil=True)
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
