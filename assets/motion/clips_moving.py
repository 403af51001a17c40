"""Clips that cover ground: walk, march, run, charge. Each is footwork (assets.motion.gaits) under a way of carrying oneself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from assets.motion import gaits
from assets.motion.gaits import Build, Gait
from assets.motion.grips import Arms, Grip, carried, levelled, run_with
from assets.people.skeleton import Pose

TAU = 2 * np.pi


@dataclass(frozen=True, slots=True)
class Bearing:
    """How the body goes over its feet. Radians and metres."""

    arms: Callable[[Grip, float], Arms] = carried
    swing: float = 1.0  # of arms and shoulders
    lean: float = 0.04
    bob_m: float = 0.022  # the hips rise and fall
    low: float = 0.04  # when they are lowest: a walker's just after a heel strike, a runner's amid the step
    sway_m: float = 0.018
    turn: float = 0.10  # of the pelvis


WALK = Gait(cycle_s=1.08, speed_mps=1.25)
MARCH = Gait(cycle_s=1.08, speed_mps=1.3, lift_m=0.10, strike=0.22, width_m=0.09)
RUN = Gait(
    cycle_s=0.70, speed_mps=3.2, stance=0.36, flat=(0.07, 0.15), strike=0.12, push=0.80, lift_m=0.16, width_m=0.05,
    toe_out=0.06, behind_m=0.10, fold=0.75,
)  # fmt: skip
CHARGE = replace(RUN, speed_mps=2.8, stance=0.40, flat=(0.08, 0.17), lift_m=0.15, width_m=0.075, fold=0.55)

WALKING = Bearing()
MARCHING = Bearing(swing=0.75, lean=0.02)
RUNNING = Bearing(run_with, swing=0.9, lean=0.13, bob_m=0.030, low=0.17, sway_m=0.008, turn=0.16)
CHARGING = Bearing(levelled, swing=0.6, lean=0.20, bob_m=0.026, low=0.19, sway_m=0.010, turn=0.12)


def going(gait: Gait, bearing: Bearing) -> Callable[[float, Build, Grip], Pose]:
    """The clip of one who goes with `gait`."""
    return lambda phase, build, grip: _gone(gait, bearing, phase, build, grip)


def _gone(gait: Gait, how: Bearing, phase: float, build: Build, grip: Grip) -> Pose:
    legs = gaits.leg(build, gait, phase, 1.0), gaits.leg(build, gait, phase + 0.5, -1.0)
    stride = np.cos(TAU * phase)  # +1 when the left heel strikes
    hips, pelvis = _carriage(gait, how, phase)
    shift, bounce = np.sin(TAU * (phase - 0.06)), np.cos(2 * TAU * (phase - how.low - 0.05))
    left, right, shaft = how.arms(grip, stride * how.swing)
    nod = 0.3 * how.bob_m / 0.022 * 0.05 * bounce
    return Pose(
        hips=(hips[0], _mean_hips(gait, how, build) + hips[1], 0.0),
        pelvis=pelvis,
        # The small of the back gives under the hips, the ribs swing against them, the head stays on its way.
        spine=(how.lean * 0.5 + nod, 0.06 * stride * how.swing, 0.035 * shift),
        chest=(how.lean * 0.5 - 0.5 * nod, 0.14 * stride * how.swing, 0.035 * shift),
        head=(-1.6 * how.lean - 0.6 * nod, (how.turn - 0.20 * how.swing) * stride, -0.02 * shift),
        left_arm=left,
        right_arm=right,
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=shaft,
        drape=(0.10 + how.lean + 0.04 * np.sin(2 * TAU * phase), 0.05 * np.sin(TAU * (phase - 0.15))),
        clear_m=max(0.0, min(gaits.sole_height(build, one) for one in legs)),
    )


def _carriage(gait: Gait, how: Bearing, phase: float) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """((x, y over their mean) of the hips, the pelvis): over the standing foot, dropping on the swinging side."""
    stride, shift = np.cos(TAU * phase), np.sin(TAU * (phase - 0.06))
    bob = np.cos(2 * TAU * (phase - how.low))
    return (how.sway_m * shift, -how.bob_m * bob), (how.lean, -how.turn * stride, -0.04 * shift)


@lru_cache(maxsize=512)
def _mean_hips(gait: Gait, how: Bearing, build: Build) -> float:
    """The hips' mean height: as high as both legs reach at every moment of the cycle."""
    heights = []
    for phase in np.arange(96) / 96:
        legs = gaits.leg(build, gait, phase, 1.0), gaits.leg(build, gait, phase + 0.5, -1.0)
        (x, y), pelvis = _carriage(gait, how, phase)
        heights.append(gaits.hips_height(build, legs, straight=0.994, hip_x=x, pelvis=pelvis) - y)
    return float(min(heights))


def at_pace(gait: Gait, speed_mps: float) -> Gait:
    """`gait` at another speed: half of the difference in longer strides, half in quicker ones."""
    share = np.sqrt(speed_mps / gait.speed_mps)
    return replace(gait, speed_mps=speed_mps, cycle_s=float(gait.cycle_s / share))


def gait_at(speed_mps: float) -> Gait:
    """How a person goes at `speed_mps`: a walk up to 1.8 m/s, a run from 2.4 m/s, between them from one to the other.

    Whatever the speed, a planted foot stays put: stride length is speed times cycle. Speeds are held to 0.3 .. 6 m/s.
    """
    speed_mps = float(np.clip(speed_mps, 0.3, 6.0))
    share = gaits.smooth((speed_mps - 1.8) / 0.6)
    walk, run = at_pace(WALK, speed_mps), at_pace(RUN, speed_mps)
    if share in (0.0, 1.0):
        return run if share else walk
    mixed = {
        name: (1 - share) * getattr(walk, name) + share * getattr(run, name)
        for name in ("cycle_s", "stance", "strike", "push", "lift_m", "width_m", "toe_out", "behind_m", "fold")
    }
    flat = tuple((1 - share) * a + share * b for a, b in zip(walk.flat, run.flat, strict=True))
    return Gait(speed_mps=speed_mps, flat=(flat[0], flat[1]), **mixed)


def bearing_at(speed_mps: float) -> Bearing:
    """How the body is carried at `speed_mps`; arms change over at once, half way from walk to run."""
    share = gaits.smooth((speed_mps - 1.8) / 0.6)
    mixed = {
        name: (1 - share) * getattr(WALKING, name) + share * getattr(RUNNING, name)
        for name in ("swing", "lean", "bob_m", "low", "sway_m", "turn")
    }
    return Bearing(run_with if share > 0.5 else carried, **mixed)
