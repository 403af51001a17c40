"""What a capture's rig did, frame by frame, in words that fit any body: turns, and places in limb lengths.

All values are in the space of the person: Y up, +Z the way it faces or goes. Lengths are in leg lengths of the
captured rig (arms in its arm lengths), heights over the ankle joint of a foot that stands flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from assets.mocap.capture import Capture
from assets.mocap.planting import ANKLE, BALL, HEEL, KNUCKLE, SIGNS
from assets.mocap.rigs import FINGERS, roles_of

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """Per frame: vectors by name (F, k), turns by name (F, 4) quaternions x, y, z, w.

    vectors: "hips" (3), and per side "ankle.L" (3), "foot.L" (pitch, yaw, toes), "wrist.L", "elbow.L", "knuckles.L",
    "grip.L" (3 each, x outward), "shrug.L" (1).
    turns: "pelvis"; "spine", the chest against the pelvis; "head", the head against the chest.
    soles: per side (F, 2, 3): the points of a foot that it rolls on, heel and toe joints, in leg lengths; the height is
    that of the sole under them.
    ball: from ankle to toe joints, in leg lengths.
    """

    vectors: dict[str, Array]
    turns: dict[str, Array]
    soles: dict[str, Array]
    ball: float
    frame_s: float

    @property
    def frames(self) -> int:
        return len(self.vectors["hips"])

    def features(self) -> Array:
        """(F, K) the pose without its place, in leg lengths: equal rows look alike."""
        hips = self.vectors["hips"] * (1, 0, 1)
        places = [self.vectors["hips"] - hips]
        for side in SIGNS:
            places += [self.vectors[f"ankle.{side}"] - hips, 0.6 * self.vectors[f"wrist.{side}"]]
            places += [0.3 * self.vectors[f"elbow.{side}"], 0.2 * self.vectors[f"foot.{side}"][:, :1]]
        places += [0.5 * Rotation.from_quat(turn).as_rotvec() for turn in self.turns.values()]
        return np.concatenate(places, axis=1)


def trace(capture: Capture) -> Trace:
    """`capture`, which stands up and faces +Z in rest, told in a body's own words."""
    rig = _Rig(capture)
    vectors = {"hips": (rig.place("upleg.L") + rig.place("upleg.R")) / 2 / rig.leg}
    pelvis, chest = rig.turn("hips"), rig.turn("chest")
    head = rig.turn("head") if "head" in rig.roles else rig.turn("neck") if "neck" in rig.roles else chest
    turns = {"pelvis": pelvis, "spine": pelvis.transpose(0, 2, 1) @ chest, "head": chest.transpose(0, 2, 1) @ head}
    soles = {}
    for side, sign in SIGNS.items():
        vectors |= _arm(rig, side, np.array([sign, 1.0, 1.0]), chest)
        vectors |= _foot(rig, side, sign)
        soles[side] = _sole(rig, side)
    found = Trace(
        vectors,
        {name: continuous(turn) for name, turn in turns.items()},
        soles,
        rig.ball,
        float(1 / capture.rate.fraction),
    )
    return _grounded(found)


class _Rig:
    """Places and turns of a capture by role."""

    def __init__(self, capture: Capture) -> None:
        self.capture, self.roles = capture, roles_of(capture.joints, capture.source)
        self.leg = float(np.mean([self.length("upleg", "leg", "foot", side) for side in SIGNS]))
        self.arm = float(np.mean([self.length("arm", "forearm", "hand", side) for side in SIGNS]))
        self.ball = BALL
        if "toe.L" in self.roles:
            way = self.rest("toe.L") - self.rest("foot.L")
            self.ball = float(np.clip(np.hypot(way[0], way[2]) / self.leg, 0.1, 0.25))

    def rest(self, role: str) -> Array:
        return self.capture.rest[self.roles[role], :3, 3]

    def place(self, role: str) -> Array:
        return self.capture.positions[:, self.roles[role]]

    def turn(self, role: str) -> Array:
        return self.capture.rotations[:, self.roles[role]]

    def length(self, a: str, b: str, c: str, side: str) -> float:
        first, middle, last = (self.rest(f"{role}.{side}") for role in (a, b, c))
        return float(np.linalg.norm(middle - first) + np.linalg.norm(last - middle))

    def ahead(self, side: str) -> Array:
        """Where a foot points in rest, level."""
        if f"toe.{side}" not in self.roles:
            return np.array([0.0, 0.0, 1.0])
        way = (self.rest(f"toe.{side}") - self.rest(f"foot.{side}")) * (1, 0, 1)
        return way / max(float(np.linalg.norm(way)), 1e-9)


