"""Poses as rows of numbers, and clips drawn through a few of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.motion.gaits import Build, hips_height
from assets.people.skeleton import Arm, Leg, Pose, Vector

Array = NDArray[np.float64]
REACH = 0.996  # of a leg's length, at most
_TRUNK = ("hips", "pelvis", "spine", "chest", "head")
_ENDS = ("drape", "butt_share", "shaft_turn", "string", "clear_m", "lying", "terrain")
_ARM = ("wrist", "elbow", "knuckles", "grip", "curl", "shrug", "hold")
_LEG = ("ankle", "pitch", "yaw", "toes", "roll", "knee")


def pack(pose: Pose) -> Array:
    """All numbers of a pose as one row; the inverse of `unpack`. A hand left in line with its forearm has hold 0."""
    values: list[Any] = [getattr(pose, name) for name in _TRUNK]
    for arm in (pose.left_arm, pose.right_arm):
        arm = (
            arm if arm.knuckles and arm.grip else replace(arm, knuckles=(0.0, 0.0, 1.0), grip=(0.0, 1.0, 0.0), hold=0.0)
        )
        values += [getattr(arm, name) for name in _ARM]
    for leg in (pose.left_leg, pose.right_leg):
        values += [getattr(leg, name) for name in _LEG]
    planted = pose.shaft_m is None
    values += [0.0 if planted else pose.shaft_m]
    values += [1.0 if planted and name == "butt_share" else getattr(pose, name) for name in _ENDS]
    return np.concatenate([np.atleast_1d(np.asarray(value, float)) for value in values])


def unpack(row: Array) -> Pose:
    """The pose of one row."""
    numbers = iter(row.tolist())

    def take(names: Sequence[str], like: object) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in names:
            size = 3 if name in ("knuckles", "grip") else np.size(getattr(like, name))
            values = tuple(next(numbers) for _ in range(size))
            found[name] = values if size > 1 else values[0]
        return found

    like = Pose()
    trunk = take(_TRUNK, like)
    arms = [Arm(**take(_ARM, like.left_arm)) for _ in range(2)]
    legs = [Leg(**take(_LEG, like.left_leg)) for _ in range(2)]
    shaft_m = next(numbers)
    return Pose(**trunk, left_arm=arms[0], right_arm=arms[1], left_leg=legs[0], right_leg=legs[1], shaft_m=shaft_m,
                **take(_ENDS, like))  # fmt: skip


def settled(pose: Pose, build: Build) -> Pose:
    """`pose` with its hips lowered until both legs reach their feet."""
    x, y, z = pose.hips
    legs = pose.left_leg, pose.right_leg
    most = hips_height(build, legs, z, REACH, hip_x=x, pelvis=pose.pelvis)
    return pose if y <= most else replace(pose, hips=(x, most, z))


def keyed(keys: Sequence[tuple[float, Pose]], *, loops: bool = True) -> Callable[[float], Pose]:
    """A clip through key poses at phases: smooth, without overshoot, and around the seam where it loops.

    keys: (phase in [0, 1], pose), ascending; a looping clip does not repeat its first pose at 1.
    """
    from scipy.interpolate import PchipInterpolator  # here: slow to load

    times = np.array([phase for phase, _ in keys])
    rows = np.stack([pack(pose) for _, pose in keys])
    if loops:
        times = np.concatenate([times - 1, times, times + 1])
        rows = np.concatenate([rows, rows, rows])
    through = PchipInterpolator(times, rows)
    last = 1.0 if loops else float(times[-1])
    return lambda phase: unpack(through(phase % 1.0 if loops else min(max(phase, 0.0), last)))


def standing(
    build: Build,
    left: tuple[float, float],
    right: tuple[float, float],
    toe_out: tuple[float, float],
) -> tuple[Leg, Leg]:
    """Both soles flat on the ground at (x outward, z) metres for a body of 1.75 m."""
    size = build.height_m / 1.75
    return (
        Leg((left[0] * size, build.ankle_m, left[1] * size), yaw=toe_out[0]),
        Leg((-right[0] * size, build.ankle_m, right[1] * size), yaw=toe_out[1]),
    )


def hips_over(
    build: Build, legs: tuple[Leg, Leg], sink_m: float, x: float = 0.0, z: float = 0.0, pelvis: Vector = (0.0, 0.0, 0.0)
) -> Vector:
    """Hips `sink_m` lower than the legs let them be; x, z and sink for a body of 1.75 m."""
    size = build.height_m / 1.75
    top = hips_height(build, legs, z * size, REACH, hip_x=x * size, pelvis=pelvis)
    return (x * size, top - sink_m * size, z * size)
