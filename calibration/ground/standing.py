"""What of the plate stands on the ground: how high walls, stones and trees reach, on the grid of the ground."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from calibration.ground.heightfield import Heightfield

Array = npt.NDArray[np.float64]
STANDS_M, STANDS = 0.6, 0.012  # above the ground, metres and of the way to the camera: lower is as good as ground
_LEAST_POINTS = 2  # of one look in a square
_LEAST_LOOKS = 2  # that must agree, where there are more than one
_APART_M, _APART = 0.5, 0.25  # how far tops of two looks may lie apart, metres and of their height
_STILL = 0.5  # of the looks that see a square: who walks through stands there in fewer


def tops(looks: Iterable[tuple[Array, Array]], field: Heightfield) -> npt.NDArray[np.float32]:
    """(rows, columns) world height up to which something stands in the square about each sample of the field, NaN: nothing.

    looks: of each frame, world points (N, 3) and where its camera stood (3,). Looks vote: what only one of several shows, or
    what stands at another height each time, is an edge's error or somebody who walked.
    """
    rows, columns = len(field.heights), field.heights.shape[1]
    seen = np.zeros((rows, columns), np.int64)
    highest = []
    for points, stood in looks:
        j = np.rint((points[:, 2] - field.origin_z_m) / field.cell_m).astype(np.int64)
        i = np.rint((points[:, 0] - field.origin_x_m) / field.cell_m).astype(np.int64)
        within = (i >= 0) & (j >= 0) & (i < columns) & (j < rows)
        points, square = points[within], (j * columns + i)[within]
        seen.ravel()[np.unique(square)] += 1
        above = points[:, 1] - field.height(points[:, 0], points[:, 2])
        up = above > STANDS_M + STANDS * np.linalg.norm(points - stood, axis=1)
        count = np.bincount(square[up], minlength=seen.size).reshape(seen.shape)
        most = np.full(seen.shape, -np.inf)
        np.maximum.at(most.ravel(), square[up], points[up, 1])
        highest.append(np.where(count >= _LEAST_POINTS, most, np.nan))
    if not highest:
        return np.full(seen.shape, np.nan, np.float32)
    return _agreed(np.array(highest), seen, field)


def _agreed(highest: Array, seen: npt.NDArray[np.int64], field: Heightfield) -> npt.NDArray[np.float32]:
    """highest: (looks, rows, columns), NaN where a look shows nothing that stands."""
    known = np.isfinite(highest)
    middle = np.full(seen.shape, np.nan)
    some = known.any(axis=0)
    middle[some] = np.nanmedian(highest[:, some], axis=0)
    slack = _APART_M + _APART * (middle - field.heights)
    agree = (known & (np.abs(np.where(known, highest, 0) - middle) <= slack)).sum(axis=0)
    enough = agree >= np.maximum(min(_LEAST_LOOKS, len(highest)), _STILL * seen)
    return np.where(some & enough, middle, np.nan).astype(np.float32)
