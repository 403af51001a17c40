"""Footwork: how feet roll over the ground and swing, so that a planted foot never slides under a moving person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assets.skeleton import Leg


@dataclass(frozen=True, slots=True)
class Build:
    """What a motion must know of a body, metres. The foot's points lie on the ground, from the ankle joint, foot flat."""

    leg_m: float  # hip joint to knee to ankle
    hip_m: float  # half the way between the hip joints
    ankle_m: float  # the joint's height over the sole, shoe included
    heel_m: float  # the sole's end behind the ankle
    ball_m: float  # where the toes begin, ahead of the ankle
    height_m: float


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
    z, y, pitch, toes = _foot(build, gait, phase % 1.0)
    return Leg((side * gait.width_m, y, z), pitch=pitch, yaw=gait.toe_out, toes=toes)


def _foot(build: Build, gait: Gait, phase: float) -> tuple[float, float, float, float]:
    """(z, y, pitch, toes) of the ankle: rolling over heel, sole and toes while planted, else swinging."""
    if phase < gait.stance:
        return _planted(build, gait, phase)
    swing = (phase - gait.stance) / (1 - gait.stance)
    z0, y0, pitch0, toes0 = _planted(build, gait, gait.stance)
    z1, y1, pitch1, _ = _planted(build, gait, 0.0)
    before, after = _planted(build, gait, gait.stance - 0.004), _planted(build, gait, 0.004)
    step = 0.004 / (1 - gait.stance)
    slopes = ((z0 - before[0]) / step, (after[0] - z1) / step, (y0 - before[1]) / step, (after[1] - y1) / step)
    z = _hermite(z0, z1, slopes[0], slopes[1], swing)
    y = _hermite(y0, y1, min(slopes[2], 1.5), max(slopes[3], -0.6), swing) + gait.lift_m * np.sin(np.pi * swing) ** 2
    # The foot stays pointed at first, then the shin muscles bring the toes up for the next heel strike.
    pitch = pitch0 + (pitch1 - pitch0) * smooth(swing * 1.35)
    clear = max(build.ball_m * 1.5 * -np.sin(pitch), build.heel_m * np.sin(pitch)) + build.ankle_m * np.cos(pitch)
    above = 0.012 * np.sin(np.pi * swing)
    return z, max(y, clear + above), pitch, toes0 * (1 - smooth(swing * 3))


def _planted(build: Build, gait: Gait, phase: float) -> tuple[float, float, float, float]:
    """The ankle while its foot is on the ground: the point touching the ground moves at exactly -speed."""
    ground = gait.travel_m / 2 - gait.behind_m - gait.speed_mps * gait.cycle_s * phase
    down, heel_off = gait.flat
    if phase < down:
        pitch = gait.strike * (1 - phase / down) ** 2
        pivot = -build.heel_m
    elif phase > heel_off:
        pitch = -gait.push * ((phase - heel_off) / (gait.stance - heel_off)) ** 1.7
        pivot = build.ball_m
    else:
        return ground, build.ankle_m, 0.0, 0.0
    # The ankle, turned about the point that touches the ground.
    back, up = -pivot, build.ankle_m
    cos, sin = np.cos(pitch), np.sin(pitch)
    z, y = ground + pivot + back * cos - up * sin, up * cos + back * sin
    return float(z), float(y), float(pitch), float(max(-pitch, 0.0))


def _hermite(a: float, b: float, slope_a: float, slope_b: float, t: float) -> float:
    return (
        (2 * t**3 - 3 * t**2 + 1) * a
        + (t**3 - 2 * t**2 + t) * slope_a
        + (3 * t**2 - 2 * t**3) * b
        + (t**3 - t**2) * slope_b
    )


def hips_height(build: Build, legs: tuple[Leg, Leg], hip_z: float = 0.0, straight: float = 0.99) -> float:
    """The highest the hip joints' middle may be so that both legs reach their ankles, metres.

    straight: how much of the leg's length is used; the rest leaves the knee a little bent.
    """
    heights = []
    for side, one in zip((1.0, -1.0), legs, strict=True):
        x, y, z = one.ankle
        across = (x - side * build.hip_m) ** 2 + (z - hip_z) ** 2
        heights.append(y + np.sqrt(max((straight * build.leg_m) ** 2 - across, 0.01)))
    return float(min(heights))
