"""Footwork: how feet roll over the ground and swing, so that a planted foot never slides under a moving person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assets.people.skeleton import Leg, Vector, turn


@dataclass(frozen=True, slots=True)
class Build:
    """What a motion must know of a body, metres. The foot's points lie on the ground, from the ankle joint, foot flat."""

    leg_m: float  # hip joint to knee to ankle
    hip_m: float  # half the way between the hip joints
    ankle_m: float  # the joint's height over the sole, shoe included
    heel_m: float  # the sole's end behind the ankle
    ball_m: float  # where the toes begin, ahead of the ankle
    height_m: float
    knuckle_m: float = 0.03  # the toe joints' height over the sole


@dataclass(frozen=True, slots=True)
class Gait:
    """A cycle of two steps. Shares are of the cycle, angles in radians, lengths in metres."""

    cycle_s: float
    speed_mps: float
    stance: float = 0.62  # share of the cycle that a foot is on the ground; under one half is a run
    flat: tuple[float, float] = (0.10, 0.36)  # when the whole sole is down
    strike: float = 0.30  # toes up when the heel lands
    push: float = 0.75  # heel up when the toes leave
    lift_m: float = 0.07
    width_m: float = 0.085  # of each ankle from the line walked
    toe_out: float = 0.12
    behind_m: float = 0.06  # the middle of a foot's time on the ground lies this far behind the hips
    fold: float = 0.0  # how much further a swinging foot points down: a runner's heel comes up behind

    @property
    def travel_m(self) -> float:
        """How far the body goes while one foot is planted."""
        return self.speed_mps * self.cycle_s * self.stance


def smooth(x: float) -> float:
    """0 below 0, 1 above 1, and a smooth S between."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def leg(build: Build, gait: Gait, phase: float, side: float) -> Leg:
    """The leg at `phase` of its own cycle (0: heel strike). side: +1 left, -1 right."""
    out, y, z, pitch, toes = _foot(build, gait, phase % 1.0)
    return Leg((side * (gait.width_m + out), y, z), pitch=pitch, yaw=gait.toe_out, toes=toes)


def sole_height(build: Build, leg: Leg) -> float:
    """How far the lowest of heel, ball and toes is over the ground, metres; 0 for a planted foot."""
    heel = _turned(leg.pitch, -build.heel_m, -build.ankle_m)[1]
    ball = _turned(leg.pitch, build.ball_m, build.knuckle_m - build.ankle_m)[1]
    tips = ball + _turned(leg.pitch + leg.toes, 0.3 * build.ball_m, 0.0)[1] - build.knuckle_m
    return leg.ankle[1] + min(heel, ball - build.knuckle_m * np.cos(leg.pitch + leg.toes), tips)


def rolled(build: Build, at: Leg, heel_up: float) -> Leg:
    """A foot that stood as `at` with its heel raised by `heel_up` radians; its toes stay where they are."""
    return _pivoted(build, at, -heel_up, (build.ball_m, build.knuckle_m))


def flat_leg(build: Build, at: Leg) -> Leg:
    """The foot that was rolled onto its toes as `at`, flat again; its toes stay where they are."""
    side = np.sign(at.ankle[0]) or 1.0
    back = _turned(at.pitch, build.ball_m, build.knuckle_m - build.ankle_m)[0] - build.ball_m
    x, z = at.ankle[0] + side * back * np.sin(at.yaw), at.ankle[2] + back * np.cos(at.yaw)
    return Leg((float(x), build.ankle_m, float(z)), yaw=at.yaw)


def _pivoted(build: Build, at: Leg, pitch: float, pivot: tuple[float, float]) -> Leg:
    """A flat foot turned by `pitch` about a point `pivot` (ahead of the ankle, over the ground) that stays put."""
    ahead, up = _turned(pitch, -pivot[0], build.ankle_m - pivot[1])
    along, side = pivot[0] + ahead, np.sign(at.ankle[0]) or 1.0
    ankle = (at.ankle[0] + side * along * np.sin(at.yaw), pivot[1] + up, at.ankle[2] + along * np.cos(at.yaw))
    return Leg((float(ankle[0]), float(ankle[1]), float(ankle[2])), pitch, at.yaw, max(-pitch, 0.0))


def _turned(pitch: float, ahead: float, up: float) -> tuple[float, float]:
    """(ahead, up) of a foot's point once its toes are lifted by `pitch`."""
    cos, sin = np.cos(pitch), np.sin(pitch)
    return ahead * cos - up * sin, ahead * sin + up * cos


