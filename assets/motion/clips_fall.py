"""The clip of one who is struck and falls: it runs once and stays down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from assets.motion.clips_standing import fighting_stance
from assets.motion.gaits import Build, rolled
from assets.motion.grips import Grip, on_guard
from assets.motion.keyframes import hips_over, keyed, settled
from assets.people.skeleton import Arm, Leg, Pose

UNTIL = 0.28  # both feet are planted until then


def fall(phase: float, build: Build, grip: Grip) -> Pose:
    pose = _fall(build, grip)(phase)
    if phase > UNTIL:
        return pose
    planted = fighting_stance(build)
    return settled(
        replace(pose, left_leg=planted[0], right_leg=rolled(build, planted[1], max(-pose.right_leg.pitch, 0.0))), build
    )


@lru_cache(maxsize=256)
def _fall(build: Build, grip: Grip) -> Callable[[float], Pose]:
    """Struck in the chest: knees give, the body sits down behind its feet, drops on its back and lies still."""
    size = build.height_m / 1.75
    stance = fighting_stance(build)
    left, right, shaft = on_guard(grip, 0.0)
    start_pelvis, hit_pelvis = (0.10, -0.30, 0.0), (-0.12, -0.16, 0.0)
    flung = Arm((0.62, 0.10, 0.55), (0.8, -0.6, -0.4), (0.5, 0.3, 0.8), (-0.2, 0.9, -0.2), 0.8, 0.2)
    back = Arm((0.70, 0.25, 0.35), (0.8, -0.6, -0.4), (0.6, 0.3, 0.6), (0.1, 0.35, -1.0), 0.8, 0.2)
    # Back of the hand on the ground beside the shoulder.
    down_left, down_right = _arms_down(grip)

    slid = -0.92 if grip.right == "banner" else 0.0  # the pole slips through the hand, its top to beside the head

    def leg(
        x: float, y: float, z: float, pitch: float, yaw: float, roll: float, knee: tuple[float, float, float]
    ) -> Leg:
        return Leg((x * size, y * size, z * size), pitch, yaw, 0.0, roll, knee)

    sat_legs = (
        leg(0.15, 0.10, 0.52, 0.35, 0.15, 0.0, (0.1, 1.0, 0.6)),
        leg(-0.17, 0.13, 0.34, 0.30, 0.35, 0.0, (0.25, 1.0, 0.6)),
    )
    lain_legs = (
        leg(0.16, 0.105, 0.50, 0.9, 0.50, 0.0, (0.45, 1.0, 0.2)),
        leg(-0.22, 0.100, 0.30, 0.35, 0.45, 0.0, (0.55, 1.0, 0.2)),
    )
    start = Pose(hips_over(build, stance, 0.062, 0.0, 0.03, start_pelvis), start_pelvis, (0.16, -0.10, 0.0),
                 (-0.14, 0.40, 0.0), left, right, *stance, shaft)  # fmt: skip
    hit = Pose(hips_over(build, stance, 0.10, 0.0, -0.10, hit_pelvis), hit_pelvis, (-0.20, 0.05, 0.04),
               (0.30, 0.12, 0.05), left, flung, *stance, 0.3 * slid)  # fmt: skip
    toes = (rolled(build, stance[0], 0.0), rolled(build, stance[1], 0.35))
    sinking = Pose((0.0, 0.60 * size, -0.24 * size), (-0.25, -0.05, 0.0), (0.20, 0.05, 0.02), (0.25, 0.05, 0.0),
                   left, flung, *toes, 0.3 * slid if slid else 0.2)  # fmt: skip
    sat = Pose((0.0, 0.17 * size, -0.26 * size), (-0.75, 0.0, 0.0), (0.25, 0.0, 0.0), (0.30, 0.0, 0.0), down_left, back,
               *sat_legs, 0.4 * slid, lying=1.0)  # fmt: skip
    landed = Pose((0.0, 0.12 * size, -0.27 * size), (-1.50, 0.0, 0.0), (0.0, 0.0, 0.0), (0.25, 0.1, 0.0), down_left,
                  down_right, *sat_legs, slid, lying=1.0)  # fmt: skip
    lain = Pose((0.0, 0.11 * size, -0.27 * size), (-1.57, 0.0, 0.0), (-0.05, 0.0, 0.0), (-0.25, 0.45, 0.0), down_left,
                down_right, *lain_legs, slid, lying=1.0)  # fmt: skip
    keys = [(0.0, start), (0.14, hit), (UNTIL, sinking), (0.50, sat), (0.66, landed), (0.84, lain), (1.0, lain)]
    return keyed(keys, loops=False)


def _arms_down(grip: Grip) -> tuple[Arm, Arm]:
    """Arms flung wide of one who lies on his back: chest axes, so z is up from the ground."""
    left = Arm((0.80, 0.10, -0.05), (0.3, -1.0, -0.1), (0.9, 0.0, -0.4), (0.3, 0.2, -1.0), 0.4)
    if grip.left == "shield":  # beside the body, face up
        left = Arm((0.62, -0.42, 0.12), (0.9, -0.2, -0.1), (0.55, 1.0, 0.0), (-1.0, 0.55, 0.0), 0.9)
    elif grip.left == "strap":
        left = Arm((0.40, -0.45, 0.20), (0.9, 0.2, -0.1), (-0.5, 0.25, 0.8), (0.6, 0.0, 0.5), 0.9)
    elif grip.left == "bow":
        left = Arm((0.80, 0.10, 0.0), (0.3, -1.0, -0.1), (0.9, 0.0, -0.3), (0.2, 0.0, -1.0), 0.8)
    right = Arm((0.72, 0.35, -0.06), (0.6, -0.8, 0.0), (0.8, 0.05, -0.5), (0.4, 0.1, -1.0), 0.4)
    if grip.right in ("spear", "sword"):
        right = Arm((0.72, 0.20, -0.02), (0.6, -0.8, 0.0), (0.95, 0.1, -0.1), (0.1, 0.0, -1.0), 0.8)
    if grip.right == "banner":  # the bar level with the ground: the back of the hand aside, knuckles up
        right = Arm((0.66, 0.16, 0.16), (0.6, -0.8, -0.4), (0.30, 0.95, 0.0), (0.15, 0.0, -1.0), 0.8)
    return left, right
