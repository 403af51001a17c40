"""The bundle adjustment of a camera that travels and zooms: poses, points, one lens, a focal length for each frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from calibration.solve.schur import Ints, Normal, descend, normal_equations
from calibration.solve.solved import Solve
from calibration.solve.turnfit import MEDIAN_OF_SIGMA, Focal, pull_focal
from calibration.solve.turnlens import TurnLens
from calibration.solve.written import FocalPrior
from pipeline.types import Lens

Array = npt.NDArray[np.float64]

OF_LENS = 3  # unknowns: log focal length, k1, k2
OF_VIEW = 7  # turn, shift, log zoom
STEPS, GAIN, ROUNDS = 40, 1e-6, 3
QUICK_GAIN = 3e-3  # of a step, under which a trial ends
MOST_SEEN = 250  # points of a frame, those that live longest
FEWEST_SEEN = 3  # frames that a point needs
SOFT_PX = 0.7  # residuals above it count linearly, at 1280 px of width
OUTLIER = 4.0  # times the median error
# A zoom starts and stops within some frames: one standard deviation of how its speed, in log focal length a frame, changes.
SMOOTH = 0.002


@dataclass(slots=True, eq=False)
class Journey:
    """F frames. turned: (F, 3, 3) and shifts: (F, 3), camera from world; points: (P, 3); lens: with each frame's zoom."""

    turned: Array
    shifts: Array
    points: Array
    lens: TurnLens


@dataclass(slots=True, eq=False)
class _Task:
    """M observations: frame rows, points, pixels (M, 2); the prior of the focal length, and how much each counts."""

    rows: Ints
    which: Ints
    pixels: Array
    soft: float
    known: Focal
    weights: Array
    smooth: float  # weight of a squared change of speed
    zooms: bool = True  # else all keep the zoom that they have

    def there(self, at: Journey) -> Array:
        return np.asarray(np.einsum("nij,nj->ni", at.turned[self.rows], at.points[self.which]) + at.shifts[self.rows])

    def errors(self, at: Journey) -> Array:
        seen = at.lens.pixels(self.there(at), at.lens.zoom[self.rows])
        return np.asarray(np.linalg.norm(seen - self.pixels, axis=1))


