"""Keep-out areas: how near their walls are, the way round them, and back out for who was pushed in."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.spatial import ConvexHull

_ROUND = 8  # corners of the circle that widens an area


class Walls(NamedTuple):
    """P areas, packed. corners (Q, 2) x, z metres, counterclockwise, area k's are corners[starts[k] : starts[k + 1]];
    hulls (R, 2), hull_starts: each area's convex hull, widened by the berth of whoever walks round it."""

    corners: np.ndarray
    starts: np.ndarray
    hulls: np.ndarray
    hull_starts: np.ndarray


def build_walls(polygons: list[np.ndarray], berth_m: float) -> Walls:
    """Pack polygons ((P, 2) x, z metres, either way round, convex or not), to be walked round at `berth_m` at least."""
    turns = 2 * np.pi * (np.arange(_ROUND) + 0.5) / _ROUND
    circle = berth_m / np.cos(np.pi / _ROUND) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    corners, hulls = [], []
    for polygon in polygons:
        points = np.asarray(polygon, np.float64)
        x, z = points.T
        area = float((x * np.roll(z, -1) - z * np.roll(x, -1)).sum())
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all() or area == 0:
            raise ValueError(f"a keep-out area of shape {points.shape} has no inside; wanted (P, 2) finite corners.")
        corners.append(points if area > 0 else points[::-1])
        wide = (points[:, None] + circle).reshape(-1, 2)
        hulls.append(wide[ConvexHull(wide).vertices])  # SciPy: counterclockwise in the plane
    return Walls(*_packed(corners), *_packed(hulls))