def _arm(rig: _Rig, side: str, outward: Array, chest: Array) -> dict[str, Array]:
    shoulder, elbow, wrist = (rig.place(f"{role}.{side}") for role in ("arm", "forearm", "hand"))
    hand = rig.turn(f"hand.{side}")
    if f"index.{side}" in rig.roles and f"pinky.{side}" in rig.roles:
        index, pinky = rig.rest(f"index.{side}"), rig.rest(f"pinky.{side}")
        there = [rig.rest(f"{finger}.{side}") for finger in FINGERS if f"{finger}.{side}" in rig.roles]
        knuckles, grip = np.mean(there, axis=0) - rig.rest(f"hand.{side}"), index - pinky
    else:  # a rest pose has its hands in line with the forearms, thumbs ahead
        knuckles, grip = rig.rest(f"hand.{side}") - rig.rest(f"forearm.{side}"), np.array([0.0, 0.0, 1.0])
    grip = grip - knuckles * (grip @ knuckles) / (knuckles @ knuckles)
    inwards = chest.transpose(0, 2, 1)
    way, bent = _apply(inwards, wrist - shoulder), _apply(inwards, elbow - shoulder)
    bent = bent - way * ((bent * way).sum(1) / np.maximum((way * way).sum(1), 1e-9))[:, None]
    shrug = np.zeros(len(way))
    if f"collar.{side}" in rig.roles:
        collar = inwards @ rig.turn(f"collar.{side}")
        shrug = outward[0] * np.arctan2(collar[:, 1, 0], collar[:, 0, 0])
    return {
        f"wrist.{side}": way * outward / rig.arm,
        f"elbow.{side}": bent * outward / rig.arm,
        f"knuckles.{side}": _apply(hand, knuckles / np.linalg.norm(knuckles)) * outward,
        f"grip.{side}": _apply(hand, grip / np.linalg.norm(grip)) * outward,
        f"shrug.{side}": shrug[:, None],
    }


def _foot(rig: _Rig, side: str, sign: float) -> dict[str, Array]:
    turn, ahead = rig.turn(f"foot.{side}"), rig.ahead(side)
    points = _apply(turn, ahead)
    pitch = np.arcsin(np.clip(points[:, 1], -1, 1))
    yaw = np.unwrap(np.arctan2(sign * points[:, 0], points[:, 2]))
    toes = np.maximum(-pitch, 0.0)
    if f"toe.{side}" in rig.roles:
        bent = _apply(turn.transpose(0, 2, 1) @ rig.turn(f"toe.{side}"), ahead)
        toes = np.arcsin(np.clip(bent[:, 1], -1, 1))
    return {f"ankle.{side}": rig.place(f"foot.{side}") / rig.leg, f"foot.{side}": np.stack([pitch, yaw, toes], 1)}


def _sole(rig: _Rig, side: str) -> Array:
    """(F, 2, 3) heel and ball."""
    ahead, up = rig.ahead(side), np.array([0.0, 1.0, 0.0])
    points = np.stack([-HEEL * ahead - ANKLE * up, rig.ball * ahead + (KNUCKLE - ANKLE) * up])
    around = np.einsum("fij,pj->fpi", rig.turn(f"foot.{side}"), points)
    return rig.place(f"foot.{side}")[:, None] / rig.leg + around - np.array([[0.0, 0.0, 0.0], [0.0, KNUCKLE, 0.0]])


def _grounded(found: Trace) -> Trace:
    """The same with heights counted over the ankle of a flat foot: its soles' lowest places are the ground."""
    lowest = np.concatenate([sole[..., 1].min(axis=1) for sole in found.soles.values()])
    ground = float(np.quantile(lowest, 0.05))
    for sole in found.soles.values():
        sole[..., 1] -= ground
    for name in ("hips", "ankle.L", "ankle.R"):
        found.vectors[name][:, 1] -= ground + ANKLE
    return found


def continuous(turns: Array) -> Array:
    """(F, 4) quaternions of (F, 3, 3) turns, without jumps of sign."""
    quaternions = Rotation.from_matrix(turns).as_quat()
    flips = (quaternions[1:] * quaternions[:-1]).sum(axis=1) < 0
    signs = np.concatenate([[1.0], np.cumprod(np.where(flips, -1.0, 1.0))])
    return quaternions * signs[:, None]


def _apply(turns: Array, vectors: Array) -> Array:
    """(F, 3): each turn on its vector, or all on one."""
    return np.einsum("fij,fj->fi", turns, np.broadcast_to(vectors, (len(turns), 3)))
