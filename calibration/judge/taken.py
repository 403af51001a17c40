"""A finished camera track as it is judged: its solve again, and every track of the plate held against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import load_poses
from calibration.solve.solved import Solve
from calibration.solve.track import Tracks
from calibration.solve.triangulate import explain
from pipeline.types import CameraTrack

Array = npt.NDArray[np.float64]

SHORT, EXPLAINED, LEFT_OUT = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Followed:
    """Every track, sorted by track, then frame. rows: (M,) of the plate; pixels: (M, 2) of the plate.

    errors_px: (M,) from the one point that explains the track best, NaN of short ones. state: (M,) EXPLAINED by the camera,
    LEFT_OUT: it moves against it, SHORT: too few frames to tell. starts: (M,) where the track of each begins.
    """

    rows: npt.NDArray[np.int64]
    pixels: Array
    errors_px: Array
    state: npt.NDArray[np.int8]
    starts: npt.NDArray[np.int64]

    def at(self, row: int) -> npt.NDArray[np.int64]:
        """Which of the M are of the frame in `row`."""
        return np.flatnonzero(self.rows == row)

    def counts(self, state: int, frames: int) -> npt.NDArray[np.int64]:
        """(F,) tracks in that state on each frame."""
        return np.bincount(self.rows[self.state == state], minlength=frames)


def solve_of(track: CameraTrack) -> Solve:
    """The solve that a receipt keeps; lengths in metres."""
    seen = np.load(track.observations).astype(np.float64).reshape(-1, 4)
    seen[:, 0] -= track.frames.first
    points = np.load(track.points).astype(np.float64).reshape(-1, 3)
    return Solve(load_poses(track), track.lens, points, seen, np.array(track.zoom))


def followed(track: CameraTrack, solve: Solve) -> Followed:
    """The plate's tracks held against the camera."""
    kept = np.load(track.tracks).astype(np.float64).reshape(-1, 4)
    kept = kept[np.lexsort((kept[:, 1], kept[:, 0]))]
    rows, idents = kept[:, 0].astype(np.int64) - track.frames.first, kept[:, 1].astype(np.int32)
    begins = np.searchsorted(rows, np.arange(len(solve.poses) + 1)).astype(np.int64)
    tracks = Tracks(begins, idents, kept[:, 2:].astype(np.float32), np.ones(len(solve.poses)))
    found = explain(tracks, np.ones(2), solve.poses, solve.lens, solve.zoom)

    by_track = np.lexsort((rows, idents))
    state, errors = np.full(len(rows), SHORT, np.int8), np.full(len(rows), np.nan)
    long = np.isin(idents[by_track], found.idents)
    state[long] = np.where(found.fits, EXPLAINED, LEFT_OUT)[found.numbers]
    errors[long] = found.errors_px * (solve.zoom[found.rows] if len(solve.zoom) else 1.0)
    first = np.flatnonzero(np.r_[True, np.diff(idents[by_track]) > 0]) if len(rows) else np.zeros(0, np.int64)
    starts = np.repeat(first, np.diff(np.append(first, len(rows))))
    return Followed(rows[by_track], kept[by_track, 2:], errors, state, starts)
