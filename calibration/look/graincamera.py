"""The camera's own channels, found in the noise: there it follows one channel's level, and a matrix spreads it.

A sensor counts photons per photosite; the matrix to ACEScg mixes the counts, so a red sky's noise is not a grey wall's of the
same ACEScg red. Blocks of many colours tell the matrix: in camera channels each variance is a curve over its own level
and the correlation is the same everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Matrix = NDArray[np.float64]
GROUPS_OF = 48  # blocks of like colour, whose covariances are pooled
QUIET = 0.5  # share of a group's blocks that counts: texture adds variance; 1 of blocks that are known to be clean
BENDS = 7  # knots of a variance curve
HOLD = 0.05  # how strongly the matrix is held at identity: plates of one hue cannot tell it
CLIPS = 0.92  # the brightest blocks do not count: one clipped channel makes noise vanish along an axis
LEAST_GROUPS = 24
WORTH = 0.93  # a matrix must explain colours that it was not fitted to this much better than none
MOST_BENT = 4.0  # condition number: of cameras under 2.5; a codec leaves noise in luma, which fits absurd ones
OFF = ~np.eye(3, dtype=bool)


def camera_matrix(level: NDArray[np.floating], covariance: Matrix, quiet: float = QUIET) -> Matrix:
    """ACEScg from camera RGB, (3, 3), rows sum to 1: identity where too few blocks or colours tell, or a matrix that no camera has.

    level: (N, 3) mean scene-linear ACEScg of blocks. covariance: (N, 3, 3) of their noise. quiet: share of the blocks of
    one colour that counts, those of the least noise.
    """
    brightest = level.max(axis=1)
    below = brightest <= np.quantile(brightest, CLIPS) if len(level) else np.zeros(0, bool)
    level, covariance = level[below], covariance[below]
    groups = _by_colour(np.log(np.maximum(level, 1e-4)), np.arange(len(level)))
    if len(groups) < LEAST_GROUPS:
        return np.eye(3)
    levels = np.array([level[g].mean(axis=0) for g in groups], np.float64)
    pooled = np.array([_quiet(covariance[g], quiet) for g in groups])
    odd, even = (levels[1::2], pooled[1::2]), (levels[::2], pooled[::2])
    if _explained(_fitted(*odd), *even) > WORTH * _explained(np.zeros(6), *even):
        return np.eye(3)
    found = _matrix(_fitted(levels, pooled))
    return found if np.linalg.cond(found) <= MOST_BENT else np.eye(3)


def _fitted(levels: Matrix, pooled: Matrix) -> NDArray[np.float64]:
    """The six entries off the diagonal."""
    found = least_squares(lambda p: _misfit(p, levels, pooled), np.zeros(6), loss="soft_l1", f_scale=0.3, max_nfev=40)
    return np.asarray(found.x)


def _explained(off: NDArray[np.float64], levels: Matrix, pooled: Matrix) -> float:
    """Typical misfit that a matrix leaves."""
    return float(np.abs(_misfit(off, levels, pooled)[: 6 * len(levels)]).mean())


def _matrix(off: NDArray[np.float64]) -> Matrix:
    matrix = np.zeros((3, 3))
    matrix[OFF] = off
    return matrix + np.diag(1 - matrix.sum(axis=1))


def _misfit(off: NDArray[np.float64], levels: Matrix, pooled: Matrix) -> NDArray[np.float64]:
    """Relative: variances off their curves, correlations off their mean, the matrix off identity."""
    matrix = _matrix(off)
    if abs(np.linalg.det(matrix)) < 0.05:
        return np.full(6 * len(levels) + 6, 10.0)
    back = np.linalg.inv(matrix)
    here, inside = levels @ back.T, back @ pooled @ back.T
    variance = np.maximum(np.diagonal(inside, axis1=1, axis2=2), 1e-14)
    curves = np.stack([_curve(here[:, c], variance[:, c]) for c in range(3)], axis=1)
    size = np.sqrt(curves)
    correlation = (inside / (size[:, :, None] * size[:, None, :]))[:, [0, 0, 1], [1, 2, 2]]
    held = HOLD * np.sqrt(len(levels)) * off
    apart = np.sqrt(2) * (correlation - np.median(correlation, axis=0))  # each stands for two entries of the matrix
    return np.concatenate([np.log(variance / curves).ravel(), apart.ravel(), held])


def _curve(level: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smooth curve through log variance over level's rank, at `level`."""
    at = np.log(np.maximum(level, 0) + 0.003)
    knots = np.linspace(at.min(), at.max() + 1e-9, BENDS)
    place = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, BENDS - 2)
    part = (at - knots[place]) / (knots[place + 1] - knots[place] + 1e-12)
    design = np.zeros((len(at), BENDS))
    rows = np.arange(len(at))
    design[rows, place], design[rows, place + 1] = 1 - part, part
    bend = np.diff(np.eye(BENDS), 2, axis=0)
    normal = design.T @ design + (0.02 * len(at) / BENDS) * bend.T @ bend + 1e-6 * np.eye(BENDS)
    return np.asarray(np.exp(design @ np.linalg.solve(normal, design.T @ np.log(variance))))


def _by_colour(place: NDArray[np.floating], chosen: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Groups of at least GROUPS_OF blocks of like colour: split at the median of the widest axis."""
    if len(chosen) < 2 * GROUPS_OF:
        return [chosen] if len(chosen) >= GROUPS_OF else []
    axes = place[chosen] @ np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]).T / np.sqrt([3, 2, 6])
    axis = int(np.argmax(axes.std(axis=0)))
    order = np.argsort(axes[:, axis], kind="stable")
    half = len(order) // 2
    return _by_colour(place, chosen[order[:half]]) + _by_colour(place, chosen[order[half:]])


def _quiet(covariance: Matrix, share: float) -> Matrix:
    """Mean of the quieter blocks of one colour; by how much that is too low is the same in all groups."""
    size = np.einsum("nij,ji->n", covariance, np.linalg.inv(np.median(covariance, axis=0) + 1e-14 * np.eye(3)))
    return np.asarray(covariance[size <= np.quantile(size, share)].mean(axis=0))
