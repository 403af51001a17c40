"""Frames that a person took out of the solve, posed afterwards: by the points that they show, else between their neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation, RotationSpline

from calibration.cameras import camera_centre, pose_from, to_camera
from calibration.lens import project, undistort_points
from calibration.solve.solved import LEAST_PARALLAX_DEG, Solve
from calibration.solve.track import Grey, Tracks
from calibration.solve.trackview import TrackView
from calibration.solve.turning import turned_to
from pipeline.errors import CalibrationError

Array = npt.NDArray[np.float64]

FEWEST_POINTS = 20  # by which a frame is posed again
SHARE = 0.4  # of the points looked for that must be found where one pose sees them
MOST_ERROR_PX = 1.5  # in pictures 1280 wide; grows with larger ones
BESIDE = 4  # posed frames on each side that an interpolation is drawn through


def left_in(frames: list[int], out: tuple[int, ...]) -> list[int]:
    """The frames that are solved. Raises CalibrationError when `out` names frames that the plate has not."""
    foreign = sorted(set(out) - set(frames))
    if foreign:
        raise CalibrationError(
            f"solve_camera.exclude names frame {', '.join(map(str, foreign[:6]))}, the plate has {frames[0]}-{frames[-1]}. "
            "Change it."
        )
    return [frame for frame in frames if frame not in out]


def spread_tracks(tracks: Tracks, rows: list[int], total: int) -> Tracks:
    """Tracks of some frames as those of all `total`: the others, left out, show nothing."""
    counts, survived = np.zeros(total, np.int64), np.zeros(total)
    counts[rows], survived[rows] = np.diff(tracks.starts), tracks.survived
    return replace(tracks, starts=np.concatenate([[0], np.cumsum(counts)]), survived=survived)


def pose_left_out(solve: Solve, rows: list[int], view: TrackView) -> tuple[Solve, dict[str, Any]]:
    """A solve of the frames in `rows` as one of the whole plate, and which frames were posed how. A camera that stays on one
    spot stays there.

    A frame that was left out is found by points of its neighbour, looked for where they should be. One that shows too few
    of them is laid on a smooth way through its neighbours. Raises CalibrationError at an end of the plate, where
    there is no such way.
    """
    frames = list(view.plate.files.frames)
    poses = np.full((len(frames), 4, 4), np.nan)
    poses[rows] = solve.poses
    moved = solve.observations.copy()
    moved[:, 0] = np.array(rows)[moved[:, 0].astype(int)]
    zoom = between_zooms(solve.zoom, rows, len(frames))
    whole = replace(solve, poses=poses, observations=moved, zoom=zoom)
    found, seen, laid = [], [moved], []
    for row in sorted(set(range(len(frames))) - set(rows)):
        at = _resect(whole, rows, row, view)
        if at is None:
            laid.append(row)
        else:
            poses[row] = at[0]
            found.append(row)
            seen.append(at[1])
    known = sorted([*rows, *found])
    for row in laid:
        if row < known[0] or row > known[-1]:
            raise CalibrationError(
                f"camera solve: frame {frames[row]} was left out, shows too few of the solve's points to be posed, and lies at "
                "an end of the plate, where nothing can be drawn between neighbours. Leave it in, or cut it off the plate."
            )
        poses[row] = between(poses, known, row)
    told = {
        "excluded": [frames[row] for row in sorted([*found, *laid])],
        "by_its_points": [frames[row] for row in found],
        "between_neighbours": [frames[row] for row in laid],
    }
    return replace(whole, observations=np.concatenate(seen)), told


def between_zooms(zoom: Array, rows: list[int], total: int) -> Array:
    """Zooms of the frames in `rows` as those of all `total`, smooth between; none where there is none."""
    return np.exp(PchipInterpolator(rows, np.log(zoom))(np.arange(total))) if len(zoom) else zoom


def between(poses: Array, known: list[int], row: int) -> Array:
    """The pose (4, 4) at `row` on a smooth way through up to four of the `known` rows on each side."""
    place = int(np.searchsorted(known, row))
    near = known[max(0, place - BESIDE) : place + BESIDE]
    if len(near) == 1:
        return np.asarray(poses[near[0]])
    centre = PchipInterpolator(near, camera_centre(poses[near]), extrapolate=True)(row)
    turn = RotationSpline(near, Rotation.from_matrix(poses[near, :3, :3]))(row).as_matrix()
    return pose_from(turn, centre)


def _resect(solve: Solve, rows: list[int], row: int, view: TrackView) -> tuple[Array, Array] | None:
    """The pose (4, 4) of a frame by the points of its nearest solved neighbour, and its observations (K, 4); or None."""
    beside = min(rows, key=lambda other: abs(other - row))
    mine = solve.observations[solve.observations[:, 0].astype(int) == beside]
    if len(mine) < FEWEST_POINTS:
        return None
    which = mine[:, 1].astype(int)
    guess = between(solve.poses, rows, row) if rows[0] < row < rows[-1] else solve.poses[beside]
    lens = solve.lens_at(row)
    aim = project(to_camera(solve.points[which], guess), lens)
    kept = np.isfinite(aim).all(axis=1)
    first = view.plate.files.frames.first
    pixels, came = look_for(
        view.grey(first + beside), view.grey(first + row), mine[kept, 2:] / view.to_plate, aim[kept] / view.to_plate
    )
    mask = view.mask(first + row)
    if mask is not None:
        column, line = np.clip(pixels.astype(int), 0, (view.width - 1, view.height - 1)).T
        came &= mask[line, column] > 0
    which, pixels = which[kept][came], pixels[came] * view.to_plate
    if len(which) < FEWEST_POINTS:
        return None
    focal = 0.5 * (lens.focal_x_px + lens.focal_y_px)
    limit = MOST_ERROR_PX * max(1.0, lens.width / 1280)
    flat = undistort_points(pixels, lens)
    travels = solve.parallax_deg() >= LEAST_PARALLAX_DEG
    points = solve.points[which].astype(np.float64)
    pose = _placed(points, flat, guess, limit / focal) if travels else _turned_there(points, flat, guess)
    if pose is None:
        return None
    good = np.linalg.norm(project(to_camera(solve.points[which], pose), lens) - pixels, axis=1) < limit
    if good.sum() < max(FEWEST_POINTS, SHARE * int(kept.sum())):
        return None
    return pose, np.column_stack([np.full(good.sum(), row), which[good], pixels[good]])


def _placed(points: Array, flat: Array, guess: Array, limit: float) -> Array | None:
    """The pose (4, 4) that sees points (N, 3) at x/z, y/z (N, 2) within `limit`, by RANSAC from a guess; None without one."""
    turn: Any = cv2.Rodrigues(guess[:3, :3])[0]
    shift: Any = guess[:3, 3].copy()
    ok, turn, shift, inliers = cv2.solvePnPRansac(
        points,
        flat,
        np.eye(3),
        np.zeros(0),
        turn,
        shift,
        useExtrinsicGuess=True,
        iterationsCount=300,
        reprojectionError=limit,
        flags=cv2.SOLVEPNP_ITERATIVE,
    )
    if not ok or inliers is None or len(inliers) < FEWEST_POINTS:
        return None
    good = np.ravel(inliers)
    turn, shift = cv2.solvePnPRefineLM(points[good], flat[good], np.eye(3), np.zeros(0), turn, shift)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = cv2.Rodrigues(turn)[0], np.ravel(shift)
    return pose


def _turned_there(points: Array, flat: Array, guess: Array) -> Array:
    """The pose (4, 4) on the guess's spot that is turned to see points (N, 3) at x/z, y/z (N, 2)."""
    centre, rays = camera_centre(guess), np.column_stack([flat, np.ones(len(flat))])
    away = points - centre
    away, rays = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (away, rays))
    return pose_from(turned_to(away, rays, guess[:3, :3]), centre)


def look_for(a: Grey, b: Grey, xy: Array, aim: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Where points (N, 2) of picture `a` lie in `b`, looked for at `aim`, and which came back home when followed again."""
    start, guess = (xy - 0.5).astype(np.float32), (aim - 0.5).astype(np.float32)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        a, b, start, guess.copy(), winSize=(21, 21), maxLevel=4, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    back, home, _ = cv2.calcOpticalFlowPyrLK(
        b, a, there, start.copy(), winSize=(21, 21), maxLevel=4, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    # The way back begins where it should end: a picture without anything to follow would seem to come home.
    textured = cv2.cornerMinEigenVal(b, 5)
    at = np.clip(np.rint(there).astype(int), 0, (b.shape[1] - 1, b.shape[0] - 1))
    good = (found.ravel() == 1) & (home.ravel() == 1) & (np.linalg.norm(back - start, axis=1) < 0.7)
    good &= (np.asarray(textured)[at[:, 1], at[:, 0]] > 1e-5) & ((there >= 0) & (there < b.shape[::-1])).all(axis=1)
    return there.astype(np.float64) + 0.5, np.asarray(good)
