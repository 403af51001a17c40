"""From one motion to another: poses mixed, and the moment at which two motions fit. The steps: assets.motion.crossing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.motion.gaits import Build
from assets.motion.grips import Grip
from assets.motion.keyframes import pack, unpack
from assets.motion.motions import Motion
from assets.people.skeleton import Arm, Pose, Vector, part_way, turn, unit

Array = NDArray[np.float64]
STANDARD = Build(leg_m=0.85, hip_m=0.117, ankle_m=0.084, heel_m=0.058, ball_m=0.155, height_m=1.75)
STEP_S = 0.42  # a foot that must stand elsewhere takes a step of this length
_MOMENTS = 64
_TURNS = ("pelvis", "spine", "chest", "head")
_WAYS = ("elbow", "knuckles", "grip")


def blend(a: Pose, b: Pose, share: float) -> Pose:
    """The pose `share` of the way from `a` to `b`: turns by the short way, directions kept at unit length.

    Two poses whose legs reach give one whose legs reach, but for millimetres where pelvises differ: see
    assets.motion.keyframes.settled.
    """
    if share <= 0.0 or share >= 1.0:
        return b if share >= 1.0 else a
    row_a, row_b = pack(a), pack(b)
    mixed = unpack(row_a + share * (row_b - row_a))
    ours, theirs = unpack(row_a), unpack(row_b)
    turned: dict[str, Any] = {
        name: angles(part_way(turn(*getattr(a, name)), turn(*getattr(b, name)), share)) for name in _TURNS
    }
    shaft = (1 - share) * (1 - ours.butt_share) * (ours.shaft_m or 0) + share * (1 - theirs.butt_share) * (
        theirs.shaft_m or 0
    )
    return replace(
        mixed,
        **turned,
        left_arm=_mixed(mixed.left_arm, ours.left_arm, theirs.left_arm, share),
        right_arm=_mixed(mixed.right_arm, ours.right_arm, theirs.right_arm, share),
        shaft_m=shaft / max(1 - mixed.butt_share, 1e-9),
    )


def angles(rotation: Array) -> Vector:
    """(pitch, yaw, roll) of assets.people.skeleton.turn that give `rotation`."""
    ahead, across = rotation[:, 2], rotation[:, 0]
    pitch = -float(np.arcsin(np.clip(ahead[1], -1, 1)))
    yaw = float(np.arctan2(ahead[0], ahead[2]))
    return pitch, yaw, -float(np.arctan2(across[1], rotation[1, 1]))


def _mixed(mixed: Arm, a: Arm, b: Arm, share: float) -> Arm:
    """Directions that nearly oppose each other would vanish half way: they go round by a quarter turn."""
    if not a.hold or not b.hold:  # a hand in line with its forearm has no frame of its own: it takes the other's
        framed = b if b.hold else a
        mixed = replace(mixed, knuckles=framed.knuckles, grip=framed.grip)
    ways: dict[str, Any] = {}
    for name in _WAYS if a.hold and b.hold else ("elbow",):
        one, other = unit(np.array(getattr(a, name))), unit(np.array(getattr(b, name)))
        middle = (1 - share) * one + share * other
        if one @ other < -0.9:
            middle = middle + np.cross(one, (0.0, 1.0, 0.3)) * share * (1 - share)
        ways[name] = tuple(unit(middle).tolist())
    return replace(mixed, **ways)


# ---------------------------------------------------------------- where two motions fit


def planted(motion: Motion, phase: float, side: str) -> bool:
    """Whether that foot is on the ground."""
    phase = phase % 1.0 if motion.loops else min(max(phase, 0.0), 1.0)
    whole = (0.0, 1.0) if motion.loops else (0.0,)
    return any(s == side and first <= phase + k <= last for s, first, last in motion.footfalls for k in whole)


def transition(motion_a: Motion, phase_a: float, motion_b: Motion, rate_hz: float = 24.0) -> tuple[float, int]:
    """(phase of `motion_b` at which to enter it, frames that the change takes).

    The phase is the one whose pose is nearest, feet on the ground first, then where all else is and how it moves. The
    less alike the poses and speeds, the longer the change. A clip that does not loop is entered at its beginning.
    """
    here, weights = _features(motion_a, phase_a), _weights(motion_a, phase_a)
    phases = np.arange(_MOMENTS) / _MOMENTS if motion_b.loops else np.zeros(1)
    costs = [float(weights @ np.abs(_features(motion_b, phase) - here)) for phase in phases]
    best = int(np.argmin(costs))
    seconds = 0.25 + 0.5 * min(costs[best] / weights.sum() / 0.25, 1.0)
    if motion_a.speed_mps and motion_b.speed_mps:  # each foot comes off the ground once
        seconds = max(seconds, 0.75 * motion_b.cycle_s, abs(motion_a.speed_mps - motion_b.speed_mps) / 2.5)
    elif motion_b.loops:
        seconds = max(seconds, 2 * STEP_S, abs(motion_a.speed_mps - motion_b.speed_mps) / 2.5)
    return float(phases[best]), max(2, round(seconds * rate_hz))


def _features(motion: Motion, phase: float) -> Array:
    """Ankles, hips, wrists, and how the ankles move in 0.1 s; metres."""
    now, later = (motion.pose(p, STANDARD, Grip()) for p in (phase, _onward(motion, phase, 0.1)))
    feet = [np.array(pose.left_leg.ankle + pose.right_leg.ankle) for pose in (now, later)]
    hands = 0.6 * np.array(now.left_arm.wrist + now.right_arm.wrist)
    return np.concatenate([feet[0], now.hips, hands, feet[1] - feet[0]])


def _weights(motion: Motion, phase: float) -> Array:
    left, right = (4.0 if planted(motion, phase, side) else 1.0 for side in "LR")
    return np.repeat([left, right, 1.0, 0.3, 0.3, 1.5, 1.5], 3)


def _onward(motion: Motion, phase: float, seconds: float) -> float:
    phase += seconds / motion.cycle_s
    return phase % 1.0 if motion.loops else min(phase, 0.999)
