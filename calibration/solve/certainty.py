"""How sure each frame's pose is by what the frame shows, points and lens taken as known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import to_camera
from calibration.lens import project
from calibration.solve.solved import LEAST_PARALLAX_DEG, Solve

Array = npt.NDArray[np.float64]

_STEP = 1e-5
_INLIER = 5.0  # times the median error


@dataclass(frozen=True, slots=True)
class Sure:
    """One frame's normal equations. normal: (U, U) of the pose's unknowns over the variance of a pixel coordinate.

    The unknowns move points in the camera's axes: a turn (radians), then, of a camera that travels, a shift (metres): U is 6, of
    a camera on one spot 3.
    """

    normal: Array

    @property
    def covariance(self) -> Array:
        """(U, U) of turn and shift: of the frame alone, so a lower bound."""
        return np.asarray(np.linalg.pinv(self.normal, hermitian=True))


def travels(solve: Solve) -> bool:
    """Whether the camera leaves its spot by so much that its poses are sure in place too."""
    return solve.parallax_deg() >= LEAST_PARALLAX_DEG


def sureness(solve: Solve) -> list[Sure | None]:
    """Of each frame; None where it shows too few points."""
    errors, unknowns = solve.errors_px(), 6 if travels(solve) else 3
    order = np.argsort(solve.observations[:, 0], kind="stable")
    ends = np.searchsorted(solve.observations[order, 0], np.arange(len(solve.poses) + 1))
    limit = _INLIER * max(float(np.median(errors)), 0.05) if len(errors) else 0.0
    found: list[Sure | None] = []
    for row in range(len(solve.poses)):
        mine = order[ends[row] : ends[row + 1]]
        mine = mine[errors[mine] < limit]
        if 2 * len(mine) <= unknowns:
            found.append(None)
            continue
        camera = to_camera(solve.points[solve.observations[mine, 1].astype(int)], solve.poses[row])
        slopes = _slopes(camera, solve, row)[:, :unknowns]
        spread = float((errors[mine] ** 2).sum()) / (2 * len(mine) - unknowns)
        found.append(Sure(slopes.T @ slopes / max(spread, 1e-18)))
    return found


def _slopes(camera: Array, solve: Solve, row: int) -> Array:
    """Derivatives (2N, 6) of pixels by a small turn (radians) and a shift (metres) in the camera's axes, by differences."""
    reach = _STEP * max(1.0, float(np.median(camera[:, 2])))
    columns = []
    for axis in np.eye(3):
        columns.append((np.cross(axis, camera) * _STEP, _STEP))
    for axis in np.eye(3):
        columns.append((np.tile(axis * reach, (len(camera), 1)), reach))
    lens = solve.lens_at(row)
    found = [(project(camera + move, lens) - project(camera - move, lens)) / (2 * step) for move, step in columns]
    return np.nan_to_num(np.stack(found, axis=2).reshape(-1, 6))