def _packed(parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    starts = np.cumsum([0, *(len(p) for p in parts)]).astype(np.int64)
    return np.ascontiguousarray(np.concatenate([np.empty((0, 2)), *parts])), starts


@njit(cache=True, error_model="numpy")
def nearest_wall(x, z, corners, first, last):
    """(distance, n x, n z): from the wall of one area, negative inside; n is the way out, or away, of unit length."""
    best, best_x, best_z, inside = np.inf, 0.0, 0.0, False
    out_x, out_z = 1.0, 0.0
    for k in range(first, last):
        m = k + 1 if k + 1 < last else first
        ax, az = corners[k, 0], corners[k, 1]
        ex, ez = corners[m, 0] - ax, corners[m, 1] - az
        length2 = ex * ex + ez * ez
        t = 0.0
        if length2 > 0.0:
            t = min(max(((x - ax) * ex + (z - az) * ez) / length2, 0.0), 1.0)
        qx, qz = x - ax - t * ex, z - az - t * ez
        d2 = qx * qx + qz * qz
        if d2 < best:
            best, best_x, best_z = d2, qx, qz
            if length2 > 0.0:
                out_x, out_z = ez / math.sqrt(length2), -ex / math.sqrt(length2)
        if (az > z) != (az + ez > z) and x < ax + (z - az) / ez * ex:
            inside = not inside
    d = math.sqrt(best)
    if d > 1e-9:
        out_x, out_z = best_x / d, best_z / d
        if inside:
            out_x, out_z = -out_x, -out_z
    return (-d if inside else d), out_x, out_z


@njit(cache=True, error_model="numpy")
def push_out(x, z, radius, corners, starts):
    """(x, z) moved the least way to stand `radius` clear of all areas, if that can be had in a few moves."""
    for _ in range(4):
        moved = False
        for k in range(len(starts) - 1):
            d, nx, nz = nearest_wall(x, z, corners, starts[k], starts[k + 1])
            if d < radius - 1e-9:
                x, z, moved = x + (radius - d) * nx, z + (radius - d) * nz, True
        if not moved:
            break
    return x, z


@njit(cache=True, error_model="numpy")
def _round_way(x, z, to_x, to_z, hull, first, last, edge, turn):
    """(metres, next x, next z): the way round a convex hull, counterclockwise for turn = 1, clockwise for -1.

    edge: the hull's edge beside which x, z stands if it is inside, else -1.
    """
    count = last - first
    start, end = -1, -1
    if edge >= 0:
        start = (edge + 1) % count if turn > 0 else edge
    for k in range(count):
        vx, vz = hull[first + k, 0], hull[first + k, 1]
        leaves, meets = True, True
        for m in (1, count - 1):  # convex: a corner's neighbours speak for all others
            ox, oz = hull[first + (k + m) % count, 0], hull[first + (k + m) % count, 1]
            leaves = leaves and turn * ((vx - x) * (oz - z) - (vz - z) * (ox - x)) >= 0.0
            meets = meets and turn * ((vx - to_x) * (oz - to_z) - (vz - to_z) * (ox - to_x)) <= 0.0
        if leaves and edge < 0 and start < 0:
            start = k
        if meets and end < 0:
            end = k
    if start < 0 or end < 0:
        return 0.0, to_x, to_z
    sx, sz = hull[first + start, 0], hull[first + start, 1]
    metres, k, px, pz = math.hypot(sx - x, sz - z), start, sx, sz
    while k != end:
        k = (k + 1) % count if turn > 0 else (k + count - 1) % count
        qx, qz = hull[first + k, 0], hull[first + k, 1]
        metres += math.hypot(qx - px, qz - pz)
        px, pz = qx, qz
    if metres > 0.0 and math.hypot(sx - x, sz - z) < 0.2:  # as good as there: on to the next corner
        k = start
        if start == end:
            sx, sz = to_x, to_z
        else:
            k = (start + 1) % count if turn > 0 else (start + count - 1) % count
            sx, sz = hull[first + k, 0], hull[first + k, 1]
    return metres + math.hypot(to_x - px, to_z - pz), sx, sz


@njit(cache=True, error_model="numpy")
def _crosses(x, z, to_x, to_z, hull, first, last):
    """Whether the straight way goes through the inside of a convex counterclockwise hull."""
    low, high = 0.0, 1.0
    for k in range(first, last):
        m = k + 1 if k + 1 < last else first
        ex, ez = hull[m, 0] - hull[k, 0], hull[m, 1] - hull[k, 1]
        here = ex * (z - hull[k, 1]) - ez * (x - hull[k, 0])  # positive: inside of this edge
        slope = ex * (to_z - z) - ez * (to_x - x)
        if slope == 0.0:
            if here <= 0.0:
                return False
        elif slope > 0.0:
            low = max(low, -here / slope)
        else:
            high = min(high, -here / slope)
    return high - low > 1e-6


@njit(cache=True, error_model="numpy")
def way_round(x, z, to_x, to_z, hulls, starts):
    """(next x, next z, turned): where to walk now in order to come to (to x, to z) and through no area.

    A goal inside an area is taken to the nearest place outside. One area after the other, the first that is in the way first.
    """
    turned = False
    for k in range(len(starts) - 1):
        first, last = starts[k], starts[k + 1]
        d, nx, nz = nearest_wall(to_x, to_z, hulls, first, last)
        if d < 0.0:
            to_x, to_z, turned = to_x - (d - 1e-6) * nx, to_z - (d - 1e-6) * nz, True
    used = -1
    for _ in range(4):  # the way to the first corner may lead through another area
        before = used
        for k in range(len(starts) - 1):
            first, last = starts[k], starts[k + 1]
            d, nx, nz = nearest_wall(x, z, hulls, first, last)
            if k == before or d > math.hypot(to_x - x, to_z - z):
                continue
            from_x, from_z, edge = x, z, -1
            if d <= 0.0:  # brushing past: walk on along this edge
                from_x, from_z = x - (d - 1e-6) * nx, z - (d - 1e-6) * nz
                edge = _edge_of(from_x, from_z, hulls, first, last)
            if not _crosses(from_x, from_z, to_x, to_z, hulls, first, last):
                continue
            left, left_x, left_z = _round_way(from_x, from_z, to_x, to_z, hulls, first, last, edge, 1)
            right, right_x, right_z = _round_way(from_x, from_z, to_x, to_z, hulls, first, last, edge, -1)
            to_x, to_z = (left_x, left_z) if left <= right else (right_x, right_z)
            turned, used = True, k
            break
        if used == before:
            break
    return to_x, to_z, turned


@njit(cache=True, error_model="numpy")
def _edge_of(x, z, hull, first, last):
    """The edge of a convex hull that a place on it lies on."""
    best, edge = np.inf, 0
    for k in range(first, last):
        m = k + 1 if k + 1 < last else first
        ex, ez = hull[m, 0] - hull[k, 0], hull[m, 1] - hull[k, 1]
        off = abs(ex * (z - hull[k, 1]) - ez * (x - hull[k, 0])) / math.hypot(ex, ez)
        if off < best:
            best, edge = off, k - first
    return edge
