"""Clips of arms at work: thrust, blow, and the archer's draw and loose. Drawn through key poses; the feet stay put."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from assets.motion.clips_standing import brace, fighting_stance
from assets.motion.gaits import Build, rolled
from assets.motion.grips import Arms, Grip, on_guard
from assets.motion.keyframes import hips_over, keyed, settled, standing
from assets.people.skeleton import Arm, Leg, Pose

Clip = Callable[[float], Pose]


def thrust(phase: float, build: Build, grip: Grip) -> Pose:
    if grip.right == "banner":  # who carries one stands by it
        return brace(phase, build, grip)
    return _on_his_toes(_thrust(build, grip)(phase), build)


def blow(phase: float, build: Build, grip: Grip) -> Pose:
    if grip.right == "banner":
        return brace(phase, build, grip)
    return _on_his_toes(_blow(build, grip)(phase), build)


def _on_his_toes(pose: Pose, build: Build) -> Pose:
    """The rear foot between key poses turns about its toes, which stay put; the hips come down until both legs reach."""
    rear = rolled(build, fighting_stance(build)[1], max(-pose.right_leg.pitch, 0.0))
    return settled(replace(pose, right_leg=rear), build)


def draw(phase: float, build: Build, grip: Grip) -> Pose:
    """Nock, draw, aim, loose, reach for the next arrow; who holds no bow braces."""
    if grip.left != "bow":
        return brace(phase, build, grip)
    return settled(_draw(build, grip)(phase), build)


def _lunge(build: Build, legs: tuple[Leg, Leg], arms: Arms, *, ahead: float, turned: float, bent: float) -> Pose:
    """A key pose of a fight. ahead: the weight's way forward in metres for a body of 1.75 m, which also lowers it and
    lifts the rear heel; turned: the right shoulder's way forward, radians, shared by hips and back; bent: forward."""
    heel = max(0.0, 4.0 * (ahead - 0.06))
    legs = (legs[0], rolled(build, legs[1], heel))
    pelvis = (0.08 + 0.3 * bent, -0.35 + 0.45 * turned, 0.0)
    left, right, shaft = arms
    left = _facing(left, 0.8 * turned)
    return Pose(
        hips=hips_over(build, legs, 0.05 + 0.25 * abs(ahead), 0.01, ahead, pelvis),
        pelvis=pelvis,
        spine=(0.10 + 0.4 * bent, -0.06 + 0.30 * turned, 0.0),
        chest=(0.04 + 0.3 * bent, -0.06 + 0.35 * turned, 0.0),
        head=(-0.14 - 0.6 * bent, 0.47 - 1.02 * turned, 0.0),
        left_arm=left,
        right_arm=right,
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=shaft,
        drape=(0.02 + 0.3 * ahead, 0.10 * turned),
    )


def _facing(arm: Arm, turned: float) -> Arm:
    """The left arm kept to the front of a chest that turns away under it by `turned` radians."""
    c, s = float(np.cos(turned)), float(np.sin(turned))
    (x, y, z), (ex, ey, ez) = arm.wrist, arm.elbow
    return replace(arm, wrist=(x * c - z * s, y, x * s + z * c), elbow=(ex * c - ez * s, ey, ex * s + ez * c))


