"""Z-buffer rasterisers: triangles through any lens (a ray per pixel), and through no lens (orthographic).

Edge functions are evaluated in ray space (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates",
Graphics Hardware 1997), so a distorted frame is drawn directly and nothing is resampled. The buffers are in/out: draw
several meshes one after the other into the same three. The nearest surface wins; of equal depths, the first drawn.

Through a lens, the triangles that reach any pixel's centre are found first (of a fine mesh few do), then drawn, each thread its
own bands of rows: every pixel meets its triangles in their order, so the bits are the same for any number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import ROWS, in_bands
from pipeline.kernels.triangles import (
    NEAR_M,
    SMALL_PX,
    Floats,
    Ints,
    near_box,
    ray_ranges,
    reached,
    same,
    same_buffers,
    same_mesh,
    span,
)

_RUN = 16_384  # triangles that one thread looks at, at a time
_ALONE_PX = 50_000  # pixels to be looked at, below which threads cost more than they save


def empty_buffers(height: int, width: int) -> tuple[Floats, Ints, Floats]:
    """New (depth, triangle_id, weights) with nothing drawn: +inf, -1, 0."""
    depth = np.full((height, width), np.inf, np.float32)
    return depth, np.full((height, width), -1, np.int32), np.zeros((height, width, 2), np.float32)


def rasterize(
    vertices_camera: Floats,
    triangles: Ints,
    rays: Floats,
    pixels: Floats,
    depth: Floats,
    triangle_id: Ints,
    weights: Floats,
    *,
    first_id: int = 0,
) -> None:
    """Draw triangles, seen from both sides, through the lens that `rays` describes.

    vertices_camera: (V, 3) float32 metres, camera axes: x right, y down, z into the scene.
    triangles: (T, 3) int32 rows of vertex indices.
    rays: (H, W, 2) float32, (x/z, y/z) of each pixel's centre without distortion (calibration.lens.rays).
    pixels: (V, 2) float32 distorted pixel position of each vertex; only bounds the search, and is not read for vertices
        in front of the near plane at NEAR_M or for large triangles, so any value will do there.
    depth: (H, W) float32 in/out, metres along camera z, +inf where empty.
    triangle_id: (H, W) int32 in/out, -1 where empty; row of `triangles` + `first_id`.
    weights: (H, W, 2) float32 in/out, perspective-correct barycentric weights of the triangle's first and second vertex
        (the third's is 1 - both).

    Raises ValueError on another shape or dtype and on an index outside `vertices_camera`.
    """
    same("rays", rays, np.float32, (None, None, 2))
    same_mesh(vertices_camera, "vertices_camera", triangles)
    same("pixels", pixels, np.float32, (len(vertices_camera), 2))
    same_buffers(depth, triangle_id, weights, rays.shape[:2])
    if rays.size and len(triangles):
        found = _found(vertices_camera, triangles, rays, pixels)
        rows = ROWS if found.area_px > _ALONE_PX else len(depth)

        def work(top: int, bottom: int) -> None:
            _draw(top, bottom, found.rows, found.boxes, found.runs, vertices_camera, triangles, rays, depth, triangle_id,
                  weights, first_id)  # fmt: skip

        in_bands(len(depth), work, rows)


def rasterize_orthographic(
    vertices: Floats, triangles: Ints, depth: Floats, triangle_id: Ints, weights: Floats, *, first_id: int = 0
) -> None:
    """Draw triangles, seen from both sides, along parallel rays: a sprite, a shadow map.

    vertices: (V, 3) float32: x, y in pixels (pixel centres at .5), z the depth, smaller is nearer.
    triangles, depth, triangle_id, weights, first_id: as for `rasterize`.

    Raises ValueError on another shape or dtype and on an index outside `vertices`.
    """
    same_mesh(vertices, "vertices", triangles)
    same("depth", depth, np.float32, (None, None))
    same_buffers(depth, triangle_id, weights, depth.shape)
    if depth.size and len(triangles):
        _rasterize_orthographic(vertices, triangles, depth, triangle_id, weights, first_id)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Triangles that may reach pixels, in their order, by runs of _RUN triangles: of the run that begins at triangle t the
    found ones lie from row t on.

    rows: (T,) int32 of `triangles`; boxes: (T, 4) int32 first and one-past-last column, first and one-past-last row. runs:
    (R, 3) int64 how many were found, their first and one-past-last row. area_px: of all boxes.
    """

    rows: Ints
    boxes: Ints
    runs: NDArray[np.int64]
    area_px: int


def _found(vertices: Floats, triangles: Ints, rays: Floats, pixels: Floats) -> _Found:
    count = len(triangles)
    across, down = ray_ranges(rays)
    rows, boxes = np.empty(count, np.int32), np.empty((count, 4), np.int32)
    runs, areas = np.zeros((-(-count // _RUN), 3), np.int64), np.zeros(-(-count // _RUN), np.int64)

    def work(first: int, end: int) -> None:
        run = first // _RUN
        areas[run] = _find(first, end, vertices, triangles, pixels, across, down, rows, boxes, runs[run])

    in_bands(count, work, _RUN)
    return _Found(rows, boxes, runs, int(areas.sum()))


@njit(cache=True, nogil=True)
def _find(first, end, vertices, triangles, pixels, columns, rows, found, boxes, run):
    """Find those of triangles first..end that may reach a pixel; returns the area of their boxes."""
    width, height = len(columns), len(rows)
    # A pixel's angle, roughly: decides which triangles are small enough for the cheap box.
    across = max(abs(columns[-1, 1] - columns[0, 0]) / width, abs(rows[-1, 1] - rows[0, 0]) / height)
    small = SMALL_PX * across
    corners = np.empty((3, 3), np.float64)
    count, top, bottom, area = first, height, 0, 0
    for t in range(np.uintp(first), np.uintp(end)):
        i, j, k = np.uintp(triangles[t, 0]), np.uintp(triangles[t, 1]), np.uintp(triangles[t, 2])
        az, bz, cz = vertices[i, 2], vertices[j, 2], vertices[k, 2]
        x0, x1, y0, y1 = 0, -1, 0, -1
        if az >= NEAR_M and bz >= NEAR_M and cz >= NEAR_M:
            ax, bx, cx = vertices[i, 0] / az, vertices[j, 0] / bz, vertices[k, 0] / cz
            ay, by, cy = vertices[i, 1] / az, vertices[j, 1] / bz, vertices[k, 1] / cz
            if max(ax, bx, cx) - min(ax, bx, cx) < small and max(ay, by, cy) - min(ay, by, cy) < small:
                x0, x1 = span(pixels[i, 0], pixels[j, 0], pixels[k, 0], width)
                if x0 >= x1:  # most triangles of a fine mesh fall between the pixels' centres
                    continue
                y0, y1 = span(pixels[i, 1], pixels[j, 1], pixels[k, 1], height)
                if y0 >= y1:
                    continue
        elif not (az >= NEAR_M or bz >= NEAR_M or cz >= NEAR_M):
            continue
        if x1 < 0:
            for axis in range(3):
                corners[0, axis], corners[1, axis], corners[2, axis] = (
                    vertices[i, axis],
                    vertices[j, axis],
                    vertices[k, axis],
                )
            low_x, high_x, low_y, high_y = near_box(corners)
            x0, x1 = reached(columns, low_x, high_x)
            y0, y1 = reached(rows, low_y, high_y)
            if x0 >= x1 or y0 >= y1:
                continue
        found[count] = t
        boxes[count, 0], boxes[count, 1], boxes[count, 2], boxes[count, 3] = x0, x1, y0, y1
        count += 1
        top, bottom = min(top, y0), max(bottom, y1)
        area += (x1 - x0) * (y1 - y0)
    run[0], run[1], run[2] = count - first, top, bottom
    return area


@njit(cache=True, nogil=True, error_model="numpy")
def _draw(top, bottom, found, boxes, runs, vertices, triangles, rays, depth, triangle_id, weights, first_id):
    """Draw what was found into rows top..bottom."""
    for run in range(len(runs)):
        if runs[run, 1] >= bottom or runs[run, 2] <= top:
            continue
        for n in range(np.uintp(run * _RUN), np.uintp(run * _RUN + runs[run, 0])):
            y0, y1 = max(np.int64(boxes[n, 2]), top), min(np.int64(boxes[n, 3]), bottom)
            if y0 >= y1:
                continue
            t = np.uintp(found[n])
            _fill(t, np.uintp(boxes[n, 0]), np.uintp(boxes[n, 1]), np.uintp(y0), np.uintp(y1), vertices, triangles, rays,
                  depth, triangle_id, weights, np.int32(found[n] + first_id))  # fmt: skip


@njit(cache=True, error_model="numpy")
def _fill(t, x0, x1, y0, y1, vertices, triangles, rays, depth, triangle_id, weights, number):
    """Draw one triangle into a box of pixels."""
    i, j, k = np.uintp(triangles[t, 0]), np.uintp(triangles[t, 1]), np.uintp(triangles[t, 2])
    # float64: the edge functions of far, small triangles cancel
    ax, ay, az = np.float64(vertices[i, 0]), np.float64(vertices[i, 1]), np.float64(vertices[i, 2])
    bx, by, bz = np.float64(vertices[j, 0]), np.float64(vertices[j, 1]), np.float64(vertices[j, 2])
    cx, cy, cz = np.float64(vertices[k, 0]), np.float64(vertices[k, 1]), np.float64(vertices[k, 2])
    a0, a1, a2 = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
    volume = ax * a0 + ay * a1 + az * a2
    if not abs(volume) > 0.0:  # seen edge-on, without area, or NaN
        return
    sign = 1.0 if volume > 0 else -1.0
    volume *= sign
    a0, a1, a2 = sign * a0, sign * a1, sign * a2
    b0, b1, b2 = sign * (cy * az - cz * ay), sign * (cz * ax - cx * az), sign * (cx * ay - cy * ax)
    c0, c1, c2 = sign * (ay * bz - az * by), sign * (az * bx - ax * bz), sign * (ax * by - ay * bx)
    for y in range(y0, y1):
        for x in range(x0, x1):
            ray_x, ray_y = np.float64(rays[y, x, 0]), np.float64(rays[y, x, 1])
            w0 = a0 * ray_x + a1 * ray_y + a2
            w1 = b0 * ray_x + b1 * ray_y + b2
            w2 = c0 * ray_x + c1 * ray_y + c2
            total = w0 + w1 + w2
            if (w0 >= 0.0) & (w1 >= 0.0) & (w2 >= 0.0) & (total > 0.0):  # one guess, not four
                z = np.float32(volume / total)
                if z >= NEAR_M and z < depth[y, x]:
                    depth[y, x] = z
                    triangle_id[y, x] = number
                    weights[y, x, 0] = np.float32(w0 / total)
                    weights[y, x, 1] = np.float32(w1 / total)


@njit(cache=True)
def _rasterize_orthographic(vertices, triangles, depth, triangle_id, weights, first_id):
    height, width = depth.shape
    for t in range(len(triangles)):
        a, b, c = vertices[triangles[t, 0]], vertices[triangles[t, 1]], vertices[triangles[t, 2]]
        ax, ay, bx, by = np.float64(a[0]), np.float64(a[1]), np.float64(b[0]), np.float64(b[1])
        cx, cy = np.float64(c[0]), np.float64(c[1])
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not abs(area) > 0.0:
            continue
        x0, x1 = span(ax, bx, cx, width)
        y0, y1 = span(ay, by, cy, height)
        for y in range(y0, y1):
            for x in range(x0, x1):
                px, py = x + 0.5, y + 0.5
                w0 = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area
                w1 = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area
                w2 = ((ax - px) * (by - py) - (ay - py) * (bx - px)) / area
                if w0 >= 0 and w1 >= 0 and w2 >= 0:
                    z = np.float32(w0 * a[2] + w1 * b[2] + w2 * c[2])
                    if z < depth[y, x]:
                        depth[y, x] = z
                        triangle_id[y, x] = t + first_id
                        weights[y, x, 0] = w0
                        weights[y, x, 1] = w1
