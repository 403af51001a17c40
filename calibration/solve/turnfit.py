"""The bundle adjustment of a camera that only turns: rotations, lens and directions, the directions eliminated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.spatial.transform import Rotation

Array = npt.NDArray[np.float64]

STEPS = 60
PRIOR_K1, PRIOR_K2, PRIOR_MIDDLE = 0.2, 0.05, 0.006  # one sigma of a common lens: the last a share of the width
OF_LENS = 5  # unknowns: log focal length, k1, k2, centre


@dataclass(slots=True, eq=False)
class TurnLens:
    """A lens that the adjustment changes: COLMAP's RADIAL model, lengths in pixels."""

    first: Array  # the picture's middle
    middle: Array  # where the lens's axis meets it
    focal: float
    k1: float
    k2: float

    def priors(self) -> tuple[Array, Array]:
        """How far k1, k2 and the centre are from a common lens's, in its sigmas, and those sigmas: (4,) each."""
        sigmas = np.array([PRIOR_K1, PRIOR_K2, *[PRIOR_MIDDLE * 2 * self.first[0]] * 2])
        return np.array([self.k1, self.k2, *(self.middle - self.first)]) / sigmas, sigmas

    def rays(self, pixels: Array) -> Array:
        """Unit rays (N, 3), the radial polynomial inverted by fixed-point steps."""
        seen = (pixels - self.middle) / self.focal
        flat = seen.copy()
        for _ in range(12):
            square = np.sum(flat**2, axis=1, keepdims=True)
            flat = seen / (1 + square * (self.k1 + self.k2 * square))
        rays = np.column_stack([flat, np.ones(len(flat))])
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))

    def pixels(self, points: Array) -> Array:
        flat = points[:, :2] / points[:, 2:]
        square = np.sum(flat**2, axis=1, keepdims=True)
        return np.asarray(self.focal * flat * (1 + square * (self.k1 + self.k2 * square)) + self.middle)


@dataclass(slots=True, eq=False)
class Seen:
    """What is adjusted to. views, points: (M,) numbers; pixels: (M, 2); idents: (P,) track of each point."""

    views: npt.NDArray[np.intp]
    points: npt.NDArray[np.intp]
    pixels: Array
    idents: npt.NDArray[np.intp]


def misses_px(seen: Seen, turned: Array, directions: Array, lens: TurnLens) -> Array:
    """Distance in pixels (M,) of each observation from its direction (P, 3), seen by its view (V, 3, 3)."""
    there = np.einsum("nij,nj->ni", turned[seen.views], directions[seen.points])
    return np.asarray(np.linalg.norm(lens.pixels(there) - seen.pixels, axis=1))


def adjust_turns(
    seen: Seen, turned: Array, directions: Array, lens: TurnLens, soft: float, held: bool
) -> tuple[Array, Array, float]:
    """Rotations (V, 3, 3), directions (P, 3) and the focal length's standard deviation as a share of it.

    Levenberg-Marquardt with soft L1 of `soft` pixels; `lens` is changed in place, but for a `held` focal length. The first
    view keeps its rotation.

    Source: Triggs et al., "Bundle Adjustment: a Modern Synthesis", 2000 (Schur complement).
    """
    damping, cost = 1e-3, _cost(seen, turned, directions, lens, soft)
    for _ in range(STEPS):
        system = _System.of(seen, turned, directions, lens, soft, held)
        better = False
        for _ in range(6):
            step = system.solve(damping)
            if step is None:
                damping *= 10
                continue
            new = _moved(step, turned, directions, lens, system)
            new_cost = _cost(seen, *new, soft)
            if new_cost < cost:
                better = True
                break
            damping *= 8
        if not better:
            break
        gained = 1 - new_cost / cost
        turned, directions = new[0], new[1]
        lens.focal, lens.k1, lens.k2, lens.middle, cost = new[2].focal, new[2].k1, new[2].k2, new[2].middle, new_cost
        damping = max(damping / 6, 1e-9)
        if gained < 1e-10:
            break
    sigma = 0.0 if held else _System.of(seen, turned, directions, lens, soft, held).focal_sigma()
    return turned, directions, sigma


