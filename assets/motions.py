"""What people do: short cycles of poses, each fitted to a body and to what its hands hold.

A cycle runs over phases in [0, 1). `speed_mps` is how fast the ground passes: a planted foot moves backwards under
the body at exactly that speed, so a person who moves at it does not slide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from assets import gaits
from assets.gaits import Build, Gait
from assets.skeleton import Arm, Leg, Pose
from pipeline.errors import AssetError

TAU = 2 * np.pi


@dataclass(frozen=True, slots=True)
class Grip:
    """What the hands hold: right "free", "spear", "sword"; left "free", "shield" (centre grip), "strap" (on the forearm),
    "bow"."""

    right: str = "free"
    left: str = "free"


@dataclass(frozen=True, slots=True)
class Motion:
    """One cycle. footfalls: (side "L"/"R", first and last phase at which that foot is planted; last may pass 1)."""

    name: str
    cycle_s: float
    speed_mps: float
    footfalls: tuple[tuple[str, float, float], ...]
    pose: Callable[[float, Build, Grip], Pose]


def load_motion(name: str) -> Motion:
    """The motion called `name`. Raises AssetError that lists the known ones."""
    if name not in MOTIONS:
        known = ", ".join(sorted(MOTIONS))
        raise AssetError(f"motion {name!r} is not known. Take one of: {known}.")
    return MOTIONS[name]


# ---------------------------------------------------------------- on the move

_BOB_M = 0.022  # the hips rise over the standing leg and are lowest just after a heel strike
_LOW = 0.04
_WALK = Gait(cycle_s=1.08, speed_mps=1.25)
_MARCH = Gait(cycle_s=1.08, speed_mps=1.3, lift_m=0.10, strike=0.22, width_m=0.09)


def _walk(phase: float, build: Build, grip: Grip) -> Pose:
    return _going(_WALK, phase, build, grip, swing=1.0, lean=0.04)


def _march(phase: float, build: Build, grip: Grip) -> Pose:
    return _going(_MARCH, phase, build, grip, swing=0.75, lean=0.02)


def _going(gait: Gait, phase: float, build: Build, grip: Grip, swing: float, lean: float) -> Pose:
    legs = gaits.leg(build, gait, phase, 1.0), gaits.leg(build, gait, phase + 0.5, -1.0)
    stride = np.cos(TAU * phase)  # +1 when the left heel strikes
    bob = np.cos(2 * TAU * (phase - _LOW))
    shift = np.sin(TAU * (phase - 0.06))  # the weight over the standing foot
    hips = (0.018 * shift, _gait_hips(gait, build) - _BOB_M * bob, 0.0)
    left, right, shaft = _arms(grip, stride * swing)
    return Pose(
        hips=hips,
        pelvis=(lean, -0.10 * stride, -0.04 * shift),
        spine=(lean, 0.20 * stride * swing, 0.05 * shift),
        head=(-lean, -0.08 * stride, 0.0),
        left_arm=left,
        right_arm=right,
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=shaft,
        drape=(0.10 + 0.04 * np.sin(2 * TAU * phase), 0.05 * np.sin(TAU * (phase - 0.15))),
    )


@lru_cache(maxsize=256)
def _gait_hips(gait: Gait, build: Build) -> float:
    """The hips' mean height: as high as both legs reach at every moment of the cycle."""
    heights = []
    for phase in np.arange(48) / 48:
        legs = gaits.leg(build, gait, phase, 1.0), gaits.leg(build, gait, phase + 0.5, -1.0)
        heights.append(gaits.hips_height(build, legs, straight=0.995) + _BOB_M * np.cos(2 * TAU * (phase - _LOW)))
    return float(min(heights))


# ---------------------------------------------------------------- on the spot


