"""Hold a solved camera against a known one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a solve is from the truth.

    ate_m: root mean square distance of camera centres after the best similarity, in the truth's unit. path_m: length of
    the true path. rotation_deg: median angle over the frames after the best constant turn of the world;
    rotation_worst_deg: the largest. scale: true metres per unit of the solve.
    """

    ate_m: float
    path_m: float
    rotation_deg: float
    rotation_worst_deg: float
    scale: float

    @property
    def ate_of_path(self) -> float:
        """ATE as a share of the path: 0.01 is one percent."""
        return self.ate_m / self.path_m


def compare(solved: npt.ArrayLike, truth: npt.ArrayLike) -> Agreement:
    """Compare camera_from_world (F, 4, 4) of the same frames.

    A solve that keeps the lens's centre in the middle turns a true offset of it into a constant turn of the camera; the
    best turn of the world takes most of that up, as it is no error of the track.
    """
    solved, truth = np.asarray(solved, np.float64), np.asarray(truth, np.float64)
    theirs, ours = camera_centre(truth), camera_centre(solved)
    scale, rotation, shift = similarity(ours, theirs)
    misses = np.linalg.norm(scale * ours @ rotation.T + shift - theirs, axis=1)
    median, worst = turns_apart_deg(solved, truth)
    return Agreement(
        ate_m=float(np.sqrt(np.mean(misses**2))),
        path_m=float(np.linalg.norm(np.diff(theirs, axis=0), axis=1).sum()),
        rotation_deg=median,
        rotation_worst_deg=worst,
        scale=scale,
    )


def turns_apart_deg(solved: Array, truth: Array) -> tuple[float, float]:
    """Median and largest angle between rotations of camera_from_world (F, 4, 4) after the best turn of the world."""
    turns = np.swapaxes(solved[:, :3, :3], 1, 2) @ truth[:, :3, :3]  # solve's world from the truth's, one per frame
    world = nearest_rotation(turns.sum(axis=0))
    angles = rotation_angle_deg(solved[:, :3, :3] @ world, truth[:, :3, :3])
    return float(np.median(angles)), float(angles.max())


def similarity(source: npt.ArrayLike, target: npt.ArrayLike) -> tuple[float, Array, Array]:
    """Scale, rotation (3, 3), shift (3,) that bring points (N, 3) nearest to others: target = scale R source + shift.

    Source: Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns", PAMI 1991.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    u, d, vt = np.linalg.svd((b - mean_b).T @ (a - mean_a) / len(a))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((d * sign).sum() / np.mean(np.sum((a - mean_a) ** 2, axis=1)))
    return scale, rotation, mean_b - scale * rotation @ mean_a


def rotation_angle_deg(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """Angles (F,) in degrees between rotations (F, 3, 3), exact for small ones too."""
    apart = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    chord = np.sqrt(np.sum(apart**2, axis=(1, 2)) / 8.0)  # Frobenius norm is sqrt(8) sin(angle / 2)
    return np.asarray(np.degrees(2.0 * np.arcsin(np.clip(chord, 0.0, 1.0))))


def nearest_rotation(matrix: Array) -> Array:
    """The rotation (3, 3) nearest to a matrix, such as to a sum of rotations: their mean."""
    u, _, vt = np.linalg.svd(matrix)
    return np.asarray((u * [1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt)