def _cost(seen: Seen, turned: Array, directions: Array, lens: TurnLens, soft: float) -> float:
    there = np.einsum("nij,nj->ni", turned[seen.views], directions[seen.points])
    if (there[:, 2] < 0.05).any():
        return np.inf
    square = np.sum((lens.pixels(there) - seen.pixels) ** 2, axis=1) / soft**2
    return float(2 * soft**2 * (np.sqrt(1 + square) - 1).sum() + (lens.priors()[0] ** 2).sum())


@dataclass(slots=True, eq=False)
class _System:
    """Normal equations: lens (log focal, k1, k2, centre), then three turns a view; two moves a direction, in its tangent plane."""

    cameras: Array  # (C, C)
    between: sparse.csr_matrix  # (C, 2P)
    points: Array  # (P, 2, 2)
    pull_cameras: Array  # (C,)
    pull_points: Array  # (P, 2)
    tangents: Array  # (P, 3, 2)
    errors: Array  # (M,) pixels

    @staticmethod
    def of(seen: Seen, turned: Array, directions: Array, lens: TurnLens, soft: float, held: bool) -> _System:
        there = np.einsum("nij,nj->ni", turned[seen.views], directions[seen.points])
        miss = lens.pixels(there) - seen.pixels
        say = 1 / np.sqrt(1 + np.sum(miss**2, axis=1) / soft**2)
        flat = there[:, :2] / there[:, 2:]
        square = np.sum(flat**2, axis=1)
        radial = 1 + square * (lens.k1 + lens.k2 * square)
        grow = 2 * (lens.k1 + 2 * lens.k2 * square)
        bent = lens.focal * (radial[:, None, None] * np.eye(2) + grow[:, None, None] * flat[:, :, None] * flat[:, None])
        pinhole = np.zeros((len(there), 2, 3))
        pinhole[:, 0, 0] = pinhole[:, 1, 1] = 1 / there[:, 2]
        pinhole[:, :, 2] = -flat / there[:, 2:]
        by_point = bent @ pinhole
        by_turn = np.stack([np.cross(np.eye(3)[axis], there) for axis in range(3)], axis=2)
        bends = lens.focal * flat[:, :, None] * np.stack([radial, square, square**2], axis=1)[:, None, :]
        by_lens = np.concatenate([bends, np.broadcast_to(np.eye(2), (len(there), 2, 2))], axis=2)
        if held:
            by_lens[:, :, 0] = 0
        tangents = _tangents(directions)
        by_view = by_point @ by_turn
        by_view[seen.views == 0] = 0
        by_direction = by_point @ turned[seen.views] @ tangents[seen.points]
        return _System._summed(seen, by_lens, by_view, by_direction, miss, say, tangents, len(turned), lens)

    @staticmethod
    def _summed(
        seen: Seen, by_lens: Array, by_view: Array, by_direction: Array, miss: Array, say: Array, tangents: Array,
        views: int, lens: TurnLens,
    ) -> _System:  # fmt: skip
        count, size = len(seen.views), OF_LENS + 3 * views
        rows = np.repeat(np.arange(2 * count).reshape(count, 2, 1), OF_LENS + 3, axis=2)
        columns = np.concatenate(
            [np.broadcast_to(np.arange(OF_LENS), (count, OF_LENS)), OF_LENS + 3 * seen.views[:, None] + np.arange(3)],
            axis=1,
        )
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
    turns = Rotation.from_rotvec(cameras[OF_LENS:].reshape(-1, 3)).as_matrix() @ turned
    shifted = directions + np.einsum("nij,nj->ni", system.tangents, moves)
    shifted /= np.linalg.norm(shifted, axis=1, keepdims=True)
    focal = lens.focal * float(np.exp(cameras[0]))
    changed = TurnLens(lens.first, lens.middle + cameras[3:OF_LENS], focal, lens.k1 + cameras[1], lens.k2 + cameras[2])
    return np.asarray(turns), shifted, changed
