"""Stand the solved scene on its ground: up, origin, direction and metres.

The world that comes out: y up; y = 0 and the origin on the ground under the first camera; the first camera looks along
-Z (tilt aside), X to its right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, look_direction, pose_from, up_direction

Array = npt.NDArray[np.float64]

ASSUMED_HEIGHT_M = 1.6
TILT_DEG = 65.0  # a hand-held camera looks down by less
ROLL_DEG = 12.0  # and rolls by less
REACH = 20.0  # camera heights from the path within which ground is looked for
NEAR = 4.0  # camera heights beyond which points weigh less: the land may rise or fall in the distance
TRIALS = 2000


@dataclass(frozen=True, slots=True)
class GroundPlane:
    """normal . p + offset = height above the ground, in the solve's unit. inliers: how many points lie on it."""

    normal: Array
    offset: float
    inliers: int
    found: bool  # False: no plane; the lowest points below the camera stood in


@dataclass(frozen=True, slots=True)
class Alignment:
    """world = scale * rotation @ solve + shift."""

    scale: float
    rotation: Array
    shift: Array

    def points(self, points: npt.ArrayLike) -> Array:
        return self.scale * np.asarray(points, np.float64) @ self.rotation.T + self.shift

    def poses(self, camera_from_solve: npt.ArrayLike) -> Array:
        """camera_from_world (F, 4, 4) in metres."""
        poses = np.asarray(camera_from_solve, np.float64)
        centres = self.points(camera_centre(poses))
        turned = poses[:, :3, :3] @ self.rotation.T
        return np.stack([pose_from(r, c) for r, c in zip(turned, centres, strict=True)])


def align_world(poses: Array, ground: GroundPlane, height_m: float) -> Alignment:
    """The alignment in which the first of `poses` (F, 4, 4) stands `height_m` above the ground."""
    up = ground.normal
    first = camera_centre(poses[0])
    height = float(first @ up + ground.offset)
    forward = look_direction(poses[0])
    forward = forward - up * (forward @ up)
    if np.linalg.norm(forward) < 0.05:  # it looks straight down: the picture's up is the direction
        forward = up_direction(poses[0]) - up * (up_direction(poses[0]) @ up)
    forward = forward / np.linalg.norm(forward)
    rotation = np.stack([np.cross(forward, up), up, -forward])
    scale = height_m / height
    return Alignment(scale, rotation, -scale * rotation @ (first - height * up))