def _foot(build: Build, gait: Gait, phase: float) -> tuple[float, float, float, float, float]:
    """(outward, y, z, pitch, toes) of the ankle: rolling over heel, sole and toes while planted, else swinging."""
    if phase < gait.stance:
        return _planted(build, gait, phase)
    swing = (phase - gait.stance) / (1 - gait.stance)
    x0, y0, z0, pitch0, toes0 = _planted(build, gait, gait.stance)
    x1, y1, z1, pitch1, _ = _planted(build, gait, 0.0)
    before, after = _planted(build, gait, gait.stance - 0.004), _planted(build, gait, 0.004)
    step = 0.004 / (1 - gait.stance)
    z = _hermite(z0, z1, (z0 - before[2]) / step, (after[2] - z1) / step, swing)
    slopes = min((y0 - before[1]) / step, 1.5), max((after[1] - y1) / step, -0.6)
    y = _hermite(y0, y1, *slopes, swing) + gait.lift_m * np.sin(np.pi * swing) ** 2
    # The foot stays pointed at first, then the shin muscles bring the toes up for the next heel strike.
    pitch = pitch0 + (pitch1 - pitch0) * smooth(swing * 1.35) - gait.fold * np.sin(np.pi * min(swing * 1.25, 1.0)) ** 2
    toes = toes0 * (1 - smooth(swing * 3))
    lowest = sole_height(build, Leg((0.0, 0.0, 0.0), pitch, 0.0, toes))
    y = max(y, 0.012 * np.sin(np.pi * swing) - lowest)
    return float(x0 + (x1 - x0) * smooth(swing)), float(y), float(z), float(pitch), float(toes)


def _planted(build: Build, gait: Gait, phase: float) -> tuple[float, float, float, float, float]:
    """The ankle while its foot is on the ground: the point touching the ground moves at exactly -speed."""
    ground = gait.travel_m / 2 - gait.behind_m - gait.speed_mps * gait.cycle_s * phase
    flat, (down, heel_off) = Leg((0.0, build.ankle_m, ground), yaw=gait.toe_out), gait.flat
    if phase < down:
        at = _pivoted(build, flat, gait.strike * (1 - smooth(phase / down)), (-build.heel_m, 0.0))
    elif phase > heel_off:
        at = rolled(build, flat, gait.push * ((phase - heel_off) / (gait.stance - heel_off)) ** 1.7)
    else:
        at = flat
    return at.ankle[0], at.ankle[1], at.ankle[2], at.pitch, at.toes


def _hermite(a: float, b: float, slope_a: float, slope_b: float, t: float) -> float:
    return (
        (2 * t**3 - 3 * t**2 + 1) * a
        + (t**3 - 2 * t**2 + t) * slope_a
        + (3 * t**2 - 2 * t**3) * b
        + (t**3 - t**2) * slope_b
    )


def hips_height(
    build: Build,
    legs: tuple[Leg, Leg],
    hip_z: float = 0.0,
    straight: float = 0.99,
    *,
    hip_x: float = 0.0,
    pelvis: Vector = (0.0, 0.0, 0.0),
) -> float:
    """The highest the hip joints' middle may be so that both legs reach their ankles, metres.

    hip_x, hip_z, pelvis: where that middle is and how the pelvis is turned. straight: how much of the leg's length is
    used; the rest leaves the knee a little bent.
    """
    heights = []
    joint = turn(*pelvis) @ (build.hip_m, 0.0, 0.0)
    for side, one in zip((1.0, -1.0), legs, strict=True):
        x, y, z = one.ankle
        across = (x - hip_x - side * joint[0]) ** 2 + (z - hip_z - side * joint[2]) ** 2
        heights.append(y - side * joint[1] + np.sqrt(max((straight * build.leg_m) ** 2 - across, 0.01)))
    return float(min(heights))
