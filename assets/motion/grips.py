"""What hands do with what they hold, at rest, on the move and on guard."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assets.people.skeleton import Arm

Arms = tuple[Arm, Arm, float | None]  # left, right, Pose.shaft_m


@dataclass(frozen=True, slots=True)
class Grip:
    """What the hands hold: right "free", "spear", "sword", "banner"; left "free", "shield" (centre grip), "strap" (on the forearm),
    "bow"."""

    right: str = "free"
    left: str = "free"


def carried(grip: Grip, swing: float, *, standing: bool = False) -> Arms:
    """Arms at rest or swinging; swing is +1 when the left foot is in front."""
    left = _hanging(-swing)
    if grip.left == "shield":  # centre grip: the hand behind the boss, palm down
        left = Arm((0.10, -0.62 + 0.02 * swing, 0.50), (0.9, -0.6, -0.5), (0.25, 0.0, 1.0), (-1.0, 0.0, 0.25), 1.0)
    elif grip.left == "strap":  # the forearm lies across the body, behind the shield
        left = Arm((-0.14, -0.52 + 0.02 * swing, 0.56), (1.0, -0.7, -0.1), (-0.85, 0.05, 0.5), (0.0, 1.0, 0.0), 1.0)
    elif grip.left == "bow":
        left = Arm((0.20, -0.86, 0.20 - 0.10 * swing), (0.5, 0.0, -1.0), (0.1, -0.8, 0.6), (0.0, 0.6, 0.8), 1.0)
    right, shaft = _hanging(swing), None if standing else 0.0
    if grip.right == "banner" and not standing:  # upright before the shoulder, its butt off the ground
        right = Arm((0.10, -0.50, 0.42), (0.8, -0.7, -0.5), (0.0, 0.0, 1.0), (0.02, 1.0, 0.04 + 0.02 * swing), 1.0)
        shaft = 0.02
    elif grip.right == "banner":  # planted before the shoulder
        right = Arm((0.14, -0.36, 0.42), (0.8, -0.9, -0.4), (0.05, 0.15, 1.0), (0.03, 1.0, 0.03), 1.0)
        shaft = None
    elif grip.right == "spear" and standing:  # the butt on the ground
        right = Arm((0.30, -0.38, 0.46), (0.8, -0.9, -0.4), (0.1, 0.15, 1.0), (0.04, 1.0, 0.05), 1.0)
        shaft = None
    elif grip.right == "spear":
        right = Arm((0.22, -0.66, 0.40), (0.6, -0.4, -1.0), (0.1, -0.1, 1.0), (0.0, 1.0, 0.10 + 0.04 * swing), 1.0)
        shaft = 0.1
    elif grip.right == "sword":
        right = Arm((0.22, -0.80, 0.28 + 0.12 * swing), (0.4, -0.1, -1.0), (0.05, -0.9, -0.5), (-0.04, -0.5, 0.87), 1.0)
    return left, right, shaft


def _hanging(swing: float) -> Arm:
    forward = 0.05 + 0.36 * swing
    return Arm((0.13, -0.93 + 0.10 * abs(swing) + 0.06 * swing, forward), (0.35, 0.0, -1.0), curl=0.40)


def run_with(grip: Grip, swing: float) -> Arms:
    """Elbows bent, fists pumping; arms and shields are held close."""
    left = _pumping(-swing)
    if grip.left == "shield":
        left = Arm((0.12, -0.52 + 0.03 * swing, 0.46), (0.9, -0.6, -0.6), (0.35, 0.05, 1.0), (-1.0, 0.15, 0.35), 1.0)
    elif grip.left == "strap":
        left = Arm((-0.10, -0.46 + 0.03 * swing, 0.52), (1.0, -0.7, -0.3), (-0.85, 0.1, 0.5), (0.1, 1.0, 0.1), 1.0)
    elif grip.left == "bow":
        left = Arm((0.24, -0.70, 0.22 - 0.20 * swing), (0.5, 0.0, -1.0), (0.1, -0.7, 0.7), (0.0, 0.4, 0.9), 1.0)
    right, shaft = _pumping(swing), 0.0
    if grip.right == "banner":  # slanted ahead
        right = Arm((0.22, -0.42, 0.44 + 0.04 * swing), (0.7, -0.6, -0.8), (0.1, -0.2, 1.0), (0.0, 1.0, 0.30), 1.0)
        shaft = 0.02
    elif grip.right == "spear":  # at the trail: level at the hip
        right = Arm((0.26, -0.84, 0.06 + 0.10 * swing), (0.5, 0.0, -1.0), (0.0, -1.0, 0.25), (-0.04, 0.22, 1.0), 1.0)
        shaft = -0.15
    elif grip.right == "sword":
        right = Arm((0.20, -0.58, 0.30 + 0.22 * swing), (0.6, 0.0, -1.0), (0.1, -0.3, 0.9), (0.05, 0.9, 0.35), 1.0)
    return left, right, shaft


def _pumping(swing: float) -> Arm:
    forward, raised = 0.18 + 0.42 * swing, -0.50 + 0.20 * swing
    return Arm((0.12 - 0.10 * max(swing, 0.0), raised, forward), (0.45, 0.1, -1.0), curl=0.85)


def levelled(grip: Grip, swing: float) -> Arms:
    """A charge: the shield high in front, the point of the weapon at the foe."""
    left, right, shaft = on_guard(grip, 0.04 + 0.02 * swing)
    if grip.left == "shield":
        left = replace(left, wrist=(0.06, -0.24 + 0.02 * swing, 0.70))
    elif grip.left == "free":
        left = _pumping(-swing)
    if grip.right == "banner":
        right, shaft = run_with(grip, swing)[1:]
        right = replace(right, wrist=(0.24, -0.30, 0.50 + 0.03 * swing), grip=(0.0, 1.0, 0.55))
    elif grip.right == "spear":  # couched under the arm, the point ahead
        right = Arm((0.30, -0.58, 0.02 + 0.05 * swing), (0.5, 0.1, -1.0), (0.05, -0.9, 0.5), (-0.10, 0.10, 1.0), 1.0)
        shaft = -0.20
    elif grip.right == "sword":  # swung up for the first blow
        right = Arm((0.38, 0.36 + 0.03 * swing, 0.18), (1.0, -0.1, 0.0), (0.0, 0.9, 0.5), (0.05, 0.6, -0.7), 1.0, 0.35)
    elif grip.left in ("bow", "free"):
        right = _pumping(swing)
    return left, right, shaft


def on_guard(grip: Grip, breath: float) -> Arms:
    """Arms for the line of battle."""
    left = Arm((0.05, -0.35 + breath, 0.62), (0.8, -1.0, 0.0), (0.1, 0.6, 0.8), (-0.3, 0.6, -0.5), 0.9)
    if grip.left == "shield":
        left = Arm((0.10, -0.40 + breath, 0.72), (0.9, -0.7, -0.2), (-0.35, 0.08, 1.0), (-1.0, 0.0, -0.35), 1.0)
    elif grip.left == "strap":
        left = Arm((-0.10, -0.24 + breath, 0.66), (1.0, -0.6, 0.2), (-1.0, 0.10, 0.05), (0.05, 1.0, 0.0), 1.0)
    elif grip.left == "bow":
        left = Arm((0.55, -0.10 + breath, 0.80), (1.0, -0.3, -0.2), (0.5, 0.0, 0.9), (0.1, 1.0, 0.1), 1.0)
    right = Arm((0.10, -0.45 + breath, 0.50), (0.9, -0.8, -0.5), (0.0, 0.7, 0.7), (-0.4, 0.6, -0.6), 0.9)
    shaft: float | None = 0.0
    if grip.right == "banner":  # planted beside him
        right = Arm((0.34, -0.26, 0.40), (0.9, -0.8, -0.3), (0.1, 0.1, 1.0), (0.02, 1.0, 0.03), 1.0)
        shaft = None
    elif grip.right == "spear":  # underarm, the point raised
        right, shaft = (
            Arm((0.34, -0.50 + breath, 0.30), (0.6, 0.0, -1.0), (0.0, -0.35, 0.95), (0.02, 0.88, 0.46), 1.0),
            0.1,
        )
    elif grip.right == "sword":
        right = Arm((0.20, -0.58 + breath, 0.30), (0.7, 0.0, -1.0), (0.0, -0.3, 1.0), (-0.15, 0.55, 0.8), 1.0)
    return left, right, shaft
