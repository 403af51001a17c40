"""A captured motion fitted to any body: one cycle of it as `assets.people.skeleton.Pose`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from assets.mocap.planting import SIGNS, Feet, lowest, sample
from assets.motion.gaits import Build, smooth
from assets.people.skeleton import NECK, SPINE, Arm, Leg, Pose, Vector

if TYPE_CHECKING:
    from assets.motion.motions import Grip

Array = NDArray[np.float64]

LEG_M = 0.85  # of the body whose speed a clip's speed is: an adult of 1.74 m
_STRAIGHT = 0.9979  # of a leg's length that may be used
_ARM = ("wrist", "elbow", "knuckles", "grip", "shrug")


@dataclass(frozen=True, eq=False)
class Clip:
    """One round of a trace: rows by name (N + 1, k), feet by side. speed: leg lengths a second, the mean of the way."""

    name: str
    cycle_s: float
    speed: float
    loops: bool
    rows: dict[str, Array]
    feet: dict[str, Feet]
    carries: bool = False  # shield and weapon, as our marchers do
    stride_m: float = LEG_M  # how long a captured leg length of travel is

    @property
    def speed_mps(self) -> float:
        return self.speed * self.stride_m

    def at_speed(self, speed_mps: float) -> Clip:
        """The same way of going at another speed: half of the change in longer strides, half in quicker ones."""
        share = float(np.sqrt(speed_mps / self.speed_mps))
        return replace(self, cycle_s=self.cycle_s / share, speed=self.speed * share, stride_m=self.stride_m * share)

    def pose(self, phase: float, build: Build, grip: Grip) -> Pose:
        """The clip at `phase` on a body; arms that carry something on the way hold it as our own marchers do."""
        phase = phase % 1.0
        legs = self.legs(build, phase)
        hips = self._hips(build, phase)
        drop = float(sample(_lowering(self, build), phase)[0])
        pelvis = self._turn("pelvis", phase)
        arms = {side: self._arm(side, phase) for side in SIGNS}
        clear = min(leg.ankle[1] + lowest(build, leg.pitch, leg.toes) for leg in legs)
        pose = Pose(
            hips=(float(hips[0]), float(hips[1] - drop), float(hips[2])),
            pelvis=angles(pelvis),
            spine=_shared(self._turn("spine", phase), len(SPINE)),
            head=_shared(self._turn("head", phase), len(NECK) + 1),
            left_arm=arms["L"],
            right_arm=arms["R"],
            left_leg=legs[0],
            right_leg=legs[1],
        )
        lying = _lying(hips[1], build)
        return self._holding(replace(pose, clear_m=max(float(clear), 0.0), lying=lying), phase, build, grip)

    def legs(self, build: Build, phase: float) -> tuple[Leg, Leg]:
        stride_m = self.stride_m if self.speed > 0 else build.leg_m
        return self.feet["L"].leg(build, stride_m, phase), self.feet["R"].leg(build, stride_m, phase)

    def _hips(self, build: Build, phase: float) -> Array:
        return sample(self.rows["hips"], phase) * build.leg_m + (0.0, build.ankle_m, 0.0)

    def _turn(self, name: str, phase: float) -> Rotation:
        return Rotation.from_quat(sample(self.rows[name], phase))

    def _arm(self, side: str, phase: float) -> Arm:
        wrist, elbow, knuckles, grip, shrug = (sample(self.rows[f"{name}.{side}"], phase) for name in _ARM)
        return Arm(_vector(wrist), _vector(elbow), _vector(knuckles), _vector(grip), 0.40, float(shrug[0]))

    def _holding(self, pose: Pose, phase: float, build: Build, grip: Grip) -> Pose:
        """Who carries his weapon holds it as in our march; else the captured arm wields it. A shield is held as ours are."""
        from assets.motion.motions import load_motion  # that module knows this one

        carries = self.carries or grip.right == "banner"  # a banner is borne upright, whatever the captured arm did
        if not carries and grip.left == "free":
            return replace(pose, right_arm=replace(pose.right_arm, curl=1.0)) if grip.right != "free" else pose
        ours = load_motion("march" if carries else "brace").pose(phase, build, grip)
        if grip.left != "free":
            pose = replace(pose, left_arm=ours.left_arm)
        if carries and grip.right != "free":
            pose = replace(pose, right_arm=ours.right_arm, shaft_m=ours.shaft_m)
        elif grip.right != "free":
            pose = replace(pose, right_arm=replace(pose.right_arm, curl=1.0))
        return replace(pose, drape=ours.drape)


@lru_cache(maxsize=256)
def _lowering(clip: Clip, build: Build) -> Array:
    """(N + 1, 1) how far the hips must go down so that both legs reach, metres; it rises and falls gently."""
    count = len(clip.rows["hips"]) - 1
    short = np.zeros(count + 1)
    for row in range(count + 1):
        phase = row / count
        pelvis, hips = clip._turn("pelvis", phase), clip._hips(build, phase)
        for sign, leg in zip((1.0, -1.0), clip.legs(build, phase), strict=True):
            x, y, z = np.asarray(leg.ankle) - pelvis.apply([sign * build.hip_m, 0.0, 0.0]) - hips
            reach = np.sqrt(max((_STRAIGHT * build.leg_m) ** 2 - x * x - z * z, 0.01))
            short[row] = max(short[row], (-y - reach) * (1 - _lying(hips[1], build)))
    wide = max(1, count // 24)
    padded = np.pad(short[:-1], 2 * wide, mode="wrap") if clip.loops else np.pad(short, 2 * wide, mode="edge")
    window = np.lib.stride_tricks.sliding_window_view
    eased = window(window(padded, 2 * wide + 1).max(axis=1), 2 * wide + 1).mean(axis=1)
    return (np.append(eased, eased[0]) if clip.loops else eased)[:, None]


def _lying(hips_m: float, build: Build) -> float:
    """How far someone is down: 0 on his feet or crouching, 1 on the ground."""
    return smooth((0.6 - hips_m / build.leg_m) / 0.3)


def angles(rotation: Rotation) -> Vector:
    """(pitch, yaw, roll) as `assets.people.skeleton.turn` takes them."""
    matrix = rotation.as_matrix()
    pitch = -np.arcsin(np.clip(matrix[1, 2], -1.0, 1.0))
    return float(pitch), float(np.arctan2(matrix[0, 2], matrix[2, 2])), float(-np.arctan2(matrix[1, 0], matrix[1, 1]))


def _shared(rotation: Rotation, steps: int) -> Vector:
    """The angles that `assets.people.skeleton` shares out evenly over `steps` bones to make `rotation`."""
    pitch, yaw, roll = angles(Rotation.from_rotvec(rotation.as_rotvec() / steps))
    return pitch * steps, yaw * steps, roll * steps


def _vector(values: Array) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])
