"""The skeleton of an Anny body: bones posed by a few film words (pelvis, spine, hands, feet) and two-bone IK.

Space: metres, Y up, facing +Z, so the body's left is +X. A bone's global transform moves a rest point x to
R (x - rest head) + posed head; R is the turn away from the rest pose, in world axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.motion.poses import Arm, Leg, Pose, Vector
from assets.motion.rotations import about, basis, bend, part_way, turn, unit

__all__ = [
    "CHEST", "NECK", "SPINE", "WRIST_RAD", "Arm", "Leg", "Pose", "Skeleton", "Vector", "about", "basis", "bend",
    "hand_axes", "part_way", "solve", "turn", "unit",
]  # fmt: skip

Array = NDArray[np.float64]

SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
CHEST = ("spine03", "spine02", "spine01")
NECK = ("neck01", "neck02", "neck03")
WRIST_RAD = 1.45  # no hand bends further from its forearm


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Bones in rest: names, parents (-1 for the root, parents come first), heads (B, 3) metres."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    heads: Array

    def index(self, name: str) -> int:
        return self.names.index(name)

    def head(self, name: str) -> Array:
        return self.heads[self.names.index(name)]

    def leg_length_m(self) -> float:
        """Hip joint to knee to ankle."""
        hip, knee, ankle = (self.head(f"{n}.L") for n in ("upperleg01", "lowerleg01", "foot"))
        return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))

    def hip_offset(self) -> Array:
        """From midway between the hip joints to the left one, in rest."""
        return (self.head("upperleg01.L") - self.head("upperleg01.R")) / 2


def solve(skeleton: Skeleton, pose: Pose) -> tuple[Array, Array]:
    """Pose every bone: (rotations (B, 3, 3), heads (B, 3)); see the first lines of this module."""
    solver = _Solver(skeleton)
    solver.trunk(pose)
    for side, arm, leg in (("L", pose.left_arm, pose.left_leg), ("R", pose.right_arm, pose.right_leg)):
        solver.leg(side, leg)
        solver.arm(side, arm)
    solver.follow()
    return solver.rotations, solver.heads


class _Solver:
    """Fills rotations bone by bone; what is never set follows its parent."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.rotations = np.full((len(skeleton.names), 3, 3), np.nan)
        self.heads = np.full((len(skeleton.names), 3), np.nan)
        self.index = {name: i for i, name in enumerate(skeleton.names)}

    def rest(self, name: str) -> Array:
        return self.skeleton.heads[self.index[name]]

    def place(self, name: str) -> Array:
        """Posed head of a bone whose parents are posed."""
        i = self.index[name]
        if np.isnan(self.heads[i, 0]):
            parent = self.skeleton.parents[i]
            self.orient(self.skeleton.names[parent])
            offset = self.skeleton.heads[i] - self.skeleton.heads[parent]
            self.heads[i] = self.heads[parent] + self.rotations[parent] @ offset
        return self.heads[i]

    def orient(self, name: str) -> Array:
        i = self.index[name]
        if np.isnan(self.rotations[i, 0, 0]):
            self.rotations[i] = self.orient(self.skeleton.names[self.skeleton.parents[i]])
        self.place(name)
        return self.rotations[i]

    def set(self, name: str, rotation: Array) -> None:
        self.rotations[self.index[name]] = rotation

    def follow(self) -> None:
        for name in self.skeleton.names:
            self.orient(name)

    def trunk(self, pose: Pose) -> None:
        pelvis = turn(*pose.pelvis)
        middle = (self.rest("upperleg01.L") + self.rest("upperleg01.R")) / 2
        self.set("root", pelvis)
        self.heads[self.index["root"]] = np.asarray(pose.hips) + pelvis @ (self.rest("root") - middle)
        rotation = pelvis
        step = turn(*(angle / len(SPINE) for angle in pose.spine))
        bent = turn(*(angle / len(CHEST) for angle in pose.chest))
        for name in SPINE:
            rotation = rotation @ step @ bent if name in CHEST else rotation @ step
            self.set(name, rotation)
        step = turn(*(angle / (len(NECK) + 1) for angle in pose.head))
        for name in (*NECK, "head"):
            rotation = rotation @ step
            self.set(name, rotation)

    def leg(self, side: str, leg: Leg) -> None:
        sign = 1.0 if side == "L" else -1.0
        hip_rest, knee_rest, ankle_rest = (self.rest(f"{n}.{side}") for n in ("upperleg01", "lowerleg01", "foot"))
        toe_rest = self.rest(f"toe3-1.{side}")
        hip = self.place(f"upperleg01.{side}")
        forward = about((0, 1, 0), sign * leg.yaw * 0.8) @ (np.asarray(leg.knee) * (sign, 1.0, 1.0))
        upper, lower = np.linalg.norm(knee_rest - hip_rest), np.linalg.norm(ankle_rest - knee_rest)
        knee, ankle = bend(hip, np.asarray(leg.ankle), float(upper), float(lower), forward)
        ahead = np.array([toe_rest[0] - ankle_rest[0], 0, toe_rest[2] - ankle_rest[2]])
        hinge_rest, hinge = np.cross(ahead, ankle_rest - hip_rest), np.cross(forward, ankle - hip)
        thigh = basis(knee - hip, hinge) @ basis(knee_rest - hip_rest, hinge_rest).T
        shin = basis(ankle - knee, hinge) @ basis(ankle_rest - knee_rest, hinge_rest).T
        self.set(f"upperleg01.{side}", thigh)
        self.set(f"lowerleg01.{side}", shin)
        toe_out = float(np.arctan2(sign * ahead[0], ahead[2]))
        foot = about((0, 1, 0), sign * (leg.yaw - toe_out)) @ about(np.array([ahead[2], 0, -ahead[0]]), -leg.pitch)
        foot = foot @ about(ahead, -sign * leg.roll)
        self.set(f"foot.{side}", foot)
        # The toes are one block that turns about the middle of their joints: while it is flat it does not move at all.
        toes, middle_rest = foot @ about(np.array([ahead[2], 0, -ahead[0]]), -leg.toes), self.toe_joint(side)
        middle = self.place(f"foot.{side}") + foot @ (middle_rest - ankle_rest)
        for toe in range(1, 6):
            name = f"toe{toe}-1.{side}"
            self.set(name, toes)
            self.heads[self.index[name]] = middle + toes @ (self.rest(name) - middle_rest)

    def toe_joint(self, side: str) -> Array:
        """The middle of the first three toes' joints, in rest."""
        return np.mean([self.rest(f"toe{toe}-1.{side}") for toe in (1, 2, 3)], axis=0)

    def arm(self, side: str, arm: Arm) -> None:
        sign = 1.0 if side == "L" else -1.0
        outward = np.array([sign, 1.0, 1.0])
        chest = self.orient("spine01")
        clavicle = chest @ about((0, 0, 1), sign * arm.shrug)
        self.set(f"clavicle.{side}", clavicle)
        names = ("upperarm01", "lowerarm01", "wrist")
        shoulder_rest, elbow_rest, wrist_rest = (self.rest(f"{n}.{side}") for n in names)
        upper = float(np.linalg.norm(elbow_rest - shoulder_rest))
        lower = float(np.linalg.norm(wrist_rest - elbow_rest))
        shoulder = self.place(f"upperarm01.{side}")
        target = shoulder + chest @ (np.asarray(arm.wrist) * outward) * (upper + lower)
        elbow, wrist = bend(shoulder, target, upper, lower, chest @ (np.asarray(arm.elbow) * outward))
        hinge_rest = np.cross(elbow_rest - shoulder_rest, wrist_rest - elbow_rest)
        hinge = np.cross(elbow - shoulder, wrist - elbow)
        self.set(f"upperarm01.{side}", basis(elbow - shoulder, hinge) @ basis(elbow_rest - shoulder_rest, hinge_rest).T)
        forearm = basis(wrist - elbow, hinge) @ basis(wrist_rest - elbow_rest, hinge_rest).T
        self.set(f"lowerarm01.{side}", forearm)
        knuckles_rest, grip_rest = hand_axes(self.skeleton, side)
        if arm.knuckles is None or arm.grip is None:
            hand = forearm
        else:
            wanted = basis(np.asarray(arm.grip) * outward, np.asarray(arm.knuckles) * outward)
            hand = part_way(forearm, wanted @ basis(grip_rest, knuckles_rest).T, arm.hold)
            hand = _within(forearm, hand, wrist - elbow, WRIST_RAD)
        self.set(f"lowerarm02.{side}", _half_twist(forearm, hand, wrist - elbow))
        self.set(f"wrist.{side}", hand)
        self.fingers(side, hand, grip_rest, arm.curl)

    def fingers(self, side: str, hand: Array, grip_rest: Array, curl: float) -> None:
        axis = -grip_rest if side == "L" else grip_rest  # closing a hand turns its fingers into the palm
        for finger in range(2, 6):
            # An open hand's little finger is the most bent.
            closed = curl * (1 + 0.12 * (finger - 3.5) * max(1 - curl, 0.0))
            for joint, turned in ((1, 1.25), (2, 2.75), (3, 3.65)):
                self.set(f"finger{finger}-{joint}.{side}", hand @ about(axis, turned * closed))
        for joint, turned in ((1, 0.25), (2, 0.7), (3, 1.1)):
            self.set(f"finger1-{joint}.{side}", hand @ about(axis, turned * curl))