def _idle(phase: float, build: Build, grip: Grip) -> Pose:
    breath, sway = np.sin(TAU * phase), np.sin(TAU * phase + 0.9)
    legs = _stand(build, left=(0.115, 0.03), right=(0.125, -0.04), toe_out=(0.16, 0.28))
    hips = (0.016 + 0.012 * sway, gaits.hips_height(build, legs, straight=0.997) - 0.008, -0.012)
    left, right, shaft = _arms(grip, 0.03 * breath, standing=True)
    return Pose(
        hips=hips,
        pelvis=(-0.02, 0.05, 0.035 + 0.012 * sway),
        spine=(0.015 * breath + 0.01, -0.03, -0.05 - 0.015 * sway),
        head=(0.05 - 0.02 * breath, 0.06 * sway, 0.01),
        left_arm=replace(left, shrug=0.025 * breath),
        right_arm=replace(right, shrug=0.025 * breath),
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=shaft,
        drape=(0.015 * sway, 0.02 * breath),
    )


def _brace(phase: float, build: Build, grip: Grip) -> Pose:
    breath = np.sin(TAU * phase)
    legs = _stand(build, left=(0.13, 0.33), right=(0.15, -0.36), toe_out=(0.05, 0.75))
    hips = (0.0, gaits.hips_height(build, legs, 0.03) - 0.07 + 0.006 * breath, 0.03 + 0.01 * breath)
    left, right, shaft = _guard(grip, 0.02 * breath)
    return Pose(
        hips=hips,
        pelvis=(0.10, -0.35, 0.0),
        spine=(0.16 + 0.015 * breath, -0.12, 0.0),
        head=(-0.16, 0.46, 0.0),
        left_arm=left,
        right_arm=right,
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=shaft,
    )


def _cheer(phase: float, build: Build, grip: Grip) -> Pose:
    pump = 0.5 - 0.5 * np.cos(TAU * phase)
    legs = _stand(build, left=(0.15, 0.04), right=(0.17, -0.05), toe_out=(0.2, 0.3))
    hips = (0.01, gaits.hips_height(build, legs, straight=0.997) - 0.035 + 0.025 * pump, 0.0)
    left, _, _ = _arms(grip, 0.1 * pump, standing=True)
    if grip.left == "free":
        left = Arm((0.35 - 0.1 * pump, 0.55 + 0.3 * pump, 0.15), (1.0, -0.3, 0.1), (0, 1, 0.1), (-0.3, 0, 1), 0.8, 0.25)
    held = grip.right == "spear"  # taken by the middle, or it would leave every frame
    up, tilt = (0.10 if held else 0.40) + 0.40 * pump, -0.15 + 0.3 * pump
    right = Arm((0.28 - 0.08 * pump, up, 0.20), (1.0, -0.4, 0.1), (0.1, 0.4, 1.0), (0.12, 1.0, tilt), 1.0, 0.35 * pump)
    if grip.right == "free":
        right = replace(right, knuckles=(0, 1.0, 0.1), grip=(-0.3, 0.0, 1.0))
    return Pose(
        hips=hips,
        pelvis=(-0.03, 0.0, 0.0),
        spine=(-0.14 - 0.06 * pump, 0.10, 0.08 * pump),
        head=(-0.22, -0.05, 0.0),
        left_arm=left,
        right_arm=right,
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=-0.55,
        drape=(-0.03 * pump, 0.03 * np.sin(TAU * phase)),
    )


def _stand(
    build: Build, left: tuple[float, float], right: tuple[float, float], toe_out: tuple[float, float]
) -> tuple[Leg, Leg]:
    """Both soles flat on the ground at (x outward, z) metres for a body of 1.75 m."""
    size = build.height_m / 1.75
    return (
        Leg((left[0] * size, build.ankle_m, left[1] * size), yaw=toe_out[0]),
        Leg((-right[0] * size, build.ankle_m, right[1] * size), yaw=toe_out[1]),
    )


# ---------------------------------------------------------------- arms

_DOWN = (0.0, -1.0, 0.1)


