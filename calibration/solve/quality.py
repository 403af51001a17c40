"""How well a solve holds, beyond its reprojection error: length and error of tracks, coverage, how sure each pose is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.solve.certainty import sureness
from calibration.solve.solved import Solve

GRID = (6, 10)  # cells of the coverage map, down and across


def quality(solve: Solve) -> dict[str, Any]:
    """Figures of a solve in metres, ready for JSON.

    track_*: median and longest life in frames; median and 95th percentile of the tracks' own median errors, pixels.
    coverage_map: share of frames in which each cell of the picture holds a point; covered: the share of cells that hold one
    in the median frame. frames: one standard deviation of each frame's pose, degrees about its worst axis and, of a camera that
    travels, metres along its worst direction: of the frame alone, points and lens taken as known, so a lower bound; None
    where it is unknown.
    """
    rows, which = solve.observations[:, 0].astype(int), solve.observations[:, 1].astype(int)
    if not len(rows):
        return {}
    errors = solve.errors_px()
    order = np.argsort(which, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(which[order]) > 0])
    lives = np.diff(np.append(starts, len(order)))
    own = np.array([np.median(part) for part in np.split(errors[order], starts[1:])])
    covered = _coverage(solve, rows)
    return {
        "track_frames": {"median": float(np.median(lives)), "longest": int(lives.max())},
        "track_error_px": {
            "median": round(float(np.median(own)), 4),
            "p95": round(float(np.percentile(own, 95)), 4),
        },
        "coverage_map": np.round(covered.mean(axis=0), 3).tolist(),
        "covered": round(float(np.median(covered.mean(axis=(1, 2)))), 3),
        "frames": _pose_sigmas(solve),
    }


def _coverage(solve: Solve, rows: npt.NDArray[np.int_]) -> npt.NDArray[np.bool_]:
    """(F, *GRID): whether a point is seen in each cell."""
    down, across = GRID
    y = np.clip(solve.observations[:, 3] / solve.lens.height * down, 0, down - 1).astype(int)
    x = np.clip(solve.observations[:, 2] / solve.lens.width * across, 0, across - 1).astype(int)
    covered = np.zeros((len(solve.poses), down, across), bool)
    covered[rows, y, x] = True
    return covered


def _pose_sigmas(solve: Solve) -> list[dict[str, float | None]]:
    found: list[dict[str, float | None]] = []
    for sure in sureness(solve):
        if sure is None:
            found.append({"turn_sigma_deg": None, "shift_sigma_m": None})
            continue
        covariance = sure.covariance
        turn, shift = (
            float(np.sqrt(max(np.linalg.eigvalsh(part)[-1], 0.0))) if len(part) else None
            for part in (covariance[:3, :3], covariance[3:, 3:])
        )
        found.append(
            {
                "turn_sigma_deg": round(float(np.degrees(turn or 0.0)), 6),
                "shift_sigma_m": None if shift is None else round(shift, 6),
            }
        )
    return found
