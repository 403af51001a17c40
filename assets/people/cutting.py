"""Shapes cut into a mesh, such as what is painted on a shield or where a helmet is open: edges run clean on any lattice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]
Shapes = Callable[[Array], list[list[Array]]]
_ON_THE_LINE_M = 1e-4  # a corner as close as this to a shape's edge lies on it: no slivers


def cut_shapes(points: Array, faces: Ints, shapes: Shapes) -> tuple[Array, Ints, Mask]:
    """A surface cut along the edges of shapes: (points, faces, whether each face lies in one of them).

    points: (N, D) metres. faces: (T, 3). shapes: of points, each shape as its sides, one (N,) array a side, how far within
    it each point lies, about metres; what lies within all of them is the shape. A straight edge is met exactly, a curved
    one by chords as long as the lattice's steps; where a side bends (the middle line of an absolute value), no triangle
    may lie across.
    """
    for shape, sides in enumerate(shapes(points)):
        for side in range(len(sides)):
            points, faces, _ = cut_along(points, faces, shapes(points)[shape][side])
    within = [[side[faces].mean(axis=1) > 0 for side in sides] for sides in shapes(points)]
    return points, faces, np.any([np.all(sides, axis=0) for sides in within], axis=0)


def cut_along(points: Array, faces: Ints, inside: Array) -> tuple[Array, Ints, Mask]:
    """Triangles cut where `inside` (one per point, about metres) is 0: (points, faces, whether each face is inside).

    points: (N, D). New points come after the old ones.
    """
    sides = np.sign(np.where(np.abs(inside) < _ON_THE_LINE_M, 0.0, inside)).astype(np.int8)
    low, high = sides[faces].min(axis=1), sides[faces].max(axis=1)
    crossed = (low < 0) & (high > 0)
    whole, through = faces[~crossed], faces[crossed]
    # First the corner that is alone: on the line, or on its own side of it.
    alone = np.where((sides[through] == 0).any(axis=1), 0, -np.sign(sides[through].sum(axis=1)))
    first = (sides[through] == alone[:, None]).argmax(axis=1)
    a, b, c = (through[np.arange(len(through)), (first + k) % 3] for k in range(3))
    onto, across = alone == 0, alone != 0
    ends = np.concatenate(
        [np.stack(pair, axis=1) for pair in ((a[across], b[across]), (a[across], c[across]), (b[onto], c[onto]))]
    )
    edges, numbers = np.unique(np.sort(ends, axis=1), axis=0, return_inverse=True)
    ab, ac, bc = np.split(numbers.ravel() + len(points), [across.sum(), 2 * across.sum()])
    i, j = edges.T
    share = (inside[i] / (inside[i] - inside[j]))[:, None]
    pieces = [
        whole,
        *(np.stack(corners, axis=1) for corners in (
            (a[across], ab, ac), (ab, b[across], c[across]), (ab, c[across], ac), (a[onto], b[onto], bc), (a[onto], bc, c[onto])
        )),
    ]  # fmt: skip
    within = [high[~crossed] > 0, *(side > 0 for side in (
        sides[a[across]], sides[b[across]], sides[b[across]], sides[b[onto]], sides[c[onto]]
    ))]  # fmt: skip
    met = points[i] + share * (points[j] - points[i])
    return np.concatenate([points, met]), np.concatenate(pieces).astype(np.int32), np.concatenate(within)
