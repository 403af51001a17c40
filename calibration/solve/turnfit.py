"""The bundle adjustment of a camera that only turns: rotations, lens and directions, the directions eliminated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from calibration.solve.schur import Ints, Normal, descend, normal_equations
from calibration.solve.turnlens import TurnLens

Array = npt.NDArray[np.float64]
State = tuple[Array, Array, TurnLens]  # rotations, directions, lens

STEPS, GAIN = 60, 1e-10
MEDIAN_OF_SIGMA = 1.1774  # of a distance in two axes, each with one sigma
OF_LENS = 5  # unknowns: log focal length, k1, k2, centre
OF_VIEW = 4  # turn, log zoom


@dataclass(slots=True, eq=False)
class Seen:
    """What is adjusted to. views, points: (M,) numbers; pixels: (M, 2); idents: (P,) track of each point."""

    views: npt.NDArray[np.intp]
    points: npt.NDArray[np.intp]
    pixels: Array
    idents: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Focal:
    """What is known of the views' focal length: its logarithm in pixels, (V,), and the share of the prior's weight that each
    view has. sigma: of the logarithm; 0: held."""

    log_px: Array
    shares: Array
    sigma: float

    def weights(self, errors_px: Array, points: int) -> Array:
        """(V,) by which a squared miss of the log focal length counts beside squared pixels.

        What the tracks miss by says what a pixel is worth. A track's errors last, so all that it shows counts as one
        measurement; without that, a thousand frames of drift would outvote any lens.
        """
        variance = float(np.median(errors_px) / MEDIAN_OF_SIGMA) ** 2 * len(errors_px) / points
        return np.asarray(variance / self.sigma**2 * self.shares) if self.sigma else np.zeros(len(self.shares))


def misses_px(seen: Seen, turned: Array, directions: Array, lens: TurnLens) -> Array:
    """Distance in pixels (M,) of each observation from its direction (P, 3), seen by its view (V, 3, 3)."""
    there = np.einsum("nij,nj->ni", turned[seen.views], directions[seen.points])
    return np.asarray(np.linalg.norm(lens.pixels(there, lens.zoom[seen.views]) - seen.pixels, axis=1))


def adjust_turns(
    seen: Seen, turned: Array, directions: Array, lens: TurnLens, soft: float, known: Focal | None, zooms: bool = False
) -> tuple[Array, Array, float]:
    """Rotations (V, 3, 3), directions (P, 3) and the focal length's standard deviation as a share of it.

    Levenberg-Marquardt with soft L1 of `soft` pixels; `lens` is changed in place, but for a focal length that is `known` and held, and
    its zoom where it `zooms`. The first view keeps its rotation and its zoom. The deviation is the tracks' own, without a prior.
    """
    known = known if known is not None else Focal(np.zeros(len(turned)), np.zeros(len(turned)), np.inf)
    held = known.sigma == 0
    weights = known.weights(misses_px(seen, turned, directions, lens), len(directions))
    own = OF_LENS + OF_VIEW * np.arange(1, len(turned)) + 3

    def normal_of(state: State) -> Normal:
        normal = _System.of(seen, *state, soft, held, zooms).normal
        pull_focal(normal, np.log(state[2].focal * state[2].zoom) - known.log_px, weights, zooms, own)
        return normal

    found = descend(
        (turned, directions, lens),
        lambda state: _cost(seen, *state, soft, known, weights),
        normal_of,
        _moved,
        GAIN,
        STEPS,
    )
    turned, directions = found[0], found[1]
    lens.focal, lens.k1, lens.k2, lens.middle = found[2].focal, found[2].k1, found[2].k2, found[2].middle
    lens.zoom = found[2].zoom
    sigma = 0.0 if held else _System.of(seen, turned, directions, lens, soft, held, zooms).focal_sigma()
    return turned, directions, sigma


def _cost(
    seen: Seen, turned: Array, directions: Array, lens: TurnLens, soft: float, known: Focal, weights: Array
) -> float:
    there = np.einsum("nij,nj->ni", turned[seen.views], directions[seen.points])
    if (there[:, 2] < 0.05).any():
        return np.inf
    square = np.sum((lens.pixels(there, lens.zoom[seen.views]) - seen.pixels) ** 2, axis=1) / soft**2
    off = np.log(lens.focal * lens.zoom) - known.log_px
    priors = (lens.priors()[0] ** 2).sum() + (weights * off**2).sum()
    return float(2 * soft**2 * (np.sqrt(1 + square) - 1).sum() + priors)


@dataclass(slots=True, eq=False)
class _System:
    """Normal equations: lens (log focal, k1, k2, centre), then turn and log zoom of each view; two moves a direction, in its
    tangent plane."""

    normal: Normal
    errors: Array  # (M,) pixels

    @staticmethod
    def of(
        seen: Seen, turned: Array, directions: Array, lens: TurnLens, soft: float, held: bool, zooms: bool
    ) -> _System:
        there, zoom = np.einsum("nij,nj->ni", turned[seen.views], directions[seen.points]), lens.zoom[seen.views]
        miss = lens.pixels(there, zoom) - seen.pixels
        say = 1 / np.sqrt(1 + np.sum(miss**2, axis=1) / soft**2)
        by_point, by_turn, bends = lens.slopes(there, zoom)
        by_lens = np.concatenate([bends, np.broadcast_to(np.eye(2), (len(there), 2, 2))], axis=2)
        by_view = np.concatenate([by_turn, bends[:, :, :1] if zooms else np.zeros_like(bends[:, :, :1])], axis=2)
        by_view[seen.views == 0] = 0
        if held:
            by_lens[:, :, 0] = 0
        tangents = _tangents(directions)
        by_direction = by_point @ turned[seen.views] @ tangents[seen.points]
        of_view = OF_LENS + OF_VIEW * seen.views[:, None] + np.arange(OF_VIEW)
        columns = np.concatenate([np.broadcast_to(np.arange(OF_LENS), (len(there), OF_LENS)), of_view], axis=1)
        normal = normal_equations(
            np.concatenate([by_lens, by_view], axis=2), columns, OF_LENS + OF_VIEW * len(turned),
            by_direction, seen.points, len(tangents), miss, say,
        )  # fmt: skip
        off, sigmas = lens.priors()
        own = np.arange(1, OF_LENS)
        normal.cameras[own, own] += 1 / sigmas**2
        normal.pull_cameras[own] += off / sigmas
        return _System(normal, np.linalg.norm(miss, axis=1))

    def focal_sigma(self) -> float:
        """Standard deviation of log focal length, scaled by what the tracks miss by; infinite when nothing shows it."""
        spread = 1.4826 * float(np.median(self.errors)) / 1.18  # of one coordinate
        return float(spread * np.sqrt(self.normal.first_variance()))


def pull_focal(normal: Normal, off: Array, weights: Array, zooms: bool, own: Ints) -> None:
    """Add the prior of the views' log focal length, (V,) `off`, weighed by (V,), to unknown 0 and, where each view `zooms`, to its
    `own` (V - 1,) of all views but the first, whose zoom stays."""
    if not weights.any():
        return
    normal.cameras[0, 0] += weights.sum()
    normal.pull_cameras[0] += weights @ off
    if zooms:
        normal.cameras[own, own] += weights[1:]
        normal.cameras[0, own] += weights[1:]
        normal.cameras[own, 0] += weights[1:]
        normal.pull_cameras[own] += weights[1:] * off[1:]


def _tangents(directions: Array) -> Array:
    """Two unit vectors square to each direction, (P, 3, 2)."""
    least = np.eye(3)[np.abs(directions).argmin(axis=1)]
    first = np.cross(directions, least)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(directions, first)], axis=2)


def _moved(state: State, cameras: Array, moves: Array) -> State:
    turned, directions, lens = state
    of_views = cameras[OF_LENS:].reshape(-1, OF_VIEW)
    turns = Rotation.from_rotvec(of_views[:, :3]).as_matrix() @ turned
    shifted = directions + np.einsum("nij,nj->ni", _tangents(directions), moves)
    shifted /= np.linalg.norm(shifted, axis=1, keepdims=True)
    focal, zoom = lens.focal * float(np.exp(cameras[0])), lens.zoom * np.exp(of_views[:, 3])
    middle = lens.middle + cameras[3:OF_LENS]
    return (
        np.asarray(turns),
        shifted,
        TurnLens(lens.first, middle, focal, lens.k1 + cameras[1], lens.k2 + cameras[2], zoom),
    )
