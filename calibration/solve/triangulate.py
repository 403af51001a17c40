"""Points from tracks and cameras that are known already: what a given track lacks for depth and ground.

A point is two directions and an inverse depth in the camera that saw it first, so that a far one is as well determined as
a near one. Source: Civera, Davison, Montiel, "Inverse Depth Parametrization for Monocular SLAM", IEEE T-RO 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre
from calibration.lens import undistort_points
from calibration.solve.track import Tracks
from pipeline.types import Lens

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEWEST_VIEWS = 4
MOST_ERROR_PX = 2.0  # median of a point's, in pictures 1280 wide; grows with larger ones
LEAST_ANGLE_DEG = 0.05  # between rays: what shows less has no depth
ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Triangulated:
    """points: (N, 3) in the cameras' world. observations: (M, 4) rows of frame row, point, x, y in plate pixels.

    idents: (N,) track number of each point. tested: tracks that were long enough. agreed: those that some point explains,
    however far.
    """

    points: Array
    observations: Array
    idents: Ints
    tested: int
    agreed: int


@dataclass(frozen=True, eq=False)
class Explained:
    """Tracks of at least FEWEST_VIEWS frames held against cameras. rows, pixels, errors_px: (M,), (M, 2) plate pixels, (M,).

    numbers: (M,) which of the T tracks each is of; sorted by track, then frame; starts: (T,). idents: (T,) track numbers.
    directions: (T, 2) x/z, y/z and inverse: (T,) depth in the camera that saw it first, 0: endlessly far. fits: (T,) whether one
    point explains the track, however far.
    """

    rows: Ints
    pixels: Array
    errors_px: Array
    numbers: Ints
    starts: Ints
    idents: Ints
    directions: Array
    inverse: Array
    fits: npt.NDArray[np.bool_]


def explain(
    tracks: Tracks,
    to_plate: Array,
    poses: Array,
    lens: Lens,
    zoom: Array = np.zeros(0),  # noqa: B008 (nobody writes to it)
) -> Explained:
    """The point of each of `tracks` (pixels x `to_plate` are the plate's) seen by camera_from_world `poses` (F, 4, 4).

    zoom: (F,) each frame's focal length over the lens's, or empty.
    """
    rows = np.repeat(np.arange(len(tracks)), np.diff(tracks.starts))
    pixels = tracks.xy.astype(np.float64) * to_plate
    long = np.bincount(tracks.idents)[tracks.idents] >= FEWEST_VIEWS if len(rows) else np.zeros(0, bool)
    order = np.flatnonzero(long)[np.argsort(tracks.idents[long], kind="stable")]  # by track, frames rising within one
    if not len(order):
        none, no_rows = np.zeros(0), np.zeros(0, np.int64)
        flat = np.zeros((0, 2))
        return Explained(no_rows, flat, none, no_rows, no_rows, no_rows, flat, none, np.zeros(0, bool))
    rows, pixels = rows[order], pixels[order]
    idents, starts, numbers = np.unique(tracks.idents[order].astype(np.int64), return_index=True, return_inverse=True)
    middle = (lens.centre_x_px, lens.centre_y_px)
    # A picture zoomed in is that of the plain lens, enlarged about its axis.
    plain = middle + (pixels - middle) / zoom[rows][:, None] if len(zoom) else pixels
    seen = undistort_points(plain, lens)
    anchor = poses[rows[starts]]
    turn = np.einsum("nij,nkj->nik", poses[rows][:, :3, :3], anchor[numbers][:, :3, :3])
    shift = poses[rows][:, :3, 3] - np.einsum("nij,nj->ni", turn, anchor[numbers][:, :3, 3])
    focal = 0.5 * (lens.focal_x_px + lens.focal_y_px)
    limit = most_error_px(lens)
    values, errors, ahead = _fit(seen, turn, shift, starts, numbers, 0.5 * limit / focal)
    fits = (_medians(errors, starts) * focal < limit) & (np.minimum.reduceat(ahead, starts) > 0)
    return Explained(rows, pixels, errors * focal, numbers, starts, idents, values[:, :2], values[:, 2], fits)


def most_error_px(lens: Lens) -> float:
    """The median error, in plate pixels, up to which a track counts as explained."""
    return MOST_ERROR_PX * max(1.0, lens.width / 1280)


def triangulate(
    tracks: Tracks,
    to_plate: Array,
    poses: Array,
    lens: Lens,
    zoom: Array = np.zeros(0),  # noqa: B008 (nobody writes to it)
) -> Triangulated:
    """Points of tracks that the cameras explain; arguments as of `explain`."""
    found = explain(tracks, to_plate, poses, lens, zoom)
    if not len(found.rows):
        return Triangulated(np.zeros((0, 3)), np.zeros((0, 4)), np.zeros(0, np.int64), 0, 0)
    anchor = poses[found.rows[found.starts]]
    inverse = np.maximum(found.inverse, 1e-12)
    directions = np.column_stack([found.directions, np.ones(len(inverse))]) / inverse[:, None]
    world = np.einsum("nji,nj->ni", anchor[:, :3, :3], directions - anchor[:, :3, 3])
    angles = _angles(world, camera_centre(poses), found.rows, found.starts)
    good = found.fits & (found.inverse > 0) & (angles > LEAST_ANGLE_DEG)
    keep = good[found.numbers] & (found.errors_px < 2 * most_error_px(lens))
    index = np.cumsum(good) - 1
    observations = np.column_stack([found.rows, index[found.numbers], found.pixels])[keep]
    by_row = np.argsort(observations[:, 0], kind="stable")
    return Triangulated(world[good], observations[by_row], found.idents[good], len(found.starts), int(found.fits.sum()))


def _fit(
    seen: Array, turn: Array, shift: Array, starts: Ints, numbers: Ints, soft: float
) -> tuple[Array, Array, Array]:
    """Gauss-Newton with Huber's weights for all points at once: values (T, 3), errors (M,), depths over the anchor's (M,)."""
    homogeneous = np.column_stack([seen, np.ones(len(seen))])
    straight = np.einsum("nij,nj->ni", turn, homogeneous[starts][numbers])
    a, b = np.cross(homogeneous, shift), np.cross(homogeneous, straight)
    inverse = -np.add.reduceat((a * b).sum(axis=1), starts) / np.maximum(
        np.add.reduceat((a * a).sum(axis=1), starts), 1e-30
    )
    values = np.column_stack([seen[starts], np.maximum(inverse, 0.0)])
    for _ in range(ROUNDS):
        residual, slopes, _ = _misses(values[numbers], seen, turn, shift)
        weight = np.minimum(1.0, soft / np.maximum(np.linalg.norm(residual, axis=1), 1e-12))
        normal = np.add.reduceat(np.einsum("n,nki,nkj->nij", weight, slopes, slopes), starts)
        right = np.add.reduceat(np.einsum("n,nki,nk->ni", weight, slopes, residual), starts)
        normal += 1e-9 * np.eye(3) * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-18 * np.eye(3)
        values = values - np.linalg.solve(normal, right[..., None])[..., 0]
        values[:, 2] = np.maximum(values[:, 2], 0.0)
    residual, _, depth = _misses(values[numbers], seen, turn, shift)
    return values, np.linalg.norm(residual, axis=1), depth


def _misses(values: Array, seen: Array, turn: Array, shift: Array) -> tuple[Array, Array, Array]:
    """Residuals (M, 2), their slopes (M, 2, 3) by u, v, inverse depth, and depths (M,)."""
    ray = np.column_stack([values[:, :2], np.ones(len(values))])
    point = np.einsum("nij,nj->ni", turn, ray) + values[:, 2:] * shift
    depth = np.where(np.abs(point[:, 2]) > 1e-9, point[:, 2], 1e-9)
    flat = point[:, :2] / depth[:, None]
    moves = np.concatenate([turn[:, :, :2], shift[:, :, None]], axis=2)
    slopes = (moves[:, :2] - flat[:, :, None] * moves[:, 2:]) / depth[:, None, None]
    return flat - seen, slopes, depth


def _medians(errors: Array, starts: Ints) -> Array:
    """The median of every group of sorted neighbours."""
    ends = np.append(starts[1:], len(errors))
    numbers = np.repeat(np.arange(len(starts)), ends - starts)
    ranked = errors[np.lexsort((errors, numbers))]
    return np.asarray(ranked[(starts + ends - 1) // 2])


def _angles(points: Array, centres: Array, rows: Ints, starts: Ints) -> Array:
    """Degrees between the first and the last ray to each point."""
    last = np.append(starts[1:], len(rows)) - 1
    first, second = points - centres[rows[starts]], points - centres[rows[last]]
    cross = np.linalg.norm(np.cross(first, second), axis=1)
    return np.asarray(np.degrees(np.arctan2(cross, (first * second).sum(axis=1))))
