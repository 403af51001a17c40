"""The core of a bundle adjustment: normal equations whose many small points are eliminated, and the descent by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
State = TypeVar("State")


@dataclass(slots=True, eq=False)
class Normal:
    """Of C camera unknowns and P points of D unknowns each.

    Source: Triggs et al., "Bundle Adjustment: a Modern Synthesis", 2000 (Schur complement).
    """

    cameras: Array  # (C, C)
    between: sparse.csr_matrix  # (C, D P)
    points: Array  # (P, D, D)
    pull_cameras: Array  # (C,)
    pull_points: Array  # (P, D)

    def _reduced(self, damping: float) -> tuple[Array, sparse.csr_matrix]:
        """The cameras' own system once the points are eliminated, and what carries the rest over."""
        own = self.points.copy()
        for axis in range(own.shape[1]):
            own[:, axis, axis] *= 1 + damping
            own[:, axis, axis] += 1e-12
        inverse = sparse.block_diag(list(np.linalg.inv(own)), format="csr")
        carried = (self.between @ inverse).tocsr()
        whole = self.cameras.copy()
        whole[np.diag_indices_from(whole)] *= 1 + damping
        whole[np.diag_indices_from(whole)] += 1e-9
        return whole - (carried @ self.between.T).toarray(), carried

    def solve(self, damping: float) -> tuple[Array, Array] | None:
        """Steps of the cameras (C,) and of the points (P, D); None when the system has no answer."""
        reduced, carried = self._reduced(damping)
        try:
            cameras = -cho_solve(cho_factor(reduced), self.pull_cameras - carried @ self.pull_points.ravel())
        except LinAlgError:
            return None
        size = self.points.shape[1]
        onward = -(carried.T @ cameras).reshape(-1, size)
        own = self.points * (1 + damping * np.eye(size)) + 1e-12 * np.eye(size)
        return cameras, onward - np.linalg.solve(own, self.pull_points[..., None])[..., 0]

    def first_variance(self) -> float:
        """Variance of the first camera unknown where a residual's is 1; infinite when nothing shows it."""
        reduced, _ = self._reduced(0.0)
        try:
            return max(float(cho_solve(cho_factor(reduced), np.eye(1, len(reduced))[0])[0]), 0.0)
        except LinAlgError:
            return np.inf


def normal_equations(
    by_camera: Array, columns: Ints, size: int, by_point: Array, which: Ints, count: int, miss: Array, say: Array
) -> Normal:
    """Sum M observations of two coordinates each.

    by_camera: (M, 2, K) slopes by the unknowns `columns` (M, K) of `size`. by_point: (M, 2, D) by those of point `which` (M,) of
    `count`. miss: (M, 2). say: (M,) weights.
    """
    observations, _, of_point = by_point.shape
    rows = np.arange(2 * observations).reshape(observations, 2, 1)
    wide = np.broadcast_to(columns[:, None], by_camera.shape)
    cameras = sparse.csr_matrix(
        (by_camera.ravel(), (np.broadcast_to(rows, by_camera.shape).ravel(), wide.ravel())),
        shape=(2 * observations, size),
    )
    at = np.broadcast_to(of_point * which[:, None, None] + np.arange(of_point), by_point.shape)
    points = sparse.csr_matrix(
        (by_point.ravel(), (np.broadcast_to(rows, by_point.shape).ravel(), at.ravel())),
        shape=(2 * observations, of_point * count),
    )
    weight = sparse.diags(np.repeat(say, 2))
    pulled = miss.ravel() * np.repeat(say, 2)
    summed = np.zeros((count, of_point, of_point))
    np.add.at(summed, which, np.einsum("nij,nik,n->njk", by_point, by_point, say))
    return Normal(
        (cameras.T @ weight @ cameras).toarray(),
        (cameras.T @ weight @ points).tocsr(),
        summed,
        cameras.T @ pulled,
        (points.T @ pulled).reshape(-1, of_point),
    )


def descend(
    state: State,
    cost_of: Callable[[State], float],
    normal_of: Callable[[State], Normal],
    moved: Callable[[State, Array, Array], State],
    least_gain: float,
    steps: int,
) -> State:
    """Levenberg-Marquardt from `state` until a step gains less than a share of `least_gain`, or `steps` are done.

    moved: a state after steps of its cameras (C,) and of its points (P, D).
    """
    damping, cost = 1e-3, cost_of(state)
    for _ in range(steps):
        normal, better = normal_of(state), False
        for _ in range(6):
            step = normal.solve(damping)
            if step is None:
                damping *= 10
                continue
            new = moved(state, *step)
            new_cost = cost_of(new)
            if new_cost < cost:
                better = True
                break
            damping *= 8
        if not better:
            break
        gained = 1 - new_cost / cost
        state, cost = new, new_cost
        damping = max(damping / 6, 1e-9)
        if gained < least_gain:
            break
    return state
