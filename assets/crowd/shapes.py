"""Shapes on the plan of the ground, (x, z) in metres: polygons, headings, and ways that bend.

A heading turns about Y: 0 faces +Z, pi/2 faces +X.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
RAIL_STEP_M = 0.1


def inside(points: Array, polygon: Array) -> npt.NDArray[np.bool_]:
    """Which points (N, 2) lie in the polygon (P, 2), by the even-odd rule."""
    x, y = points[:, 0, None], points[:, 1, None]
    (ax, ay), (bx, by) = polygon.T, np.roll(polygon, -1, axis=0).T
    straddles = (ay > y) != (by > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crosses = straddles & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return np.asarray(crosses.sum(axis=1) % 2 == 1)


def area_m2(polygon: Array) -> float:
    """The polygon's area."""
    (ax, ay), (bx, by) = polygon.T, np.roll(polygon, -1, axis=0).T
    return abs(float((ax * by - bx * ay).sum())) / 2


def middle(polygon: Array) -> Array:
    """(2,) the polygon's centre of area; of a polygon without area, the mean of its corners."""
    (ax, ay), (bx, by) = polygon.T, np.roll(polygon, -1, axis=0).T
    cross = ax * by - bx * ay
    if abs(cross.sum()) < 1e-9:
        return np.asarray(polygon.mean(axis=0))
    return np.array([((ax + bx) * cross).sum(), ((ay + by) * cross).sum()]) / (3 * cross.sum())


def long_axis(polygon: Array) -> Array:
    """(2,) unit vector in plan along which the polygon is longest, by the second moments of its area."""
    centred = polygon - middle(polygon)
    (ax, ay), (bx, by) = centred.T, np.roll(centred, -1, axis=0).T
    cross = ax * by - bx * ay
    xx, yy = (cross * (ax * ax + ax * bx + bx * bx)).sum() / 12, (cross * (ay * ay + ay * by + by * by)).sum() / 12
    xy = (cross * (ax * by + 2 * ax * ay + 2 * bx * by + bx * ay)).sum() / 24
    moments = np.array([[xx, xy], [xy, yy]]) * np.sign(cross.sum() or 1.0)
    return np.asarray(np.linalg.eigh(moments)[1][:, 1])


def edge_distance(point: Array, polygon: Array) -> float:
    """Metres from a point (2,) to the polygon's nearest edge."""
    sides = np.roll(polygon, -1, axis=0) - polygon
    share = ((point - polygon) * sides).sum(axis=1) / np.maximum((sides**2).sum(axis=1), 1e-12)
    nearest = polygon + np.clip(share, 0, 1)[:, None] * sides
    return float(np.linalg.norm(nearest - point, axis=1).min())


def axes(heading_rad: float) -> tuple[Array, Array]:
    """Unit vectors in plan: along the heading, and to the left of who faces that way."""
    ahead = np.array([math.sin(heading_rad), math.cos(heading_rad)])
    return ahead, np.array([ahead[1], -ahead[0]])


def ways(headings_rad: Array) -> Array:
    """(..., 2) unit vectors in plan along headings (...)."""
    return np.stack([np.sin(headings_rad), np.cos(headings_rad)], axis=-1)


def headings(vectors: Array) -> Array:
    """(...) radians of vectors (..., 2) in plan."""
    return np.arctan2(vectors[..., 0], vectors[..., 1])


def smoothed(values: Array, reach: int) -> Array:
    """(F, ...) the weighted mean over `reach` frames before and after; ends are held."""
    bell = np.hanning(2 * reach + 3)[1:-1]
    padded = np.concatenate([values[:1].repeat(reach, 0), values, values[-1:].repeat(reach, 0)])
    parts = [weight * padded[k : k + len(values)] for k, weight in enumerate(bell / bell.sum())]
    return np.asarray(sum(parts[1:], parts[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Rail:
    """A way on the ground with its corners rounded. points (M, 2) about RAIL_STEP_M apart; distances (M,) along it."""

    points: Array
    distances: Array

    @classmethod
    def along(cls, path_m: Array, round_m: float) -> Rail:
        """Through the corners (K, 2) of a path, K >= 2, each turn spread over `round_m` metres of way."""
        sides = np.linalg.norm(np.diff(path_m, axis=0), axis=1)
        reached = np.concatenate([[0.0], np.cumsum(sides)])
        steps = np.linspace(0, reached[-1], max(2, round(reached[-1] / RAIL_STEP_M) + 1))
        points = np.stack([np.interp(steps, reached, path_m[:, axis]) for axis in (0, 1)], axis=1)
        reach = int(round_m / 2 / RAIL_STEP_M)
        if reach and len(path_m) > 2:
            # The ends stay where they were drawn: they are mirrored through, as if the way went straight on.
            before = 2 * points[0] - points[1 : reach + 1][::-1]
            after = 2 * points[-1] - points[-reach - 1 : -1][::-1]
            longer = np.concatenate([before, points, after])
            sums = np.cumsum(np.concatenate([np.zeros((1, 2)), longer]), axis=0)
            width = len(longer) - len(points) + 1
            points = (sums[width:] - sums[:-width]) / width
        gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        return cls(points, gone)

    @property
    def length_m(self) -> float:
        return float(self.distances[-1])

    def at(self, distance_m: npt.NDArray[np.floating]) -> tuple[Array, Array]:
        """Points (..., 2) and headings (...) at distances along the way; beyond its ends it goes straight on."""
        distance = np.asarray(distance_m, np.float64)
        held = np.clip(distance, 0, self.length_m)
        place = np.stack([np.interp(held, self.distances, self.points[:, axis]) for axis in (0, 1)], axis=-1)
        middles = (self.distances[1:] + self.distances[:-1]) / 2
        turned = np.interp(held, middles, np.unwrap(headings(np.diff(self.points, axis=0))))
        return place + (distance - held)[..., None] * ways(turned), turned
