"""Draw a whole crowd through any lens: find who is seen by each pixel.

Edge functions are evaluated in ray space, as in pipeline.kernels.raster, so a distorted frame is drawn directly. The
outcome does not depend on the order of drawing: the nearest surface wins, of equal depths the lower id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.splat import check
from pipeline.kernels.triangles import NEAR_M, SMALL_PX, near_box, reached, span
from pipeline.kernels.triangles import ray_ranges as ranges_of

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
_TILE_PX = 8
_WIDE_PX = 5  # from such a box on, each row is searched only where the triangle crosses it
_FAR_PX = 1e6  # beyond any picture


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A crowd before the camera. vertices: (V, 3) float32 camera axes, metres; pixels: (V, 2) float32 where they are seen.

    triangles: (T, 3) int32, parts: (T,) uint8: the meshes, one after the other, each counting its vertices from 0.
    fronts: (T,) int8: 1 for triangles that are left out where they turn their back, so that their corners a, b, c go round
    with the hands of a clock as the picture shows them; -1: left out where they go round against them; 0: always drawn.
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
    fronts: NDArray[np.int8]
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
    columns, rows = ranges_of(rays)
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
        _draw(scene.vertices, scene.pixels, scene.triangles, scene.fronts, scene.firsts, scene.first_triangles, scene.ids,
              scene.chunks, scene.corners, scene.orders, scene.first_chunks, scene.chunk_counts, order, rays, columns, rows,
              depth, slot, triangle)  # fmt: skip


def _check_scene(scene: Scene, order: Ints) -> None:
    count = len(scene.firsts)
    check("vertices", scene.vertices, np.float32, (len(scene.vertices), 3))
    check("pixels", scene.pixels, np.float32, (len(scene.vertices), 2))
    check("triangles", scene.triangles, np.int32, (len(scene.triangles), 3))
    check("fronts", scene.fronts, np.int8, (len(scene.triangles),))
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
def _tiles_hide(depth, tiles, x0, x1, y0, y1, nearest):
    """Whether all of a box is nearer. tiles: at least the largest depth of each tile; made exact where it is asked for."""
    for j in range(y0 // _TILE_PX, (y1 - 1) // _TILE_PX + 1):
        for i in range(x0 // _TILE_PX, (x1 - 1) // _TILE_PX + 1):
            if tiles[j, i] < nearest:
                continue
            left, right = i * _TILE_PX, min((i + 1) * _TILE_PX, depth.shape[1])
            top, bottom = j * _TILE_PX, min((j + 1) * _TILE_PX, depth.shape[0])
            if _shows(depth, max(x0, left), min(x1, right), max(y0, top), min(y1, bottom), nearest):
                return False
            deepest = np.float32(0)
            for y in range(top, bottom):
                for x in range(left, right):
                    deepest = max(deepest, depth[y, x])
            tiles[j, i] = deepest
    return True


@njit(cache=True)
def _shows(depth, x0, x1, y0, y1, nearest):
    for y in range(np.uintp(y0), np.uintp(y1)):
        for x in range(np.uintp(x0), np.uintp(x1)):
            if depth[y, x] >= nearest:
                return True
    return False


@njit(cache=True)
def _chunk_shows(vertices, pixels, first, corners, begin, end, depth, tiles):
    """Whether anything of a chunk of triangles may be seen: not between pixels' centres, nor behind what is drawn."""
    low_x = low_y = nearest = np.float32(np.inf)
    high_x = high_y = -np.float32(np.inf)
    for m in range(np.uintp(begin), np.uintp(end)):
        v = first + np.uintp(corners[m])
        z = vertices[v, 2]
        if not z >= NEAR_M:
            return True
        nearest = min(nearest, z)
        low_x, high_x = min(low_x, pixels[v, 0]), max(high_x, pixels[v, 0])
        low_y, high_y = min(low_y, pixels[v, 1]), max(high_y, pixels[v, 1])
    x0, x1 = span(low_x, low_x, high_x, depth.shape[1])
    if x0 >= x1:
        return False
    y0, y1 = span(low_y, low_y, high_y, depth.shape[0])
    return y0 < y1 and not _tiles_hide(depth, tiles, x0, x1, y0, y1, np.float32(nearest * np.float32(0.999999)))