def find_ground(points: Array, poses: Array, seed: int = 1) -> GroundPlane:
    """The plane that the camera stands over, by RANSAC over the points (N, 3) near its path, then refined.

    Ground is below the camera, has next to nothing under it, and lies level in an upright picture: the camera may be
    tilted, which counts against a plane a little, but hardly rolled. Nearer points weigh more.
    """
    centres = camera_centre(poses)
    up = _unit(up_direction(poses).mean(axis=0))
    right = _unit(poses[:, 0, :3].mean(axis=0))
    best = _ransac(points, centres, up, right, np.random.default_rng(seed)) if len(points) >= 30 else None
    if best is None:
        return _stand_in(points, centres, up)
    normal, offset = _refine(_below(points, centres, best[0]), centres, *best)
    above, along = _heights(points, centres, normal, offset)
    inliers = int(((np.abs(above) < 0.06) & (along < REACH)).sum())
    return GroundPlane(normal, offset, inliers, True)


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _below(points: Array, centres: Array, up: Array) -> Array:
    """Points (N, 3) seen under the horizon, from the camera that is nearest of a few."""
    views = centres[:: max(1, len(centres) // 8)]
    ways = points[:, None] - views[None]
    near = np.linalg.norm(ways, axis=2).argmin(axis=1)
    way = ways[np.arange(len(points)), near]
    slope = -(way @ up) / np.maximum(np.linalg.norm(way, axis=1), 1e-12)
    return points[slope > np.sin(np.radians(2.0))]


def _heights(points: Array, centres: Array, normal: Array, offset: float) -> tuple[Array, Array]:
    """Heights above a plane and distances along it from the path's middle, both in camera heights."""
    height = float(np.median(centres @ normal) + offset)
    above = (points @ normal + offset) / height
    aside = points - centres.mean(axis=0)
    along = np.linalg.norm(aside - np.outer(aside @ normal, normal), axis=1)
    return above, along / height


def _ransac(
    points: Array, centres: Array, up: Array, right: Array, rng: np.random.Generator
) -> tuple[Array, float] | None:
    tested = points[rng.permutation(len(points))[:3000]]
    low = _below(tested, centres, up)  # most of the ground, unless the camera looks down: then what all of them say
    best: tuple[float, Array, float] | None = None
    for trial in range(TRIALS):
        drawn_from = low if trial % 2 and len(low) >= 30 else tested
        corner = drawn_from[rng.integers(0, len(drawn_from), 3)]
        normal = np.cross(corner[1] - corner[0], corner[2] - corner[0])
        length = np.linalg.norm(normal)
        if length < 1e-12:
            continue
        normal = normal / length * np.sign(normal @ up or 1.0)
        if normal @ up < np.cos(np.radians(TILT_DEG)) or abs(normal @ right) > np.sin(np.radians(ROLL_DEG)):
            continue
        offset = -float(normal @ corner[0])
        if np.min(centres @ normal) + offset <= 0:
            continue
        tilt = np.arccos(min(1.0, float(normal @ up)))
        score = _score(tested, centres, normal, offset) * (1.0 - (tilt / np.radians(90.0)) ** 2)
        if best is None or score > best[0]:
            best = (score, normal, offset)
    return (best[1], best[2]) if best and best[0] > 5 else None


def _score(points: Array, centres: Array, normal: Array, offset: float) -> float:
    above, along = _heights(points, centres, normal, offset)
    weight = np.where(along < REACH, 1.0 / (1.0 + (along / NEAR) ** 2), 0.0)
    slack = 0.03 + 0.006 * along
    return float((weight * (np.abs(above) < slack)).sum() - 0.7 * (weight * (above < -2 * slack)).sum())


def _refine(points: Array, centres: Array, normal: Array, offset: float) -> tuple[Array, float]:
    """Weighted least squares on what lies near the plane, with Tukey's weights that narrow."""
    for slack in (0.12, 0.09, 0.07, *[0.06] * 60):  # until it rests: what RANSAC began with must not show
        above, along = _heights(points, centres, normal, offset)
        far = slack * (1 + along / 10)
        weight = np.clip(1 - (above / far) ** 2, 0, None) ** 2 * (along < REACH) / (1 + (along / NEAR) ** 2)
        if (weight > 0).sum() < 12:
            break
        middle = (weight[:, None] * points).sum(axis=0) / weight.sum()
        _, _, axes = np.linalg.svd((points - middle) * np.sqrt(weight)[:, None], full_matrices=False)
        fitted = axes[2] * np.sign(axes[2] @ normal)
        if fitted @ normal < np.cos(np.radians(8.0)):
            break
        moved = np.linalg.norm(fitted - normal)
        normal, offset = fitted, -float(fitted @ middle)
        if moved < 1e-9:
            break
    return normal, offset


def _stand_in(points: Array, centres: Array, up: Array) -> GroundPlane:
    """No plane: up from the pictures, and the ground through the lowest points that the camera passed."""
    span = np.percentile(np.linalg.norm(points - centres.mean(axis=0), axis=1), 50) if len(points) else 1.0
    drop = (centres.mean(axis=0) - points) @ up if len(points) else np.array([span])
    lowest = float(np.percentile(drop, 95))
    height = lowest if lowest > 0.01 * span else 0.1 * float(span)
    return GroundPlane(up, height - float(np.mean(centres @ up)), 0, False)