def adjust_zoom(start: Solve, prior: FocalPrior | None) -> Solve:
    """Adjust a solve of every frame in square pixels, a focal length for each, to its observations; the first frame stays.

    A smooth change of focal length and `prior` hold what the tracks do not show: a change of focal length and a travel along the
    axis differ only by how near and far points move. Points seen in fewer than three of the frames that use them are dropped.

    Source: Pollefeys, Koch and Van Gool, "Self-Calibration and Metric Reconstruction in spite of Varying and Unknown
    Intrinsic Camera Parameters", IJCV 1999 (that it can be done); Triggs et al. 2000 (how).
    """
    lens, seen, at, soft = start.lens, _thinned(start.observations), _journey(start), _soft_px(start.lens)
    for _ in range(ROUNDS):
        seen, at = _often(seen, at)
        task = _task(seen, at, soft, prior)
        at = descend(at, lambda one: _cost(task, one), lambda one: _normal(task, one), _moved, GAIN, STEPS)  # noqa: B023
        errors = task.errors(at)
        keep = errors < max(OUTLIER * float(np.median(errors)), 0.5 * soft)
        seen = seen[keep]
        if keep.mean() > 0.995:
            break
    seen, at = _often(seen, at)
    poses = np.tile(np.eye(4), (len(at.turned), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = at.turned, at.shifts
    focal = at.lens.focal * float(at.lens.zoom[0])
    found = replace(lens, focal_x_px=focal, focal_y_px=focal, k1=at.lens.k1, k2=at.lens.k2)
    return Solve(poses, found, at.points, seen, at.lens.zoom / at.lens.zoom[0])


def tried(start: Solve, steps: int) -> tuple[float, float, float]:
    """What a solve in square pixels comes to within `steps` with one focal length, and within as many more when it zooms: the
    median errors in pixels, and the zoom's longest focal length over its shortest."""
    seen, at = _often(_thinned(start.observations), _journey(start))
    free, errors = _task(seen, at, _soft_px(start.lens), None), []
    for task in (replace(free, zooms=False), free):
        at = descend(at, lambda one: _cost(task, one), lambda one: _normal(task, one), _moved, QUICK_GAIN, steps)  # noqa: B023
        errors.append(float(np.median(task.errors(at))))
    return errors[0], errors[1], float(at.lens.zoom.max() / at.lens.zoom.min())


def _journey(start: Solve) -> Journey:
    lens, zoom = start.lens, start.zoom if len(start.zoom) else np.ones(len(start.poses))
    middle = np.array([lens.width, lens.height]) / 2
    centre = np.array([lens.centre_x_px, lens.centre_y_px])
    turn_lens = TurnLens(middle, centre, lens.focal_x_px, lens.k1, lens.k2, zoom)
    return Journey(start.poses[:, :3, :3], start.poses[:, :3, 3], start.points, turn_lens)


def _soft_px(lens: Lens) -> float:
    return SOFT_PX * max(1.0, lens.width / 1280)


def _thinned(seen: Array) -> Array:
    """At most MOST_SEEN observations of a frame, of the points that are seen most often."""
    often = np.bincount(seen[:, 1].astype(int))[seen[:, 1].astype(int)]
    order = np.lexsort((seen[:, 1], -often, seen[:, 0]))
    rows = seen[order, 0].astype(int)
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    return np.asarray(seen[np.sort(order[place < MOST_SEEN])])


def _often(seen: Array, at: Journey) -> tuple[Array, Journey]:
    """Without points that too few frames see, numbered anew."""
    which = seen[:, 1].astype(int)
    kept = seen[np.bincount(which, minlength=len(at.points))[which] >= FEWEST_SEEN]
    left, numbers = np.unique(kept[:, 1].astype(int), return_inverse=True)
    kept = kept.copy()
    kept[:, 1] = numbers
    return kept, replace(at, points=at.points[left])


def _task(seen: Array, at: Journey, soft: float, prior: FocalPrior | None) -> _Task:
    frames = len(at.turned)
    known = Focal(np.zeros(frames), np.zeros(frames), np.inf)
    if prior is not None:
        # Held is not quite held: a zoom's own length of each frame is never known to the last digit.
        known = Focal(*prior.log_px(np.arange(frames), zooms=True), max(prior.sigma, 1e-4))
    task = _Task(
        seen[:, 0].astype(np.intp), seen[:, 1].astype(np.intp), seen[:, 2:], soft, known, np.zeros(frames), 0.0
    )
    errors = task.errors(at)
    task.weights = known.weights(errors, len(at.points))
    task.smooth = (float(np.median(errors)) / MEDIAN_OF_SIGMA / SMOOTH) ** 2
    return task


def _cost(task: _Task, at: Journey) -> float:
    if (task.there(at)[:, 2] < 1e-6).any():
        return np.inf
    square = (task.errors(at) / task.soft) ** 2
    log_zoom = np.log(at.lens.zoom)
    off = np.log(at.lens.focal) + log_zoom - task.known.log_px
    priors = (at.lens.priors()[0][:2] ** 2).sum() + (task.weights * off**2).sum()
    return float(
        2 * task.soft**2 * (np.sqrt(1 + square) - 1).sum() + priors + task.smooth * (np.diff(log_zoom, 2) ** 2).sum()
    )


def _normal(task: _Task, at: Journey) -> Normal:
    there, zoom = task.there(at), at.lens.zoom[task.rows]
    miss = at.lens.pixels(there, zoom) - task.pixels
    say = 1 / np.sqrt(1 + np.sum(miss**2, axis=1) / task.soft**2)
    by_point, by_turn, by_lens = at.lens.slopes(there, zoom)
    by_view = np.concatenate([by_turn, by_point, by_lens[:, :, :1]], axis=2)
    by_view[task.rows == 0] = 0
    if not task.zooms:
        by_view[:, :, 6] = 0
    frames = len(at.turned)
    columns = np.concatenate(
        [
            np.broadcast_to(np.arange(OF_LENS), (len(there), OF_LENS)),
            OF_LENS + OF_VIEW * task.rows[:, None] + np.arange(OF_VIEW),
        ],
        axis=1,
    )
    normal = normal_equations(
        np.concatenate([by_lens, by_view], axis=2), columns, OF_LENS + OF_VIEW * frames,
        by_point @ at.turned[task.rows], task.which, len(at.points), miss, say,
    )  # fmt: skip
    off, sigmas = at.lens.priors()
    bends = np.arange(1, OF_LENS)
    normal.cameras[bends, bends] += 1 / sigmas[:2] ** 2
    normal.pull_cameras[bends] += off[:2] / sigmas[:2]
    own = OF_LENS + OF_VIEW * np.arange(1, frames) + 6
    log_zoom = np.log(at.lens.zoom)
    pull_focal(normal, np.log(at.lens.focal) + log_zoom - task.known.log_px, task.weights, True, own)
    second = np.diff(np.eye(frames), 2, axis=0)
    normal.cameras[np.ix_(own, own)] += task.smooth * (second.T @ second)[1:, 1:]
    normal.pull_cameras[own] += task.smooth * (second.T @ second @ log_zoom)[1:]
    return normal


def _moved(at: Journey, cameras: Array, moves: Array) -> Journey:
    of_views = cameras[OF_LENS:].reshape(-1, OF_VIEW)
    turn = Rotation.from_rotvec(of_views[:, :3]).as_matrix()
    lens = replace(
        at.lens,
        focal=at.lens.focal * float(np.exp(cameras[0])),
        k1=at.lens.k1 + float(cameras[1]),
        k2=at.lens.k2 + float(cameras[2]),
        zoom=at.lens.zoom * np.exp(of_views[:, 6]),
    )
    shifts = np.einsum("nij,nj->ni", turn, at.shifts) + of_views[:, 3:6]
    return Journey(turn @ at.turned, shifts, at.points + moves, lens)
