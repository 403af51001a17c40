"""Does the camera travel at all? The best camera that only turns, fitted to the tracks: a pan on a tripod fits it.

Homographies cannot tell: a travelling camera over flat ground fits those too. One focal length over all turns can.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from calibration.solve.track import Tracks

Array = npt.NDArray[np.float64]

MOST_VIEWS = 8
FEWEST_POINTS, MOST_POINTS = 8, 40  # of a pair
GAPS = (1, 2, 4)
WELL_EXPLAINED_PX = 0.15  # median, in pictures 1280 wide: no zoom is looked for under it
ZOOM_GAINS, LEAST_ZOOM = 0.6, 1.004  # a zoom lowers the error to this share, and is at least so long


@dataclass(frozen=True, slots=True)
class Turning:
    """The best camera that stands still and only turns: how far the tracks miss it (median, pixels; infinite when too few
    join the keyframes), its focal length in pixels (of a zoom, the first frame's), and k1 of COLMAP's RADIAL model, to first
    order. zoom: its longest focal length over its shortest; 1 where one focal length was fitted."""

    error_px: float
    focal_px: float
    k1: float
    zoom: float = 1.0


def turning(tracks: Tracks, keyframes: list[int], width: int, height: int, zooms: bool = False) -> Turning:
    """Fit rotations of up to eight keyframes, one division-model distortion and one focal length, or one for each keyframe
    where the lens `zooms`, with soft L1."""
    picked = np.unique(np.linspace(0, len(keyframes) - 1, min(MOST_VIEWS, len(keyframes))).astype(int))
    views = [keyframes[index] for index in picked]
    pairs = _pairs(tracks, views, np.array([width, height]) / 2)
    neighbours = {*zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)}
    if not neighbours.issuperset((view, view + 1) for view in range(len(views) - 1)):
        return Turning(np.inf, 0.0, 0.0)
    best = Turning(np.inf, 0.0, 0.0)
    # Without bounds a focal length of nothing, or a lens that bends all into one point, misses by nothing.
    of_view = 4 if zooms else 3
    bounds = np.full((2, 2 + of_view * (len(views) - 1)), np.inf) * [[-1], [1]]
    bounds[:, :2] = [[np.log(0.4 * width), -0.5], [np.log(8.0 * width), 0.5]]
    for focal in (0.9 * width, 2.0 * width):
        zoom = _first_zooms(pairs, len(views)) if zooms else np.ones(len(views))
        turns = _first_turns(pairs, focal * zoom)
        start = np.concatenate([[np.log(focal), 0.0], turns.ravel(), np.log(zoom[1:]) if zooms else []])
        found = least_squares(
            lambda values: _misses(values, pairs, width).ravel(),
            start,
            bounds=(bounds[0], bounds[1]),
            loss="soft_l1",
            f_scale=0.5,
            max_nfev=30 if zooms else 15,
            tr_solver="lsmr",  # exact steps take fourteen times as long
        )
        error_px = float(np.median(np.linalg.norm(_misses(found.x, pairs, width), axis=1)))
        if error_px < best.error_px:
            focal_px, bend = float(np.exp(found.x[0])), float(found.x[1])
            # Undistorted = seen / (1 + bend r^2) is, to first order, seen = undistorted (1 + bend r^2).
            spread = float(np.exp(np.ptp(np.append(found.x[2 + 3 * (len(views) - 1) :], 0.0))))
            best = Turning(error_px, focal_px, bend * (focal_px / (0.5 * width)) ** 2, spread)
    return best


def best_turning(tracks: Tracks, keyframes: list[int], width: int, height: int, focal: str) -> Turning:
    """`turning` with one focal length or, where `focal` ([solve] focal) asks for it or the tracks are much better explained so,
    with one for each keyframe."""
    fixed = Turning(np.inf, 0.0, 0.0)
    if focal != "zoom":
        fixed = turning(tracks, keyframes, width, height)
        if focal == "fixed" or fixed.error_px < WELL_EXPLAINED_PX * max(1.0, width / 1280):
            return fixed
    zoomed = turning(tracks, keyframes, width, height, zooms=True)
    better = zoomed.error_px < ZOOM_GAINS * fixed.error_px and zoomed.zoom > LEAST_ZOOM
    return zoomed if better else fixed


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


def _rays(pixels: Array, focal: Array, bend: float, width: int) -> Array:
    """Unit rays; focal: (N,) pixels; bend: division-model distortion at the picture's side."""
    square = np.sum((pixels / (0.5 * width)) ** 2, axis=1, keepdims=True)
    rays = np.concatenate([pixels / (1 + bend * square), focal[:, None]], axis=1)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _first_zooms(pairs: _Pairs, views: int) -> Array:
    """(views,) focal lengths over the first view's, chained from how neighbours' pictures are enlarged."""
    grown = [1.0]
    for view in range(1, views):
        mine = (pairs.a == view - 1) & (pairs.b == view)
        similar, _ = cv2.estimateAffinePartial2D(pairs.xy_a[mine], pairs.xy_b[mine], ransacReprojThreshold=4.0)
        grown.append(grown[-1] * (1.0 if similar is None else float(np.hypot(similar[0, 0], similar[1, 0]))))
    return np.array(grown)


def _first_turns(pairs: _Pairs, focal: Array) -> Array:
    """Rotation vectors (views - 1, 3) of camera from the first view's, chained from neighbours. focal: (views,)."""
    turns = [Rotation.identity()]
    for view in range(1, len(focal)):
        mine = (pairs.a == view - 1) & (pairs.b == view)
        before, after = (np.full(mine.sum(), focal[v]) for v in (view - 1, view))
        step, _ = Rotation.align_vectors(
            _rays(pairs.xy_b[mine], after, 0.0, 1), _rays(pairs.xy_a[mine], before, 0.0, 1)
        )
        turns.append(step * turns[-1])
    return np.array([turn.as_rotvec() for turn in turns[1:]])


def _misses(values: Array, pairs: _Pairs, width: int) -> Array:
    """values: log focal length, bend, then the turns of all views but the first; behind them, of a zoom, their log zooms."""
    bend, views = float(values[1]), 1 + int(pairs.b.max())
    turns = Rotation.from_rotvec(np.vstack([np.zeros((1, 3)), values[2 : 3 * views - 1].reshape(-1, 3)])).as_matrix()
    zooms = np.append(0.0, values[3 * views - 1 :]) if len(values) > 3 * views - 1 else np.zeros(views)
    focal = np.exp(values[0] + zooms)
    steps = turns[pairs.b] @ np.swapaxes(turns[pairs.a], 1, 2)
    carried = np.einsum("nij,nj->ni", steps, _rays(pairs.xy_a, focal[pairs.a], bend, width))
    apart = carried - _rays(pairs.xy_b, focal[pairs.b], bend, width)
    return np.asarray(focal[pairs.b, None] * (apart[:, :2] - apart[:, 2:] * carried[:, :2] / carried[:, 2:]))