@lru_cache(maxsize=256)
def _thrust(build: Build, grip: Grip) -> Clip:
    legs = fighting_stance(build)
    left, _, shaft = on_guard(grip, 0.0)
    if grip.right == "spear":
        level = Arm((0.34, -0.54, 0.10), (0.6, 0.0, -1.0), (0.0, -0.8, 0.6), (-0.02, 0.30, 1.0), 1.0)
        back = Arm((0.34, -0.46, -0.26), (0.5, 0.2, -1.0), (0.0, -0.9, 0.4), (-0.02, 0.10, 1.0), 1.0)
        out = Arm((0.06, 0.06, 0.95), (0.8, -0.6, -0.3), (0.0, -0.7, 0.7), (-0.04, 0.02, 1.0), 1.0, 0.15)
    elif grip.right == "sword":
        level = Arm((0.24, -0.52, 0.22), (0.7, 0.0, -1.0), (0.0, -0.5, 0.9), (-0.08, 0.40, 1.0), 1.0)
        back = Arm((0.26, -0.55, -0.20), (0.5, 0.1, -1.0), (0.0, -0.8, 0.5), (-0.06, 0.12, 1.0), 1.0)
        out = Arm((0.02, 0.04, 0.95), (0.7, -0.7, -0.2), (0.0, -0.8, 0.5), (-0.08, 0.02, 1.0), 1.0, 0.15)
    else:
        level = Arm((0.12, -0.40, 0.40), (0.9, -0.6, -0.6), (0.0, 0.3, 0.9), (-0.4, 0.7, -0.3), 1.0)
        back = Arm((0.20, -0.34, 0.10), (0.7, -0.3, -1.0), (0.0, 0.2, 1.0), (-0.6, 0.7, 0.0), 1.0)
        out = Arm((0.00, 0.08, 0.94), (0.8, -0.5, -0.2), (0.0, 0.0, 1.0), (-1.0, 0.3, 0.0), 1.0, 0.15)
    pulled = replace(left, wrist=(left.wrist[0] + 0.06, left.wrist[1], left.wrist[2] - 0.10))
    slid = -0.12 if grip.right == "spear" else shaft
    keys = [
        (0.0, _lunge(build, legs, (left, level, slid), ahead=0.0, turned=0.0, bent=0.05)),
        (0.26, _lunge(build, legs, (left, back, slid), ahead=-0.09, turned=-0.30, bent=0.02)),
        (0.34, _lunge(build, legs, (left, back, slid), ahead=-0.08, turned=-0.30, bent=0.03)),
        (0.47, _lunge(build, legs, (pulled, out, slid), ahead=0.17, turned=0.85, bent=0.22)),
        (0.55, _lunge(build, legs, (pulled, out, slid), ahead=0.17, turned=0.85, bent=0.22)),
        (0.80, _lunge(build, legs, (left, level, slid), ahead=0.0, turned=0.0, bent=0.06)),
    ]
    return keyed(keys)


@lru_cache(maxsize=256)
def _blow(build: Build, grip: Grip) -> Clip:
    legs = fighting_stance(build)
    left, _, shaft = on_guard(grip, 0.0)
    if grip.right == "spear":
        return _overarm(build, legs, left)
    fist = grip.right == "free"
    ready = Arm((0.30, -0.10, 0.30), (1.0, -0.5, -0.5), (0.0, 0.6, 0.8), (-0.10, 0.9, 0.2), 1.0, 0.10)
    raised = Arm((0.40, 0.48, -0.02), (1.0, 0.1, 0.1), (0.0, 0.9, 0.2), (0.10, 0.35, -0.9), 1.0, 0.40)
    coming = Arm((0.26, 0.42, 0.55), (1.0, -0.2, 0.2), (0.0, 0.5, 0.9), (0.00, 0.9, 0.35), 1.0, 0.35)
    struck = Arm((-0.02, -0.16, 0.86), (0.9, -0.5, -0.2), (0.0, -0.55, 0.85), (-0.22, 0.25, 1.0), 1.0, 0.12)
    past = Arm((-0.36, -0.58, 0.56), (0.8, -0.2, -0.4), (-0.2, -0.95, 0.3), (-0.35, -0.45, 0.8), 1.0)
    if fist:
        raised = replace(raised, knuckles=(0.0, 1.0, -0.2), grip=(-0.6, 0.1, -0.8))
    keys = [
        (0.0, _lunge(build, legs, (left, ready, shaft), ahead=0.0, turned=0.0, bent=0.03)),
        (0.26, _lunge(build, legs, (left, raised, shaft), ahead=-0.07, turned=-0.35, bent=-0.12)),
        (0.33, _lunge(build, legs, (left, raised, shaft), ahead=-0.05, turned=-0.35, bent=-0.12)),
        (0.41, _lunge(build, legs, (left, coming, shaft), ahead=0.06, turned=0.15, bent=0.05)),
        (0.48, _lunge(build, legs, (left, struck, shaft), ahead=0.14, turned=0.65, bent=0.28)),
        (0.57, _lunge(build, legs, (left, past, shaft), ahead=0.15, turned=0.90, bent=0.34)),
        (0.64, _lunge(build, legs, (left, past, shaft), ahead=0.14, turned=0.88, bent=0.32)),
        (0.86, _lunge(build, legs, (left, ready, shaft), ahead=0.01, turned=0.02, bent=0.05)),
    ]
    return keyed(keys)


