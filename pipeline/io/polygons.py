"""Polygons as files hold them, and the triangles that they are cut into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
_FLAT = 1e-9  # of a polygon's size squared: a corner that turns back by less still counts as straight


@dataclass(frozen=True, slots=True, eq=False)
class Polygons:
    """A named run of polygons, in its file's unit and axes.

    name: of object, group and material, in words. points (V, 3). counts (F,): corners of each polygon. corners (C,): rows of
    `points`, polygon after polygon, counter-clockwise seen from outside. normals (C, 3): of each corner, None where the file
    has none. Raises ValueError when counts and corners contradict each other.
    """

    name: str
    points: Array
    counts: Indices
    corners: Indices
    normals: Array | None = None

    def __post_init__(self) -> None:
        if self.counts.sum() != len(self.corners) or (self.counts < 0).any():
            raise ValueError(f"{self.name}: {len(self.corners)} corners for polygons of {self.counts.sum()}")
        if len(self.corners) and not 0 <= self.corners.min() <= self.corners.max() < len(self.points):
            raise ValueError(f"{self.name}: a corner points past the {len(self.points)} vertices")
        if self.normals is not None and len(self.normals) != len(self.corners):
            raise ValueError(f"{self.name}: {len(self.normals)} normals for {len(self.corners)} corners")

    @property
    def triangle_count(self) -> int:
        return int(np.maximum(self.counts - 2, 0).sum())

    def placed(self, matrix: Array) -> Polygons:
        """Through (4, 4) outer_from_local; a mirror turns the winding round, so that outside stays outside."""
        turn = matrix[:3, :3]
        points = self.points @ turn.T + matrix[:3, 3]
        normals = None if self.normals is None else self.normals @ np.linalg.pinv(turn)
        moved = replace(self, points=points, normals=normals)
        return moved.turned_round() if np.linalg.det(turn) < 0 else moved

    def turned_round(self) -> Polygons:
        """The same polygons, wound the other way; normals stay with their corners."""
        ends = np.cumsum(self.counts)
        place = np.arange(len(self.corners))
        order = np.repeat(2 * ends - self.counts - 1, self.counts) - place
        normals = None if self.normals is None else self.normals[order]
        return replace(self, corners=self.corners[order], normals=normals)

    def some(self, chosen: npt.NDArray[np.bool_], name: str) -> Polygons:
        """The polygons for which `chosen` (F,) is true, under another name."""
        kept = np.repeat(chosen, self.counts)
        normals = None if self.normals is None else self.normals[kept]
        return replace(self, name=name, counts=self.counts[chosen], corners=self.corners[kept], normals=normals)

    def triangles(self) -> Indices:
        """(T, 3) places in `corners`. A polygon with a corner that turns inwards is cut by ears, every other as a fan."""
        starts = np.cumsum(self.counts) - self.counts
        found = [np.zeros((0, 3), np.int64)]
        for count in np.unique(self.counts[self.counts > 2]):
            rows = starts[self.counts == count][:, None] + np.arange(count)
            if count == 3:
                found.append(rows)
                continue
            outlines = self.points[self.corners[rows]]
            bent = _turns_inwards(outlines)
            fan = rows[~bent]
            found += [fan[:, [0, i, i + 1]] for i in range(1, count - 1)]
            found += [row[ears(outline)] for row, outline in zip(rows[bent], outlines[bent], strict=True)]
        return np.concatenate(found)


def polygons_of(name: str, points: Array, faces: Iterable[npt.ArrayLike], normals: Array | None = None) -> Polygons:
    """Polygons of lists of corners."""
    lists = [np.asarray(face, np.int64) for face in faces]
    counts = np.array([len(face) for face in lists], np.int64)
    return Polygons(name, points, counts, np.concatenate([np.zeros(0, np.int64), *lists]), normals)


def ears(outline: Array) -> Indices:
    """(n - 2, 3) corners of the triangles of a simple polygon (n, 3), nearly flat, whichever way it bends.

    Source: Meisters, "Polygons Have Ears", American Mathematical Monthly 82, 1975.
    """
    normal = _newell(outline)
    drop = int(np.argmax(np.abs(normal)))
    plan = np.delete(outline, drop, axis=1) * (1 if drop != 1 else [1, -1])
    plan = plan if normal[drop] >= 0 else plan * [1, -1]
    left, cut = list(range(len(outline))), []
    while len(left) > 3:
        at = next(_ears_of(plan, left), 0)  # an outline that crosses itself has none: go on with any
        cut.append((left[at - 1], left[at], left[(at + 1) % len(left)]))
        del left[at]
    return np.array([*cut, tuple(left)], np.int64)


def _ears_of(plan: Array, left: list[int]) -> Iterator[int]:
    """Places in `left` whose corner can be cut off: it turns outwards, and no other corner lies within."""
    for at, middle in enumerate(left):
        before, after = left[at - 1], left[(at + 1) % len(left)]
        a, b, c = plan[before], plan[middle], plan[after]
        if _side(a, b, c) <= 0:
            continue
        others = plan[[i for i in left if i not in (before, middle, after)]]
        inside = (_side(a, b, others) >= 0) & (_side(b, c, others) >= 0) & (_side(c, a, others) >= 0)
        if not inside.any():
            yield at


def _side(a: Array, b: Array, points: Array) -> Array:
    """Above 0 where points (..., 2) lie left of the way from a to b."""
    way, to = b - a, points - a
    return np.asarray(way[0] * to[..., 1] - way[1] * to[..., 0])


def _newell(outlines: Array) -> Array:
    """Area vectors (..., 3) of polygons (..., n, 3). Source: Newell's method, Sutherland et al., 1974."""
    offset = outlines - outlines[..., :1, :]
    return np.asarray(np.cross(offset, np.roll(offset, -1, axis=-2)).sum(axis=-2) / 2)


def _turns_inwards(outlines: Array) -> npt.NDArray[np.bool_]:
    """(F,): whether any corner of polygons (F, n, 3) turns against the polygon's own sense."""
    normals = _newell(outlines)
    sizes = np.linalg.norm(normals, axis=1)
    arriving = outlines - np.roll(outlines, 1, axis=1)
    turns = np.cross(arriving, np.roll(arriving, -1, axis=1))
    return np.asarray(((turns * normals[:, None]).sum(axis=2) < -_FLAT * sizes[:, None] ** 2).any(axis=1))