def hand_axes(skeleton: Skeleton, side: str) -> tuple[Array, Array]:
    """(wrist to knuckles, little finger to index finger) of a hand in rest, unit vectors, perpendicular."""
    knuckles = np.mean([skeleton.head(f"finger{n}-1.{side}") for n in (2, 3, 4, 5)], axis=0)
    grip = skeleton.head(f"finger2-1.{side}") - skeleton.head(f"finger5-1.{side}")
    frame = basis(knuckles - skeleton.head(f"wrist.{side}"), grip)
    return frame[:, 0], frame[:, 1]


def _within(parent: Array, child: Array, along: Array, most_rad: float) -> Array:
    """`child` turned back until it bends `along`, which is `parent`'s, by no more than `most_rad`."""
    bent = child @ parent.T @ along
    axis = np.cross(bent, along)
    angle = float(np.arctan2(np.linalg.norm(axis), bent @ along))
    return about(axis, angle - most_rad) @ child if angle > most_rad else child


def _half_twist(parent: Array, child: Array, axis: Array) -> Array:
    """`parent` turned about `axis` by half of the child's twist: the forearm's second half follows the hand."""
    local = child @ parent.T
    direction = unit(axis)
    sine = np.array([local[2, 1] - local[1, 2], local[0, 2] - local[2, 0], local[1, 0] - local[0, 1]]) @ direction / 2
    angle = 2 * np.arctan2(sine, (np.trace(local) + 1) / 2)
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    return about(direction, angle / 2) @ parent
