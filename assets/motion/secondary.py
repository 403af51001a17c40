"""What keeps people alive between their gestures: where they look, how they breathe, what follows them late.

Small functions over a Pose. All are functions of time and seed alone, so any frame can be made by itself, and no two
neighbours do the same.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import numpy as np

from assets.motion.gaits import smooth
from assets.motion.motions import Motion
from assets.people.skeleton import Pose, Vector, turn, unit

NECK_YAW = 1.15  # radians to either side of the chest; eyes do the rest
NECK_PITCH = (-0.65, 0.70)  # up, down
TURN_S = 0.45  # a head takes so long to turn
LATE_S = 0.13  # cloth and shafts follow by so much
_GLANCE_S = (1.8, 5.5)


def chance(seed: int, what: int, number: int = 0) -> float:
    """A number in [0, 1) that is the same for ever."""
    mixed = (seed * 0x9E3779B97F4A7C15 + what * 0xC2B2AE3D27D4EB4F + number * 0x165667B19E3779F9) & (2**64 - 1)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & (2**64 - 1)
    return float((mixed ^ (mixed >> 31)) >> 11) / 2.0**53


def gaze(pose: Pose, towards: Vector, share: float = 1.0) -> Pose:
    """`pose` with its head turned to look along `towards` (person's space, x left, y up, z ahead).

    share: 0 leaves the head as it is, 1 looks there as far as a neck goes; between them lies a turn of the head.
    """
    chest = turn(*pose.pelvis) @ turn(*pose.spine) @ turn(*pose.chest)
    x, y, z = chest.T @ unit(np.asarray(towards, float))
    yaw = float(np.clip(np.arctan2(x, z), -NECK_YAW, NECK_YAW))
    pitch = float(np.clip(-np.arctan2(y, np.hypot(x, z)), *NECK_PITCH))
    roll = pose.head[2] - 0.10 * yaw * share  # a head that turns also tips a little
    old_pitch, old_yaw, _ = pose.head
    return replace(pose, head=(old_pitch + share * (pitch - old_pitch), old_yaw + share * (yaw - old_yaw), roll))


def eased(since_s: float, takes_s: float = TURN_S) -> float:
    """How far a turn of the head that began `since_s` ago has come, 0 to 1."""
    return smooth(since_s / takes_s)


def glance(time_s: float, seed: int) -> Vector:
    """Where an idle mind looks at `time_s`: ahead for the most part, now and then aside; a direction for `gaze`.

    Looks last 1.8 to 5.5 s and change over TURN_S.
    """
    lasts = _GLANCE_S[0] + (_GLANCE_S[1] - _GLANCE_S[0]) * chance(seed, 1)
    number, since = divmod(time_s / lasts + chance(seed, 2), 1.0)
    before, now = (_look(seed, int(number) + k) for k in (-1, 0))
    share = eased(since * lasts)
    yaw, pitch = (p + share * (q - p) for p, q in zip(before, now, strict=True))
    return (float(np.sin(yaw) * np.cos(pitch)), float(-np.sin(pitch)), float(np.cos(yaw) * np.cos(pitch)))


def _look(seed: int, number: int) -> tuple[float, float]:
    aside = 2 * chance(seed, 3, number) - 1
    return float(np.sign(aside) * abs(aside) ** 2.5 * 1.1), 0.22 * chance(seed, 4, number) - 0.06


def breathing(pose: Pose, time_s: float, seed: int, effort: float = 0.0, share: float = 1.0) -> Pose:
    """`pose` with a chest that breathes. effort: 0 at rest (one breath in about 4 s), 1 after a charge (1.4 s). share:
    of the whole breath, for one who begins or ceases to."""
    pace = (0.25 + 0.45 * effort) * (0.85 + 0.3 * chance(seed, 5))
    cycle = (time_s * pace + chance(seed, 6)) % 1.0
    # Breath goes in for two fifths of the time and out more slowly.
    full = float(
        0.5 - 0.5 * np.cos(np.pi * cycle / 0.4) if cycle < 0.4 else 0.5 + 0.5 * np.cos(np.pi * (cycle - 0.4) / 0.6)
    )
    deep = share * (0.018 + 0.035 * effort) * (full - 0.4)
    pitch, yaw, roll = pose.chest
    nod, look, tip = pose.head
    lift = share * (0.03 + 0.05 * effort)
    return replace(
        pose,
        chest=(pitch - deep, yaw, roll),
        head=(nod + 0.8 * deep, look, tip),
        left_arm=replace(pose.left_arm, shrug=pose.left_arm.shrug + lift * full),
        right_arm=replace(pose.right_arm, shrug=pose.right_arm.shrug + lift * full),
    )


def lag(now: Pose, earlier: Pose, share: float = 0.6) -> Pose:
    """`now` with cloth, crest and shaft where the body has led them only by `share`: they follow from `earlier`.

    earlier: the same person's pose LATE_S before.
    """
    lean = [sum(part[i] for part in (now.pelvis, now.spine, now.chest)) for i in range(3)]
    leant = [sum(part[i] for part in (earlier.pelvis, earlier.spine, earlier.chest)) for i in range(3)]
    back = now.drape[0] + share * ((lean[0] - leant[0]) + 0.8 * (earlier.hips[1] - now.hips[1]))
    left = now.drape[1] + share * ((leant[2] - lean[2]) + 0.25 * (leant[1] - lean[1]))
    arm = now.right_arm
    if arm.grip is not None and earlier.right_arm.grip is not None:
        grip = (1 - 0.5 * share) * np.array(arm.grip) + 0.5 * share * np.array(earlier.right_arm.grip)
        arm = replace(arm, grip=(float(grip[0]), float(grip[1]), float(grip[2])))
    return replace(now, drape=(float(back), float(left)), right_arm=arm)


def habit(pose: Pose, seed: int) -> Pose:
    """`pose` as this one person holds it: a little more or less upright, one shoulder lower, the head tipped."""
    lean, side, tip, drop = (2 * chance(seed, what) - 1 for what in (7, 8, 9, 10))
    pitch, yaw, roll = pose.chest
    nod, look, over = pose.head
    return replace(
        pose,
        chest=(pitch + 0.035 * lean, yaw + 0.05 * side, roll + 0.02 * side),
        head=(nod - 0.03 * lean, look - 0.04 * side, over + 0.05 * tip),
        left_arm=replace(pose.left_arm, shrug=pose.left_arm.shrug + 0.03 * max(drop, 0.0)),
        right_arm=replace(pose.right_arm, shrug=pose.right_arm.shrug + 0.03 * max(-drop, 0.0)),
    )


@dataclass(frozen=True, slots=True)
class Liveliness:
    """How much of this module a motion bears. breath, glances: shares, 0 none; effort: as `breathing` has it."""

    breath: float
    effort: float
    glances: float

    def towards(self, other: Liveliness, share: float) -> Liveliness:
        """This one, `share` of the way to another."""
        mixed = (a + share * (b - a) for a, b in zip(astuple(self), astuple(other), strict=True))
        return Liveliness(*mixed)


def liveliness(motion: Motion) -> Liveliness:
    """What a motion bears: who falls breathes no more, who fights breathes hard, who idles looks about."""
    if not motion.loops:
        return Liveliness(0.0, 0.0, 0.0)
    effort = 0.8 if motion.name in ("thrust", "blow", "charge", "run") else 0.0
    looks = {"idle": 0.9, "walk": 0.4, "march": 0.4, "brace": 0.4}.get(motion.name, 0.0)
    return Liveliness(1.0, effort, looks)


def enlivened(now: Pose, earlier: Pose, lively: Liveliness, *, time_s: float, seed: int) -> Pose:
    """`now` with everything of this module on it, whatever made it. earlier: the same person's pose LATE_S before."""
    pose = habit(lag(now, earlier), seed)
    if lively.breath:
        pose = breathing(pose, time_s, seed, lively.effort, lively.breath)
    return gaze(pose, glance(time_s, seed), lively.glances) if lively.glances else pose
