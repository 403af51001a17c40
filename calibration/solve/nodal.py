"""Does the camera travel at all? The best camera that only turns, fitted to the tracks: a pan on a tripod fits it.

Homographies cannot tell: a travelling camera over flat ground fits those too. One focal length over all turns can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from calibration.solve.track import Tracks

Array = npt.NDArray[np.float64]

MOST_VIEWS = 8
FEWEST_POINTS, MOST_POINTS = 8, 40  # of a pair
GAPS = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Turning:
    """The best camera that stands still and only turns: how far the tracks miss it (median, pixels; infinite when too few
    join the keyframes), its focal length in pixels, and k1 of COLMAP's RADIAL model, to first order."""

    error_px: float
    focal_px: float
    k1: float


def turning(tracks: Tracks, keyframes: list[int], width: int, height: int) -> Turning:
    """Fit rotations of up to eight keyframes, one focal length and one division-model distortion with soft L1."""
    picked = np.unique(np.linspace(0, len(keyframes) - 1, min(MOST_VIEWS, len(keyframes))).astype(int))
    views = [keyframes[index] for index in picked]
    pairs = _pairs(tracks, views, np.array([width, height]) / 2)
    neighbours = {*zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)}
    if not neighbours.issuperset((view, view + 1) for view in range(len(views) - 1)):
        return Turning(np.inf, 0.0, 0.0)
    best = Turning(np.inf, 0.0, 0.0)
    # Without bounds a focal length of nothing, or a lens that bends all into one point, misses by nothing.
    bounds = np.full((2, 2 + 3 * (len(views) - 1)), np.inf) * [[-1], [1]]
    bounds[:, :2] = [[np.log(0.4 * width), -0.5], [np.log(8.0 * width), 0.5]]
    for focal in (0.9 * width, 2.0 * width):
        start = np.concatenate([[np.log(focal), 0.0], _first_turns(pairs, len(views), focal).ravel()])
        found = least_squares(
            lambda values: _misses(values, pairs, width).ravel(),
            start,
            bounds=(bounds[0], bounds[1]),
            loss="soft_l1",
            f_scale=0.5,
            max_nfev=15,
            tr_solver="lsmr",  # exact steps take fourteen times as long
        )
        error_px = float(np.median(np.linalg.norm(_misses(found.x, pairs, width), axis=1)))
        if error_px < best.error_px:
            focal_px, bend = float(np.exp(found.x[0])), float(found.x[1])
            # Undistorted = seen / (1 + bend r^2) is, to first order, seen = undistorted (1 + bend r^2).
            best = Turning(error_px, focal_px, bend * (focal_px / (0.5 * width)) ** 2)
    return best


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """N points that two views share, all pairs of views behind each other. a, b: (N,) views; xy_a, xy_b: (N, 2) pixels from
    the middle."""

    a: npt.NDArray[np.intp]
    b: npt.NDArray[np.intp]
    xy_a: Array
    xy_b: Array


def _pairs(tracks: Tracks, views: list[int], middle: Array) -> _Pairs:
    """Spread by a stride; pairs of fewer than eight points are left out."""
    numbers, pixels = [], []
    for gap in GAPS:
        for a in range(len(views) - gap):
            _, xy_a, xy_b = tracks.common(views[a], views[a + gap])
            stride = max(1, len(xy_a) // MOST_POINTS)
            if len(xy_a) >= FEWEST_POINTS:
                pixels.append(np.stack([xy_a[::stride], xy_b[::stride]]) - middle)
                numbers.append(np.tile([a, a + gap], (pixels[-1].shape[1], 1)))
    if not pixels:
        empty = np.zeros((0, 2))
        return _Pairs(np.zeros(0, np.intp), np.zeros(0, np.intp), empty, empty)
    (a, b), (xy_a, xy_b) = np.concatenate(numbers).T, np.concatenate(pixels, axis=1).astype(np.float64)
    return _Pairs(a, b, xy_a, xy_b)


def _rays(pixels: Array, focal: float, bend: float, width: int) -> Array:
    """Unit rays; bend: division-model distortion at the picture's side."""
    square = np.sum((pixels / (0.5 * width)) ** 2, axis=1, keepdims=True)
    rays = np.concatenate([pixels / (1 + bend * square), np.full((len(pixels), 1), focal)], axis=1)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _first_turns(pairs: _Pairs, views: int, focal: float) -> Array:
    """Rotation vectors (views - 1, 3) of camera from the first view's, chained from neighbours."""
    turns = [Rotation.identity()]
    for view in range(1, views):
        mine = (pairs.a == view - 1) & (pairs.b == view)
        step, _ = Rotation.align_vectors(_rays(pairs.xy_b[mine], focal, 0.0, 1), _rays(pairs.xy_a[mine], focal, 0.0, 1))
        turns.append(step * turns[-1])
    return np.array([turn.as_rotvec() for turn in turns[1:]])


def _misses(values: Array, pairs: _Pairs, width: int) -> Array:
    focal, bend = float(np.exp(values[0])), float(values[1])
    turns = Rotation.from_rotvec(np.vstack([np.zeros((1, 3)), values[2:].reshape(-1, 3)])).as_matrix()
    steps = turns[pairs.b] @ np.swapaxes(turns[pairs.a], 1, 2)
    carried = np.einsum("nij,nj->ni", steps, _rays(pairs.xy_a, focal, bend, width))
    apart = carried - _rays(pairs.xy_b, focal, bend, width)
    return np.asarray(focal * (apart[:, :2] - apart[:, 2:] * carried[:, :2] / carried[:, 2:]))
