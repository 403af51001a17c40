"""Feet on terrain: a pose made for level ground put onto heights and slopes under each foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assets.motion.gaits import Build, sole_height
from assets.motion.keyframes import settled
from assets.people.skeleton import Leg, Pose, about, unit

Array = NDArray[np.float64]
FREE_M = 0.12  # a foot so high over the ground no longer turns with its slope
_MOST_ROLL = 0.45  # radians; ankles go no further


def foot_points(pose: Pose) -> Array:
    """(2, 2) x, z under the left and the right ankle, metres in the person's space: where to ask for the ground."""
    return np.array([[leg.ankle[0], leg.ankle[2]] for leg in (pose.left_leg, pose.right_leg)])


def on_ground(pose: Pose, build: Build, heights: Sequence[float], normals: Sequence[Sequence[float]]) -> Pose:
    """`pose` on uneven ground: each foot at its height, turned with its slope; the pelvis lowered until both legs reach.

    heights: (left, right) of the ground under each ankle over the person's origin, metres. normals: (2, 3) of the
    ground there, in the person's space (x left, y up, z ahead). Planted feet follow the ground, swinging ones less the
    higher they are. Slopes up to about 25 degrees are within the reach of ankles.
    """
    legs = [
        _placed(leg, build, float(height), np.asarray(normal, float), side)
        for leg, height, normal, side in zip(
            (pose.left_leg, pose.right_leg), heights, normals, (1.0, -1.0), strict=True
        )
    ]
    x, y, z = pose.hips
    # The hips go with the ground's mean; who steps down lowers them further below.
    raised = replace(pose, hips=(x, y + float(np.mean(heights)), z), left_leg=legs[0], right_leg=legs[1], terrain=1.0)
    return settled(raised, build)


def _placed(leg: Leg, build: Build, height_m: float, normal: Array, side: float) -> Leg:
    """The foot as if its patch of level ground were lifted and tilted under it."""
    share = float(np.clip(1 - sole_height(build, leg) / FREE_M, 0.0, 1.0))
    tilt = _tilt(normal, share)
    x, y, z = leg.ankle
    way = about((0, 1, 0), side * leg.yaw) @ about((1, 0, 0), -leg.pitch) @ about((0, 0, 1), -side * leg.roll)
    foot = tilt @ way
    pitch = float(np.arcsin(np.clip(foot[1, 2], -1, 1)))
    yaw = side * float(np.arctan2(foot[0, 2], foot[2, 2]))
    roll = -side * float(np.arcsin(np.clip(foot[1, 0] / max(np.cos(pitch), 1e-6), -1, 1)))
    lifted = tilt @ (0.0, y, 0.0)
    ankle = (float(x + lifted[0]), float(height_m + lifted[1]), float(z + lifted[2]))
    return replace(leg, ankle=ankle, pitch=pitch, yaw=yaw, roll=float(np.clip(roll, -_MOST_ROLL, _MOST_ROLL)))


def _tilt(normal: Array, share: float) -> Array:
    """The rotation that brings up `share` of the way to `normal`, without turning about it."""
    up = unit(normal)
    axis = np.cross((0.0, 1.0, 0.0), up)
    angle = float(np.arctan2(np.linalg.norm(axis), up[1]))
    return about(axis, angle * share) if angle > 1e-9 else np.eye(3)
