"""Does the camera travel at all? The best camera that only turns, fitted to the tracks: a pan on a tripod fits it.

Homographies cannot tell: a travelling camera over flat ground fits those too. One focal length over all turns can.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from calibration.solve.track import Tracks

Array = npt.NDArray[np.float64]

MOST_VIEWS = 8
MOST_POINTS = 40  # of a pair
GAPS = (1, 2, 4)


def turning_error_px(tracks: Tracks, keyframes: list[int], width: int, height: int) -> float:
    """Median distance in pixels by which the tracks miss the best camera that stands still and only turns.

    Rotations of up to eight keyframes, one focal length and one division-model distortion are fitted with soft L1. Infinite
    when too few tracks join the keyframes.
    """
    picked = np.unique(np.linspace(0, len(keyframes) - 1, min(MOST_VIEWS, len(keyframes))).astype(int))
    views = [keyframes[index] for index in picked]
    pairs = [pair for pair in _pairs(tracks, views, np.array([width, height]) / 2) if len(pair[2]) >= 8]
    if len(pairs) < len(views) - 1:
        return np.inf
    best = np.inf
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
        )
        best = min(best, float(np.median(np.linalg.norm(_misses(found.x, pairs, width), axis=1))))
    return best


Pair = tuple[int, int, Array, Array]


def _pairs(tracks: Tracks, views: list[int], middle: Array) -> list[Pair]:
    """View numbers and pixels from the middle (N, 2) of the points that two views share, spread by a stride."""
    pairs = []
    for gap in GAPS:
        for a in range(len(views) - gap):
            _, xy_a, xy_b = tracks.common(views[a], views[a + gap])
            stride = max(1, len(xy_a) // MOST_POINTS)
            pairs.append((a, a + gap, xy_a[::stride] - middle, xy_b[::stride] - middle))
    return pairs


def _rays(pixels: Array, focal: float, bend: float, width: int) -> Array:
    """Unit rays; bend: division-model distortion at the picture's side."""
    square = np.sum((pixels / (0.5 * width)) ** 2, axis=1, keepdims=True)
    rays = np.concatenate([pixels / (1 + bend * square), np.full((len(pixels), 1), focal)], axis=1)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _first_turns(pairs: list[Pair], views: int, focal: float) -> Array:
    """Rotation vectors (views - 1, 3) of camera from the first view's, chained from neighbours."""
    turns = [Rotation.identity()]
    for a, b, xy_a, xy_b in pairs[: views - 1]:
        assert b == a + 1
        step, _ = Rotation.align_vectors(_rays(xy_b, focal, 0.0, 1), _rays(xy_a, focal, 0.0, 1))
        turns.append(step * turns[-1])
    return np.array([turn.as_rotvec() for turn in turns[1:]])


def _misses(values: Array, pairs: list[Pair], width: int) -> Array:
    focal, bend = float(np.exp(values[0])), float(values[1])
    turns = Rotation.from_rotvec(np.vstack([np.zeros((1, 3)), values[2:].reshape(-1, 3)]))
    out = []
    for a, b, xy_a, xy_b in pairs:
        carried = (turns[b] * turns[a].inv()).apply(_rays(xy_a, focal, bend, width))
        apart = carried - _rays(xy_b, focal, bend, width)
        out.append(focal * (apart[:, :2] - apart[:, 2:] * carried[:, :2] / carried[:, 2:]))
    return np.concatenate(out)