def _overarm(build: Build, legs: tuple[Leg, Leg], left: Arm) -> Clip:
    """A spear held over the shoulder, its point past the little finger, jabbed down over the shield."""
    ready = Arm((0.36, 0.26, 0.10), (1.0, -0.3, -0.2), (0.1, 1.0, 0.2), (0.02, 0.12, -1.0), 1.0, 0.30)
    back = Arm((0.42, 0.30, -0.22), (1.0, -0.2, -0.4), (0.1, 1.0, 0.0), (0.02, 0.08, -1.0), 1.0, 0.35)
    out = Arm((0.08, 0.22, 0.93), (1.0, -0.3, 0.0), (0.0, 0.8, 0.6), (0.02, 0.30, -1.0), 1.0, 0.25)
    keys = [
        (0.0, _lunge(build, legs, (left, ready, 0.0), ahead=0.0, turned=-0.05, bent=0.02)),
        (0.26, _lunge(build, legs, (left, back, 0.0), ahead=-0.08, turned=-0.35, bent=-0.05)),
        (0.34, _lunge(build, legs, (left, back, 0.0), ahead=-0.07, turned=-0.35, bent=-0.05)),
        (0.47, _lunge(build, legs, (left, out, 0.0), ahead=0.15, turned=0.75, bent=0.24)),
        (0.54, _lunge(build, legs, (left, out, 0.0), ahead=0.15, turned=0.75, bent=0.24)),
        (0.82, _lunge(build, legs, (left, ready, 0.0), ahead=0.0, turned=-0.05, bent=0.03)),
    ]
    clip = keyed(keys)
    return lambda phase: replace(clip(phase), shaft_turn=float(np.pi))


@lru_cache(maxsize=256)
def _draw(build: Build, grip: Grip) -> Clip:
    legs = standing(build, left=(0.07, 0.22), right=(0.10, -0.22), toe_out=(0.35, 1.15))

    def key(bow: Arm, hand: Arm, *, turned: float, bent: float, down: float, string: float = 0.0) -> Pose:
        """turned: how far the body is side-on, radians; down: the way the head looks down."""
        pelvis = (0.02 + 0.2 * bent, -0.5 * turned, 0.0)
        return Pose(
            hips=hips_over(build, legs, 0.02, 0.0, 0.0, pelvis),
            pelvis=pelvis,
            spine=(0.02 + 0.4 * bent, -0.25 * turned, 0.0),
            chest=(0.4 * bent, -0.25 * turned, 0.0),
            head=(down - 0.4 * bent, 0.90 * turned, 0.0),
            left_arm=bow,
            right_arm=hand,
            left_leg=legs[0],
            right_leg=legs[1],
            string=string,
            drape=(0.02, 0.03 * turned),
        )

    upright, ahead = (0.12, 1.0, 0.06), (0.0, 0.0, 1.0)
    low = Arm((0.30, -0.62, 0.58), (0.8, -0.4, -0.6), (0.1, -0.4, 0.9), (-0.35, 0.75, 0.40), 1.0)
    held = Arm((0.97, 0.03, 0.16), (0.2, -0.9, -0.4), ahead, upright, 1.0, 0.12)
    nocked = Arm((-0.46, -0.60, 0.62), (1.0, -0.5, -0.2), (-0.6, 0.0, 0.8), (0.2, 0.9, 0.2), 0.9)
    drawn = Arm((-0.16, 0.16, 0.30), (1.0, 0.25, -0.35), (-0.35, 0.0, 0.95), (-0.2, 1.0, 0.1), 0.9, 0.22)
    loosed = Arm((0.26, 0.18, 0.08), (1.0, 0.15, -0.6), (-0.3, 0.4, 0.8), (-0.2, 1.0, 0.1), 0.3, 0.22)
    quiver = Arm((0.08, 0.47, -0.22), (0.6, 1.0, 0.6), (-0.2, 0.3, -0.9), (-0.9, 0.3, 0.2), 0.6, 0.40)
    at_string = Arm((-0.62, -0.02, 0.66), (1.0, 0.1, -0.1), (-0.5, 0.0, 0.85), (-0.1, 1.0, 0.1), 0.9, 0.12)
    keys = [
        (0.0, key(low, nocked, turned=0.85, bent=0.08, down=0.30)),
        (0.08, key(low, nocked, turned=0.90, bent=0.08, down=0.26)),
        (0.20, key(held, at_string, turned=1.15, bent=0.0, down=0.02)),
        (0.36, key(held, drawn, turned=1.25, bent=-0.03, down=0.02, string=1.0)),
        (0.535, key(held, drawn, turned=1.25, bent=-0.03, down=0.02, string=1.0)),
        (0.55, key(held, loosed, turned=1.25, bent=-0.02, down=0.0)),
        (0.64, key(held, loosed, turned=1.22, bent=0.0, down=0.0)),
        (0.80, key(low, quiver, turned=0.90, bent=0.03, down=0.10)),
        (0.86, key(low, quiver, turned=0.88, bent=0.04, down=0.14)),
    ]
    return keyed(keys)
