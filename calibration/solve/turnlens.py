"""The lens of a camera that only turns, which may zoom, and one view of it turned and zoomed to fit known directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

Array = npt.NDArray[np.float64]

PRIOR_K1, PRIOR_K2, PRIOR_MIDDLE = 0.2, 0.05, 0.006  # one sigma of a common lens: the last a share of the width
VIEW_STEPS = 8


@dataclass(slots=True, eq=False)
class TurnLens:
    """A lens that the adjustment changes: COLMAP's RADIAL model, lengths in pixels.

    zoom: (V,) by what each adjusted view's focal length is longer than `focal`; ones where the lens does not zoom. k1 and k2
    are taken to stay the same.
    """

    first: Array  # the picture's middle
    middle: Array  # where the lens's axis meets it
    focal: float
    k1: float
    k2: float
    zoom: Array

    def priors(self) -> tuple[Array, Array]:
        """How far k1, k2 and the centre are from a common lens's, in its sigmas, and those sigmas: (4,) each."""
        sigmas = np.array([PRIOR_K1, PRIOR_K2, *[PRIOR_MIDDLE * 2 * self.first[0]] * 2])
        return np.array([self.k1, self.k2, *(self.middle - self.first)]) / sigmas, sigmas

    def rays(self, pixels: Array, zoom: float | Array = 1.0) -> Array:
        """Unit rays (N, 3), the radial polynomial inverted by fixed-point steps. zoom: one, or (N,)."""
        seen = (pixels - self.middle) / self.focal / np.reshape(zoom, (-1, 1))
        flat = seen.copy()
        for _ in range(12):
            square = np.sum(flat**2, axis=1, keepdims=True)
            flat = seen / (1 + square * (self.k1 + self.k2 * square))
        rays = np.column_stack([flat, np.ones(len(flat))])
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))

    def pixels(self, points: Array, zoom: float | Array = 1.0) -> Array:
        """Pixels (N, 2) of points (N, 3) in camera axes. zoom: one, or (N,)."""
        flat = points[:, :2] / points[:, 2:]
        square = np.sum(flat**2, axis=1, keepdims=True)
        radial = 1 + square * (self.k1 + self.k2 * square)
        return np.asarray(self.focal * np.reshape(zoom, (-1, 1)) * flat * radial + self.middle)

    def slopes(self, there: Array, zoom: float | Array = 1.0) -> tuple[Array, Array, Array]:
        """Derivatives of `pixels` at points (N, 3): by the point (N, 2, 3), by a turn after it (N, 2, 3), and by log focal
        length, k1 and k2 (N, 2, 3)."""
        focal = self.focal * np.broadcast_to(zoom, len(there))
        flat = there[:, :2] / there[:, 2:]
        square = np.sum(flat**2, axis=1)
        radial = 1 + square * (self.k1 + self.k2 * square)
        grow = 2 * (self.k1 + 2 * self.k2 * square)
        bent = radial[:, None, None] * np.eye(2) + grow[:, None, None] * flat[:, :, None] * flat[:, None]
        pinhole = np.zeros((len(there), 2, 3))
        pinhole[:, 0, 0] = pinhole[:, 1, 1] = 1 / there[:, 2]
        pinhole[:, :, 2] = -flat / there[:, 2:]
        by_point = focal[:, None, None] * (bent @ pinhole)
        by_turn = by_point @ np.stack([np.cross(np.eye(3)[axis], there) for axis in range(3)], axis=2)
        powers = np.stack([radial, square, square**2], axis=1)
        return by_point, by_turn, focal[:, None, None] * flat[:, :, None] * powers[:, None, :]


def fit_view(world: Array, pixels: Array, lens: TurnLens, turn: Array, zoom: float) -> tuple[Array, float]:
    """The rotation (3, 3) and the zoom by which directions (N, 3) are seen at `pixels` (N, 2), from a start near by.

    Gauss-Newton; observations that fit badly lose their say.
    """
    for _ in range(VIEW_STEPS):
        there = world @ turn.T
        ahead = there[:, 2] > 0.05
        miss = lens.pixels(there[ahead], zoom) - pixels[ahead]
        apart = np.linalg.norm(miss, axis=1)
        say = 1 / (1 + (apart / max(2 * float(np.median(apart)), 1e-3)) ** 2) ** 2
        _, by_turn, by_lens = lens.slopes(there[ahead], zoom)
        slopes = np.concatenate([by_turn, by_lens[:, :, :1]], axis=2)
        normal = np.einsum("n,nki,nkj->ij", say, slopes, slopes)
        pull = np.einsum("n,nki,nk->i", say, slopes, miss)
        step = -np.linalg.solve(normal + 1e-9 * np.trace(normal) * np.eye(4), pull)
        turn = Rotation.from_rotvec(step[:3]).as_matrix() @ turn
        zoom = float(zoom * np.exp(np.clip(step[3], -0.2, 0.2)))
    return turn, zoom
