"""Z-buffer rasterisers: triangles through any lens (a ray per pixel), and through no lens (orthographic).

Edge functions are evaluated in ray space (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates",
Graphics Hardware 1997), so a distorted frame is drawn directly and nothing is resampled. The buffers are in/out: draw
several meshes one after the other into the same three. The nearest surface wins; of equal depths, the first drawn.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEAR_M = 0.05  # surfaces closer than this are cut away
# Up to this size a triangle's straight edges leave the box of its three distorted corners by less than a pixel.
_SMALL_PX = 48.0

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


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
    _same("rays", rays, np.float32, (None, None, 2))
    _same_mesh(vertices_camera, "vertices_camera", triangles)
    _same("pixels", pixels, np.float32, (len(vertices_camera), 2))
    _same_buffers(depth, triangle_id, weights, rays.shape[:2])
    if rays.size and len(triangles):
        _rasterize(vertices_camera, triangles, rays, pixels, depth, triangle_id, weights, first_id)


def rasterize_orthographic(
    vertices: Floats, triangles: Ints, depth: Floats, triangle_id: Ints, weights: Floats, *, first_id: int = 0
) -> None:
    """Draw triangles, seen from both sides, along parallel rays: a sprite, a shadow map.

    vertices: (V, 3) float32: x, y in pixels (pixel centres at .5), z the depth, smaller is nearer.
    triangles, depth, triangle_id, weights, first_id: as for `rasterize`.

    Raises ValueError on another shape or dtype and on an index outside `vertices`.
    """
    _same_mesh(vertices, "vertices", triangles)
    _same("depth", depth, np.float32, (None, None))
    _same_buffers(depth, triangle_id, weights, depth.shape)
    if depth.size and len(triangles):
        _rasterize_orthographic(vertices, triangles, depth, triangle_id, weights, first_id)


def _same(name: str, array: NDArray, dtype: type, shape: tuple[int | None, ...]) -> None:
    """Compiled code checks no bounds, so shape, dtype and memory order are checked here."""
    fits = isinstance(array, np.ndarray) and array.ndim == len(shape)
    fits = fits and all(want is None or want == have for want, have in zip(shape, array.shape, strict=True))
    if not fits or array.dtype != dtype or not array.flags.c_contiguous:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        have = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name} must be a contiguous {np.dtype(dtype)} array of shape ({wanted}), not {have}")


def _same_mesh(vertices: Floats, name: str, triangles: Ints) -> None:
    _same(name, vertices, np.float32, (None, 3))
    _same("triangles", triangles, np.int32, (None, 3))
    if len(triangles) and (triangles.min() < 0 or triangles.max() >= len(vertices)):
        raise ValueError(f"triangles name vertices outside 0..{len(vertices) - 1}")


def _same_buffers(depth: Floats, triangle_id: Ints, weights: Floats, size: tuple[int, ...]) -> None:
    height, width = size
    _same("depth", depth, np.float32, (height, width))
    _same("triangle_id", triangle_id, np.int32, (height, width))
    _same("weights", weights, np.float32, (height, width, 2))


@njit(cache=True)
def _ray_ranges(rays):
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
            columns[x, 0] = min(columns[x, 0], rays[y, x, 0])
            columns[x, 1] = max(columns[x, 1], rays[y, x, 0])
            rows[y, 0] = min(rows[y, 0], rays[y, x, 1])
            rows[y, 1] = max(rows[y, 1], rays[y, x, 1])
    return columns, rows


@njit(cache=True)
def _reach(ranges, low, high):
    """First and one-past-last column (or row) whose rays come into low..high."""
    first, last = len(ranges), 0
    for i in range(len(ranges)):
        if ranges[i, 1] >= low and ranges[i, 0] <= high:
            first = min(first, i)
            last = i + 1
    return first, last


@njit(cache=True)
def _ray_box(corners):
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
def _span(a, b, c, size):
    """First and one-past-last pixel of 0..size whose centre lies between three positions, give or take the lens's bend.

    An edge of s pixels sags by s^2/8 times its curvature: s^2/2000 covers lenses that bend within 250 pixels' radius.
    """
    low, high = min(a, b, c), max(a, b, c)
    margin = 0.05 + (high - low) * (high - low) * 5e-4
    low, high = low - margin - 0.5, high + margin + 0.5
    if not (low <= size - 1 and high >= 0.0):  # also: NaN
        return 0, 0
    return int(max(np.ceil(low), 0.0)), int(min(np.floor(high), float(size)))


@njit(cache=True)
def _cross(a, b, out):
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]


@njit(cache=True)
def _rasterize(vertices, triangles, rays, pixels, depth, triangle_id, weights, first_id):
    height, width = depth.shape
    columns, rows = _ray_ranges(rays)
    # A pixel's angle, roughly: decides which triangles are small enough for the cheap box.
    across = max(abs(columns[-1, 1] - columns[0, 0]) / width, abs(rows[-1, 1] - rows[0, 0]) / height)
    small = _SMALL_PX * across
    corners = np.empty((3, 3), np.float64)  # float64: the edge functions of far, small triangles cancel
    edges = np.empty((3, 3), np.float64)
    for t in range(len(triangles)):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        az, bz, cz = vertices[i, 2], vertices[j, 2], vertices[k, 2]
        x0, x1, y0, y1 = 0, -1, 0, -1
        if az >= NEAR_M and bz >= NEAR_M and cz >= NEAR_M:
            ax, bx, cx = vertices[i, 0] / az, vertices[j, 0] / bz, vertices[k, 0] / cz
            ay, by, cy = vertices[i, 1] / az, vertices[j, 1] / bz, vertices[k, 1] / cz
            if max(ax, bx, cx) - min(ax, bx, cx) < small and max(ay, by, cy) - min(ay, by, cy) < small:
                x0, x1 = _span(pixels[i, 0], pixels[j, 0], pixels[k, 0], width)
                y0, y1 = _span(pixels[i, 1], pixels[j, 1], pixels[k, 1], height)
                if x0 >= x1 or y0 >= y1:  # most triangles of a fine mesh fall between the pixels' centres
                    continue
        elif not (az >= NEAR_M or bz >= NEAR_M or cz >= NEAR_M):
            continue
        for n in range(3):
            for axis in range(3):
                corners[n, axis] = vertices[triangles[t, n], axis]
        if x1 < 0:
            low_x, high_x, low_y, high_y = _ray_box(corners)
            x0, x1 = _reach(columns, low_x, high_x)
            y0, y1 = _reach(rows, low_y, high_y)
            if x0 >= x1 or y0 >= y1:
                continue
        _cross(corners[1], corners[2], edges[0])
        _cross(corners[2], corners[0], edges[1])
        _cross(corners[0], corners[1], edges[2])
        volume = corners[0, 0] * edges[0, 0] + corners[0, 1] * edges[0, 1] + corners[0, 2] * edges[0, 2]
        if not abs(volume) > 0.0:  # seen edge-on, without area, or NaN
            continue
        sign = 1.0 if volume > 0 else -1.0
        for y in range(y0, y1):
            for x in range(x0, x1):
                ray_x, ray_y = np.float64(rays[y, x, 0]), np.float64(rays[y, x, 1])
                w0 = sign * (edges[0, 0] * ray_x + edges[0, 1] * ray_y + edges[0, 2])
                w1 = sign * (edges[1, 0] * ray_x + edges[1, 1] * ray_y + edges[1, 2])
                w2 = sign * (edges[2, 0] * ray_x + edges[2, 1] * ray_y + edges[2, 2])
                total = w0 + w1 + w2
                if w0 >= 0 and w1 >= 0 and w2 >= 0 and total > 0:
                    z = np.float32(sign * volume / total)
                    if z >= NEAR_M and z < depth[y, x]:
                        depth[y, x] = z
                        triangle_id[y, x] = t + first_id
                        weights[y, x, 0] = w0 / total
                        weights[y, x, 1] = w1 / total


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
        x0, x1 = _span(ax, bx, cx, width)
        y0, y1 = _span(ay, by, cy, height)
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
