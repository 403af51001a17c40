"""Clips on the spot: idle, brace, cheer, shield up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assets.motion.gaits import Build
from assets.motion.grips import Grip, carried, on_guard
from assets.motion.keyframes import hips_over, standing
from assets.people.skeleton import Arm, Leg, Pose, Vector

TAU = 2 * np.pi


def idle(phase: float, build: Build, grip: Grip) -> Pose:
    breath, sway = np.sin(TAU * phase), np.sin(TAU * phase + 0.9)
    legs = standing(build, left=(0.115, 0.03), right=(0.125, -0.04), toe_out=(0.16, 0.28))
    pelvis = (-0.02, 0.05, 0.035 + 0.012 * sway)
    left, right, shaft = carried(grip, 0.03 * breath, standing=True)
    return Pose(
        hips=_mean_hips(build, legs, 0.004, 0.016 + 0.012 * sway, -0.012, (-0.02, 0.05, 0.047)),
        pelvis=pelvis,
        spine=(0.015 * breath + 0.01, -0.03, -0.05 - 0.015 * sway),
        head=(0.05 - 0.02 * breath, 0.06 * sway, 0.01),
        left_arm=replace(left, shrug=0.025 * breath),
        right_arm=replace(right, shrug=0.025 * breath),
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=shaft,
        drape=(0.015 * sway, 0.02 * breath),
    )


def _mean_hips(build: Build, legs: tuple[Leg, Leg], sink_m: float, x: float, z: float, most: Vector) -> Vector:
    """Hips at one height all the way, low enough for the pelvis turned `most` to either side and swung to 3 cm."""
    heights = [hips_over(build, legs, sink_m, side, z, most)[1] for side in (-0.004, 0.028)]
    return (x, min(heights), z)


def fighting_stance(build: Build) -> tuple[Leg, Leg]:
    """Left foot ahead, right foot behind and turned out."""
    return standing(build, left=(0.13, 0.33), right=(0.15, -0.36), toe_out=(0.05, 0.75))


def brace(phase: float, build: Build, grip: Grip) -> Pose:
    breath = np.sin(TAU * phase)
    legs, pelvis = fighting_stance(build), (0.10, -0.35, 0.0)
    left, right, shaft = on_guard(grip, 0.02 * breath)
    hips = hips_over(build, legs, 0.062, 0.0, 0.03, pelvis)
    return Pose(
        hips=(0.0, hips[1] + 0.006 * breath, hips[2] + 0.008 * breath),
        pelvis=pelvis,
        spine=(0.16 + 0.015 * breath, -0.12, 0.0),
        head=(-0.16, 0.46, 0.0),
        left_arm=left,
        right_arm=right,
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=shaft,
    )


def cheer(phase: float, build: Build, grip: Grip) -> Pose:
    pump = 0.5 - 0.5 * np.cos(TAU * phase)
    legs = standing(build, left=(0.15, 0.04), right=(0.17, -0.05), toe_out=(0.2, 0.3))
    hips = hips_over(build, legs, 0.035 - 0.025 * pump, 0.01, 0.0, (-0.03, 0.0, 0.0))
    left, _, _ = carried(grip, 0.1 * pump, standing=True)
    if grip.left == "free":
        left = Arm((0.35 - 0.1 * pump, 0.55 + 0.3 * pump, 0.15), (1.0, -0.3, 0.1), (0, 1, 0.1), (-0.3, 0, 1), 0.8, 0.25)
    held = grip.right == "spear"  # taken by the middle, or it would leave every frame
    up, tilt = (0.10 if held else 0.40) + 0.40 * pump, -0.15 + 0.3 * pump
    right = Arm((0.28 - 0.08 * pump, up, 0.20), (1.0, -0.4, 0.1), (0.1, 0.4, 1.0), (0.12, 1.0, tilt), 1.0, 0.35 * pump)
    if grip.right == "banner":  # its tip stays within a sprite's frame
        up = -0.32 + 0.34 * pump
        right = replace(right, wrist=(0.16, up, 0.36), elbow=(0.9, -0.7, -0.2), knuckles=(0.1, 0.1, 1.0))
    if grip.right == "free":
        right = replace(right, knuckles=(0, 1.0, 0.1), grip=(-0.3, 0.0, 1.0))
    return Pose(
        hips=hips,
        pelvis=(-0.03, 0.0, 0.0),
        spine=(-0.14 - 0.06 * pump, 0.10, 0.08 * pump),
        head=(-0.22, -0.05, 0.0),
        left_arm=left,
        right_arm=right,
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=-0.28 if grip.right == "banner" else -0.42,
        drape=(-0.03 * pump, 0.03 * np.sin(TAU * phase)),
    )


def shield_up(phase: float, build: Build, grip: Grip) -> Pose:
    """Crouched under a raised shield; without one, under a raised arm."""
    breath, flinch = np.sin(TAU * phase), np.sin(TAU * phase + 1.9)
    legs, pelvis = standing(build, (0.14, 0.22), (0.16, -0.24), (0.08, 0.5)), (0.24, -0.12, 0.0)
    hips = hips_over(build, legs, 0.15, 0.0, 0.02, pelvis)
    _, right, shaft = on_guard(grip, 0.015 * breath)
    if grip.right == "free" and grip.left != "bow":
        right = Arm((-0.30, 0.52 + 0.01 * breath, 0.36), (1.0, 0.2, 0.4), (-0.9, 0.3, 0.1), (0.0, 0.5, -1.0), 0.5, 0.35)
    return Pose(
        hips=(0.0, hips[1] + 0.006 * breath, hips[2]),
        pelvis=pelvis,
        spine=(0.14 + 0.015 * breath, 0.06, 0.0),
        chest=(0.08, 0.04, 0.0),
        head=(-0.10 + 0.03 * flinch, 0.04, 0.0),
        left_arm=_cover(grip.left, 0.012 * breath),
        right_arm=right,
        left_leg=legs[0],
        right_leg=legs[1],
        shaft_m=shaft,
        drape=(0.02 * flinch, 0.015 * breath),
    )


def _cover(left: str, breath: float) -> Arm:
    """The left arm over the head, its shield's face up and a little forward."""
    if left == "shield":
        return Arm((-0.22, 0.66 + breath, 0.42), (1.0, 0.1, 0.5), (0.0, 1.0, 0.45), (-1.0, 0.0, 0.0), 1.0, 0.40)
    if left == "strap":
        return Arm((-0.45, 0.50 + breath, 0.55), (1.0, 0.6, 0.4), (-1.0, 0.0, 0.1), (0.0, 0.5, -1.0), 1.0, 0.40)
    if left == "bow":
        return Arm((-0.20, 0.58 + breath, 0.34), (1.0, 0.1, 0.3), (-0.3, 0.9, 0.3), (-1.0, -0.2, 0.1), 1.0, 0.40)
    return Arm((-0.38, 0.60 + breath, 0.26), (1.0, 0.3, 0.4), (-1.0, 0.1, 0.0), (0.0, 0.4, -1.0), 0.4, 0.45)
