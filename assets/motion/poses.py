"""A moment of a person in a few film words: where hips, back, head, hands and feet are, and what the hands hold."""

from __future__ import annotations

from dataclasses import dataclass, field

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Arm:
    """Where a hand is. Lengths in arm lengths; x outward, y up, z forward, in the chest's frame.

    wrist: from the shoulder joint. elbow: the way that the elbow points.
    knuckles, grip: the way from wrist to knuckles, and along a held shaft from little finger to index finger, in the
    frame of the whole person (x outward); None leaves the hand in line with the forearm. curl: 0 flat hand, 1 fist.
    """

    wrist: Vector = (0.12, -0.95, 0.06)
    elbow: Vector = (0.5, -0.1, -1.0)
    knuckles: Vector | None = None
    grip: Vector | None = None
    curl: float = 0.35
    shrug: float = 0.0  # radians, the collar bone's lift
    hold: float = 1.0  # how much the hand keeps to knuckles and grip; at 0 it is in line with the forearm


@dataclass(frozen=True, slots=True)
class Leg:
    """Where a foot is: ankle in metres in the person's space; pitch > 0 lifts the toes, yaw > 0 turns them outward."""

    ankle: Vector = (0.1, 0.08, 0.0)
    pitch: float = 0.0
    yaw: float = 0.12
    toes: float = 0.0  # the toes' own turn against the foot, radians, > 0 bends them up
    roll: float = 0.0  # > 0 turns the sole inward
    knee: Vector = (0.0, 0.0, 1.0)  # the way that the knee points (x outward), before `yaw` turns it along


@dataclass(frozen=True, slots=True)
class Pose:
    """One moment of a person. Angles in radians as (pitch forward, yaw to the left, roll to the left)."""

    hips: Vector = (0.0, 0.9, 0.0)  # midway between the hip joints, metres
    pelvis: Vector = (0.0, 0.0, 0.0)
    spine: Vector = (0.0, 0.0, 0.0)
    head: Vector = (0.0, 0.0, 0.0)
    left_arm: Arm = field(default_factory=Arm)
    right_arm: Arm = field(default_factory=Arm)
    left_leg: Leg = field(default_factory=Leg)
    right_leg: Leg = field(default_factory=Leg)
    # How far a held shaft has slid through the right hand, towards its point; None: until its butt is on the ground.
    shaft_m: float | None = 0.0
    drape: tuple[float, float] = (0.0, 0.0)  # radians that hanging cloth swings back and to the left
    chest: Vector = (0.0, 0.0, 0.0)  # what the upper back turns on top of `spine`: an S where the two differ
    butt_share: float = 0.0  # how much of the way a sliding shaft has gone to put its butt on the ground
    shaft_turn: float = 0.0  # radians that a held shaft is turned about the palm's normal: pi points it the other way
    string: float = 0.0  # how far a bow's string is drawn to the right hand, 0 to 1
    clear_m: float = 0.0  # how far the lowest sole is off the ground: a runner's flight
    lying: float = 0.0  # 0: the soles carry the body; 1: whatever of the body is lowest
    terrain: float = (
        0.0  # 1: already put on uneven ground (assets.motion.footing), so the lowest sole is not moved to y = 0
    )
