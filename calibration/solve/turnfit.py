"""The bundle adjustment of a camera that only turns: rotations, lens and directions, the directions eliminated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.spatial.transform import Rotation

from calibration.solve.turnlens import TurnLens

Array = npt.NDArray[np.float64]

STEPS = 60
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

    Source: Triggs et al., "Bundle Adjustment: a Modern Synthesis", 2000 (Schur complement).
    """
    known = known or Focal(np.zeros(len(turned)), np.zeros(len(turned)), np.inf)
    held = known.sigma == 0
    weights = known.weights(misses_px(seen, turned, directions, lens), len(directions))
    damping, cost = 1e-3, _cost(seen, turned, directions, lens, soft, known, weights)
    for _ in range(STEPS):
        system = _System.of(seen, turned, directions, lens, soft, held, zooms)
        system.pull_focal(np.log(lens.focal * lens.zoom) - known.log_px, weights, held, zooms)
        better = False
        for _ in range(6):
            step = system.solve(damping)
            if step is None:
                damping *= 10
                continue
            new = _moved(step, turned, directions, lens, system)
            new_cost = _cost(seen, *new, soft, known, weights)
            if new_cost < cost:
                better = True
                break
            damping *= 8
        if not better:
            break
        gained = 1 - new_cost / cost
        turned, directions = new[0], new[1]
        lens.focal, lens.k1, lens.k2, lens.middle = new[2].focal, new[2].k1, new[2].k2, new[2].middle
        lens.zoom, cost = new[2].zoom, new_cost
        damping = max(damping / 6, 1e-9)
        if gained < 1e-10:
            break
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

    cameras: Array  # (C, C)
    between: sparse.csr_matrix  # (C, 2P)
    points: Array  # (P, 2, 2)
    pull_cameras: Array  # (C,)
    pull_points: Array  # (P, 2)
    tangents: Array  # (P, 3, 2)
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
        return _System._summed(seen, by_lens, by_view, by_direction, miss, say, tangents, len(turned), lens)

    @staticmethod
    def _summed(
        seen: Seen, by_lens: Array, by_view: Array, by_direction: Array, miss: Array, say: Array, tangents: Array,
        views: int, lens: TurnLens,
    ) -> _System:  # fmt: skip
        count, size = len(seen.views), OF_LENS + OF_VIEW * views
        rows = np.repeat(np.arange(2 * count).reshape(count, 2, 1), OF_LENS + OF_VIEW, axis=2)
        of_view = OF_LENS + OF_VIEW * seen.views[:, None] + np.arange(OF_VIEW)
        columns = np.concatenate([np.broadcast_to(np.arange(OF_LENS), (count, OF_LENS)), of_view], axis=1)
        columns = np.repeat(columns[:, None, :], 2, axis=1)
        values = np.concatenate([by_lens, by_view], axis=2)
        cameras = sparse.csr_matrix((values.ravel(), (rows.ravel(), columns.ravel())), shape=(2 * count, size))
        at = 2 * seen.points[:, None, None] + np.arange(2)
        points = sparse.csr_matrix(
            (by_direction.ravel(), (rows[:, :, :2].ravel(), np.repeat(at, 2, axis=1).ravel())),
            shape=(2 * count, 2 * len(tangents)),
        )
        weight = sparse.diags(np.repeat(say, 2))
        pulled = miss.ravel() * np.repeat(say, 2)
        normal = (cameras.T @ weight @ cameras).toarray()
        pull = cameras.T @ pulled
        off, sigmas = lens.priors()
        own = np.arange(1, OF_LENS)
        normal[own, own] += 1 / sigmas**2
        pull[own] += off / sigmas
        blocks = np.einsum("nij,nik,n->njk", by_direction, by_direction, say)
        summed = np.zeros((len(tangents), 2, 2))
        np.add.at(summed, seen.points, blocks)
        between = (cameras.T @ weight @ points).tocsr()
        return _System(normal, between, summed, pull, (points.T @ pulled).reshape(-1, 2), tangents,
                       np.linalg.norm(miss, axis=1))  # fmt: skip

    def pull_focal(self, off: Array, weights: Array, held: bool, zooms: bool) -> None:
        """Add the prior of the views' log focal length, (V,) `off`, weighed by (V,)."""
        if held or not weights.any():
            return
        own = OF_LENS + OF_VIEW * np.arange(1, len(off)) + 3  # the first view's zoom stays
        self.cameras[0, 0] += weights.sum()
        self.pull_cameras[0] += weights @ off
        if zooms:
            self.cameras[own, own] += weights[1:]
            self.cameras[0, own] += weights[1:]
            self.cameras[own, 0] += weights[1:]
            self.pull_cameras[own] += weights[1:] * off[1:]

    def _reduced(self, damping: float) -> tuple[Array, sparse.csr_matrix]:
        """The cameras' own system once the directions are eliminated, and what carries the rest over."""
        own = self.points.copy()
        for axis in range(2):
            own[:, axis, axis] *= 1 + damping
            own[:, axis, axis] += 1e-12
        inverse = sparse.block_diag(list(np.linalg.inv(own)), format="csr")
        carried = (self.between @ inverse).tocsr()
        whole = self.cameras.copy()
        whole[np.diag_indices_from(whole)] *= 1 + damping
        whole[np.diag_indices_from(whole)] += 1e-9
        return whole - (carried @ self.between.T).toarray(), carried

    def solve(self, damping: float) -> tuple[Array, Array] | None:
        """Steps of the cameras (C,) and of the directions (P, 2); None when the system has no answer."""
        reduced, carried = self._reduced(damping)
        try:
            cameras = -cho_solve(cho_factor(reduced), self.pull_cameras - carried @ self.pull_points.ravel())
        except LinAlgError:
            return None
        directions = -(carried.T @ cameras).reshape(-1, 2)
        own = self.points * (1 + damping * np.eye(2)) + 1e-12 * np.eye(2)
        return cameras, directions - np.linalg.solve(own, self.pull_points[..., None])[..., 0]

    def focal_sigma(self) -> float:
        """Standard deviation of log focal length, scaled by what the tracks miss by; infinite when nothing shows it."""
        reduced, _ = self._reduced(0.0)
        spread = 1.4826 * float(np.median(self.errors)) / 1.18  # of one coordinate
        try:
            variance = cho_solve(cho_factor(reduced), np.eye(1, len(reduced))[0])[0]
        except LinAlgError:
            return np.inf
        return float(spread * np.sqrt(max(variance, 0.0)))


def _tangents(directions: Array) -> Array:
    """Two unit vectors square to each direction, (P, 3, 2)."""
    least = np.eye(3)[np.abs(directions).argmin(axis=1)]
    first = np.cross(directions, least)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(directions, first)], axis=2)


def _moved(
    step: tuple[Array, Array], turned: Array, directions: Array, lens: TurnLens, system: _System
) -> tuple[Array, Array, TurnLens]:
    cameras, moves = step
    of_views = cameras[OF_LENS:].reshape(-1, OF_VIEW)
    turns = Rotation.from_rotvec(of_views[:, :3]).as_matrix() @ turned
    shifted = directions + np.einsum("nij,nj->ni", system.tangents, moves)
    shifted /= np.linalg.norm(shifted, axis=1, keepdims=True)
    focal, zoom = lens.focal * float(np.exp(cameras[0])), lens.zoom * np.exp(of_views[:, 3])
    middle = lens.middle + cameras[3:OF_LENS]
    return (
        np.asarray(turns),
        shifted,
        TurnLens(lens.first, middle, focal, lens.k1 + cameras[1], lens.k2 + cameras[2], zoom),
    )