def _arms(grip: Grip, swing: float, *, standing: bool = False) -> tuple[Arm, Arm, float | None]:
    """(left, right, Pose.shaft_m): arms at rest or swinging; swing +1 when the left foot is in front."""
    left = _free(-swing)
    if grip.left == "shield":  # centre grip: the hand behind the boss, palm down
        left = Arm((0.10, -0.62 + 0.02 * swing, 0.50), (0.9, -0.6, -0.5), (0.25, 0.0, 1.0), (-1.0, 0.0, 0.25), 1.0)
    elif grip.left == "strap":  # the forearm lies across the body, behind the shield
        left = Arm((-0.14, -0.52 + 0.02 * swing, 0.56), (1.0, -0.7, -0.1), (-0.85, 0.05, 0.5), (0.0, 1.0, 0.0), 1.0)
    elif grip.left == "bow":
        left = Arm((0.20, -0.86, 0.20 - 0.10 * swing), (0.5, 0.0, -1.0), (0.1, -0.8, 0.6), (0.0, 0.6, 0.8), 1.0)
    right, shaft = _free(swing), None if standing else 0.0
    if grip.right == "spear" and standing:  # the butt on the ground
        right = Arm((0.30, -0.38, 0.46), (0.8, -0.9, -0.4), (0.1, 0.15, 1.0), (0.04, 1.0, 0.05), 1.0)
        shaft = None
    elif grip.right == "spear":
        right = Arm((0.22, -0.66, 0.40), (0.6, -0.4, -1.0), (0.1, -0.1, 1.0), (0.0, 1.0, 0.10 + 0.04 * swing), 1.0)
        shaft = 0.1
    elif grip.right == "sword":
        right = Arm((0.22, -0.80, 0.28 + 0.12 * swing), (0.4, -0.1, -1.0), (0.05, -0.9, -0.5), (-0.04, -0.5, 0.87), 1.0)
    return left, right, shaft


def _free(swing: float) -> Arm:
    forward = 0.05 + 0.36 * swing
    return Arm((0.13, -0.93 + 0.10 * abs(swing) + 0.06 * swing, forward), (0.35, 0.0, -1.0), curl=0.40)


def _guard(grip: Grip, breath: float) -> tuple[Arm, Arm, float]:
    """(left, right, shaft_m) for the line of battle."""
    left = Arm((0.05, -0.35 + breath, 0.62), (0.8, -1.0, 0.0), (0.1, 0.6, 0.8), (-0.3, 0.6, -0.5), 0.9)
    if grip.left == "shield":
        left = Arm((0.10, -0.40 + breath, 0.72), (0.9, -0.7, -0.2), (-0.35, 0.08, 1.0), (-1.0, 0.0, -0.35), 1.0)
    elif grip.left == "strap":
        left = Arm((-0.10, -0.24 + breath, 0.66), (1.0, -0.6, 0.2), (-1.0, 0.10, 0.05), (0.05, 1.0, 0.0), 1.0)
    elif grip.left == "bow":
        left = Arm((0.55, -0.10 + breath, 0.80), (1.0, -0.3, -0.2), (0.5, 0.0, 0.9), (0.1, 1.0, 0.1), 1.0)
    right, shaft = Arm((0.10, -0.45 + breath, 0.50), (0.9, -0.8, -0.5), (0.0, 0.7, 0.7), (-0.4, 0.6, -0.6), 0.9), 0.0
    if grip.right == "spear":  # underarm, the point raised
        right, shaft = (
            Arm((0.34, -0.50 + breath, 0.30), (0.6, 0.0, -1.0), (0.0, -0.35, 0.95), (0.02, 0.88, 0.46), 1.0),
            0.1,
        )
    elif grip.right == "sword":
        right = Arm((0.20, -0.58 + breath, 0.30), (0.7, 0.0, -1.0), (0.0, -0.3, 1.0), (-0.15, 0.55, 0.8), 1.0)
    return left, right, shaft


def _steps(gait: Gait) -> tuple[tuple[str, float, float], ...]:
    return (("L", 0.0, gait.stance), ("R", 0.5, 0.5 + gait.stance))


_BOTH = (("L", 0.0, 1.0), ("R", 0.0, 1.0))

MOTIONS: dict[str, Motion] = {
    motion.name: motion
    for motion in (
        Motion("idle", 4.0, 0.0, _BOTH, _idle),
        Motion("brace", 2.4, 0.0, _BOTH, _brace),
        Motion("cheer", 1.1, 0.0, _BOTH, _cheer),
        Motion("march", _MARCH.cycle_s, _MARCH.speed_mps, _steps(_MARCH), _march),
        Motion("walk", _WALK.cycle_s, _WALK.speed_mps, _steps(_WALK), _walk),
    )
}
