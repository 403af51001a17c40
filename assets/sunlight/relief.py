"""The plate's own ground and what stands on it, as it hides the sun from what is added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
GROUND, STANDING = -1, -2  # numbers beside those of set pieces, which begin at 1
_SUNK_M = 0.1  # as much lower than surveyed: what the survey errs by throws no shadow
_SLACK_M = 0.3  # towards the sun: who stands beside a wall is not hidden by the very square that it stands in
_SIDE = 0.49  # of a square: the sides of what stands are upright but for the rest


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """Something of the plate that hides the sun. vertices: (V, 3) float32 world; triangles: (T, 3) int32; slack_m: what lies before
    a place by less does not hide it."""

    number: int
    vertices: Floats
    triangles: npt.NDArray[np.int32]
    slack_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """heights: (rows, columns) metres; sample [j, i] lies at x = corner_m[0] + i * cell_m, z = corner_m[1] + j * cell_m. tops:
    the same grid, up to where something stands, NaN: nothing; None: nothing anywhere."""

    heights: Floats
    corner_m: tuple[float, float]
    cell_m: float
    tops: Floats | None = None

    def solids(self) -> Iterator[Solid]:
        """The ground where it is more than one level, and what stands on it."""
        if np.ptp(self.heights) > 2 * _SUNK_M:
            rows, columns = self.heights.shape
            j, i = np.mgrid[:rows, :columns]
            sunk = np.asarray(self.heights - _SUNK_M, np.float32)
            yield Solid(GROUND, self._points(i, j, sunk), _faces(rows, columns), 0.0)
        if self.tops is not None and np.isfinite(self.tops).any():
            yield self._standing(self.tops)

    def _standing(self, tops: Floats) -> Solid:
        """Columns as wide as a square, from the ground up."""
        there = np.isfinite(tops)
        height = np.where(there, tops, self.heights - _SUNK_M)
        rows, columns = there.shape
        j, i = (np.repeat(np.arange(n), 2) + np.tile([-_SIDE, _SIDE], n) for n in (rows, columns))
        doubled = height.repeat(2, axis=0).repeat(2, axis=1)
        across, down = np.meshgrid(i, j)
        points = self._points(across, down, doubled)
        faces = _faces(2 * rows, 2 * columns)
        touching = there.repeat(2, axis=0).repeat(2, axis=1).ravel()[faces].any(axis=1)
        used, numbers = np.unique(faces[touching], return_inverse=True)
        return Solid(STANDING, points[used], numbers.reshape(-1, 3).astype(np.int32), _SLACK_M)

    def _points(self, i: Array, j: Array, height: Floats) -> Floats:
        x, z = self.corner_m[0] + i * self.cell_m, self.corner_m[1] + j * self.cell_m
        return np.stack([x, height, z], axis=-1).reshape(-1, 3).astype(np.float32)


def _faces(rows: int, columns: int) -> npt.NDArray[np.int32]:
    """(T, 3) two triangles between any four neighbours of a grid."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    right, below, across = first + 1, first + columns, first + columns + 1
    return np.concatenate([np.stack(t, axis=1) for t in ((first, below, right), (right, below, across))]).astype(
        np.int32
    )