@njit(cache=True, nogil=True)
def _draw(vertices, pixels, triangles, fronts, firsts, first_triangles, ids, chunks, chunk_corners, orders, first_chunks,
          chunk_counts, order, rays, columns, rows, depth, slot, triangle):  # fmt: skip
    corners = np.empty((3, 3), np.float64)
    tiles = np.full((depth.shape[0] // _TILE_PX + 1, depth.shape[1] // _TILE_PX + 1), np.float32(np.inf))
    for n in range(len(order)):
        agent = order[n]
        first, base = np.uintp(firsts[agent]), np.uintp(first_triangles[agent])
        for entry in range(first_chunks[agent], first_chunks[agent] + chunk_counts[agent]):
            c = np.uintp(orders[entry])
            if _chunk_shows(vertices, pixels, first, chunk_corners, chunks[c, 2], chunks[c, 3], depth, tiles):
                _draw_chunk(vertices, pixels, triangles, fronts, first, base, chunks[c, 0], chunks[c, 1], agent, ids,
                            rays, columns, rows, depth, slot, triangle, corners)  # fmt: skip


@njit(cache=True, error_model="numpy")
def _side(px, py, qx, qy, turn, margin):
    """(a, b, left): where the edge p-q, moved outwards by `margin` pixels, runs at height y: x = a + b y; whether the
    triangle lies to the right of it. turn: 1.0 or -1.0, the way that the triangle's corners go round."""
    rise, run = turn * np.float64(py - qy), turn * np.float64(qx - px)
    outwards = margin * (abs(rise) + abs(run))
    left = rise > 0
    rise = max(abs(rise), 1e-9) * (1.0 if left else -1.0)
    slope = -run / rise
    return px - outwards / rise - slope * py, slope, left


@njit(cache=True)
def _back(vertices, i, j, k):
    """More than 0 where the camera sees a triangle's back: as its plane lies, so for all of it, cut off or bent by the lens."""
    ax, ay, az = vertices[i, 0], vertices[i, 1], vertices[i, 2]
    bx, by, bz = vertices[j, 0] - ax, vertices[j, 1] - ay, vertices[j, 2] - az
    cx, cy, cz = vertices[k, 0] - ax, vertices[k, 1] - ay, vertices[k, 2] - az
    return ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)


@njit(cache=True, error_model="numpy")
def _draw_chunk(vertices, pixels, triangles, fronts, first, base, first_t, end_t, agent, ids, rays, columns, rows, depth,
                slot, triangle, corners):  # fmt: skip
    """Scalars, no small arrays, and unsigned indices: this loop is most of a crowd's frame."""
    height, width = depth.shape
    my_id = ids[agent]
    for t in range(np.uintp(first_t), np.uintp(end_t)):
        at = base + t
        i, j, k = (first + np.uintp(triangles[at, 0]), first + np.uintp(triangles[at, 1]),
                   first + np.uintp(triangles[at, 2]))  # fmt: skip
        front = fronts[at]
        if front != 0 and front * _back(vertices, i, j, k) >= 0:
            continue
        az, bz, cz = vertices[i, 2], vertices[j, 2], vertices[k, 2]
        x0, x1, y0, y1, small = 0, -1, 0, -1, False
        ax = ay = bx = by = cx = cy = np.float32(0)
        if az >= NEAR_M and bz >= NEAR_M and cz >= NEAR_M:
            # Straight from pixels: most triangles of a crowd fall between the pixels' centres and end here.
            ax, bx, cx = pixels[i, 0], pixels[j, 0], pixels[k, 0]
            ay, by, cy = pixels[i, 1], pixels[j, 1], pixels[k, 1]
            if max(ax, bx, cx) - min(ax, bx, cx) < SMALL_PX and max(ay, by, cy) - min(ay, by, cy) < SMALL_PX:
                x0, x1 = span(ax, bx, cx, width)
                if x0 >= x1:
                    continue
                y0, y1 = span(ay, by, cy, height)
                if y0 >= y1:
                    continue
                small = True
        elif not (az >= NEAR_M or bz >= NEAR_M or cz >= NEAR_M):
            continue
        if not small:
            for axis in range(3):
                corners[0, axis] = vertices[i, axis]
                corners[1, axis] = vertices[j, axis]
                corners[2, axis] = vertices[k, axis]
            low_x, high_x, low_y, high_y = near_box(corners)
            x0, x1 = reached(columns, low_x, high_x)
            y0, y1 = reached(rows, low_y, high_y)
            if x0 >= x1 or y0 >= y1:
                continue
        # In a dense crowd most triangles lie behind what is drawn: they end here. A little less: z is rounded.
        nearest = np.float32(min(az, bz, cz) * 0.999999)
        if not _shows(depth, x0, x1, y0, y1, nearest):
            continue
        narrowed = small and x1 - x0 >= _WIDE_PX
        a_ab = b_ab = a_bc = b_bc = a_ca = b_ca = 0.0
        left_ab = left_bc = left_ca = False
        if narrowed:
            wide, tall = np.float64(x1 - x0), np.float64(y1 - y0)
            margin = 0.1 + (wide * wide + tall * tall) * 3e-3  # more than the lens bends an edge
            turn = 1.0 if (bx - ax) * (cy - ay) > (by - ay) * (cx - ax) else -1.0
            a_ab, b_ab, left_ab = _side(ax, ay, bx, by, turn, margin)
            a_bc, b_bc, left_bc = _side(bx, by, cx, cy, turn, margin)
            a_ca, b_ca, left_ca = _side(cx, cy, ax, ay, turn, margin)
        # Edge functions in ray space; their volume with the camera, six times.
        pax, pay, paz = np.float64(vertices[i, 0]), np.float64(vertices[i, 1]), np.float64(az)
        pbx, pby, pbz = np.float64(vertices[j, 0]), np.float64(vertices[j, 1]), np.float64(bz)
        pcx, pcy, pcz = np.float64(vertices[k, 0]), np.float64(vertices[k, 1]), np.float64(cz)
        a0, a1, a2 = pby * pcz - pbz * pcy, pbz * pcx - pbx * pcz, pbx * pcy - pby * pcx
        volume = pax * a0 + pay * a1 + paz * a2
        if not abs(volume) > 0.0:
            continue
        b0, b1, b2 = pcy * paz - pcz * pay, pcz * pax - pcx * paz, pcx * pay - pcy * pax
        c0, c1, c2 = pay * pbz - paz * pby, paz * pbx - pax * pbz, pax * pby - pay * pbx
        sign = 1.0 if volume > 0 else -1.0
        volume *= sign
        a0, a1, a2 = sign * a0, sign * a1, sign * a2
        b0, b1, b2 = sign * b0, sign * b1, sign * b2
        c0, c1, c2 = sign * c0, sign * c1, sign * c2
        for y in range(np.uintp(y0), np.uintp(y1)):
            begin, end = np.uintp(x0), np.uintp(x1)
            if narrowed:
                middle = y + 0.5
                x_ab, x_bc, x_ca = a_ab + b_ab * middle, a_bc + b_bc * middle, a_ca + b_ca * middle
                low = max(x_ab if left_ab else 0.0, x_bc if left_bc else 0.0, x_ca if left_ca else 0.0)
                high = min(_FAR_PX if left_ab else x_ab, _FAR_PX if left_bc else x_bc, _FAR_PX if left_ca else x_ca)
                begin = max(begin, np.uintp(min(low + 0.5, _FAR_PX)))
                end = min(end, np.uintp(max(high + 0.5, 0.0)))
            for x in range(begin, end):
                if depth[y, x] < nearest:
                    continue
                ray_x, ray_y = np.float64(rays[y, x, 0]), np.float64(rays[y, x, 1])
                w0 = a0 * ray_x + a1 * ray_y + a2
                w1 = b0 * ray_x + b1 * ray_y + b2
                w2 = c0 * ray_x + c1 * ray_y + c2
                total = w0 + w1 + w2
                if not ((w0 >= 0.0) & (w1 >= 0.0) & (w2 >= 0.0) & (total > 0.0)):  # one guess, not four
                    continue
                z = np.float32(volume / total)
                if not z >= NEAR_M or z > depth[y, x]:
                    continue
                other = slot[y, x]
                if z < depth[y, x] or (t < triangle[y, x] if other == agent else my_id < ids[other]):
                    depth[y, x] = z
                    slot[y, x] = agent
                    triangle[y, x] = t
