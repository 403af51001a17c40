"""Rotations as 3 x 3 matrices, and the bend of a limb of two bones that is to reach a point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.motion.poses import Vector

Array = NDArray[np.float64]

_REACH = 0.998  # of a limb's length: a little bend always stays, a straight limb would flip its knee


def turn(pitch: float, yaw: float, roll: float) -> Array:
    """Rotation matrix: roll about Z, then pitch about X (forward), then yaw about Y (to the left)."""
    return about((0, 1, 0), yaw) @ about((1, 0, 0), pitch) @ about((0, 0, 1), -roll)


def about(axis: Vector | Array, angle: float) -> Array:
    """Rotation by `angle` radians about `axis` (Rodrigues)."""
    x, y, z = unit(np.asarray(axis, float))
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def part_way(a: Array, b: Array, share: float) -> Array:
    """The rotation `share` of the way from rotation `a` to `b`, by the short way."""
    if share >= 1.0 or share <= 0.0:
        return b if share >= 1.0 else a
    way = b @ a.T
    angle = float(np.arccos(np.clip((np.trace(way) - 1) / 2, -1.0, 1.0)))
    axis = np.array([way[2, 1] - way[1, 2], way[0, 2] - way[2, 0], way[1, 0] - way[0, 1]])
    return about(axis, share * angle) @ a if angle > 1e-9 else a


def unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def basis(first: Array, second: Array) -> Array:
    """Orthonormal columns: `first`, then `second` made perpendicular to it, then their cross product."""
    a = unit(first)
    b = unit(second - a * (second @ a))
    return np.stack([a, b, np.cross(a, b)], axis=1)


def bend(root: Array, target: Array, upper: float, lower: float, pole: Array) -> tuple[Array, Array]:
    """Two-bone IK: (joint, end). The end is `target`, or as near as the limb reaches; the joint leans towards `pole`."""
    way = target - root
    distance = float(np.clip(np.linalg.norm(way), abs(upper - lower) * 1.01, (upper + lower) * _REACH))
    axis = unit(way)
    side = unit(pole - axis * (pole @ axis))
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    out = np.sqrt(max(upper**2 - along**2, 0.0))
    return root + axis * along + side * out, root + axis * distance
