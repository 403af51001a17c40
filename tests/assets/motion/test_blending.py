"""Facts of mixed poses and of changes from one motion to another."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from assets.motion.blending import STANDARD, angles, blend, planted, transition
from assets.motion.crossing import cross
from assets.motion.grips import Grip
from assets.motion.keyframes import pack, unpack
from assets.motion.motions import load_motion
from assets.people.skeleton import turn

SPEAR = Grip("spear", "shield")


def test_a_packed_pose_comes_back():
    pose = load_motion("charge").pose(0.3, STANDARD, SPEAR)

    assert unpack(pack(pose)) == pose


def test_angles_undo_turn():
    assert angles(turn(0.4, -1.1, 0.3)) == pytest.approx((0.4, -1.1, 0.3))


def test_the_ends_of_a_blend_are_the_poses_themselves():
    a, b = (load_motion(name).pose(0.2, STANDARD, SPEAR) for name in ("idle", "march"))

    assert blend(a, b, 0.0) is a
    assert blend(a, b, 1.0) is b
    near = blend(a, b, 1e-7)
    assert near.butt_share == pytest.approx(1.0, abs=1e-6)  # the spear's butt still on the ground
    assert near.hips == pytest.approx(a.hips, abs=1e-6)


def test_turns_are_mixed_by_the_short_way():
    a = replace(load_motion("idle").pose(0.0, STANDARD, Grip()), pelvis=(0.0, 3.0, 0.0))
    b = replace(a, pelvis=(0.0, -3.0, 0.0))

    assert abs(blend(a, b, 0.5).pelvis[1]) == pytest.approx(np.pi)


def test_directions_keep_their_length_even_when_they_oppose():
    a = load_motion("idle").pose(0.0, STANDARD, SPEAR)
    b = replace(a, right_arm=replace(a.right_arm, grip=tuple(-np.array(a.right_arm.grip))))

    for share in (0.25, 0.5, 0.75):
        assert np.linalg.norm(blend(a, b, share).right_arm.grip) == pytest.approx(1.0)


def test_a_walk_is_entered_from_a_march_in_step():
    walk, march = load_motion("walk"), load_motion("march")

    for phase in (0.0, 0.25, 0.6, 0.9):
        entered, _ = transition(walk, phase, march)
        assert abs((entered - phase + 0.5) % 1 - 0.5) < 0.06


def test_likeness_makes_a_change_short():
    brace, thrust, fall = (load_motion(name) for name in ("brace", "thrust", "fall"))

    assert transition(brace, 0.3, fall)[0] == 0.0  # a clip begins at its beginning
    assert transition(brace, 0.0, fall)[1] < transition(load_motion("cheer"), 0.5, fall)[1]
    assert transition(brace, 0.0, thrust, rate_hz=48)[1] == pytest.approx(2 * transition(brace, 0.0, thrust)[1], abs=1)


CHANGES = [("idle", "march"), ("march", "idle"), ("walk", "run"), ("charge", "brace"), ("brace", "charge"),
           ("idle", "brace"), ("brace", "thrust"), ("march", "charge"), ("run", "walk"), ("brace", "fall")]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), CHANGES)
@pytest.mark.parametrize("phase", [0.05, 0.3, 0.7])
def test_no_foot_slides_while_motions_change(old: str, new: str, phase: float):
    """A flat planted foot keeps its place in the world from frame to frame, and the last pose is the new motion's."""
    a, b = load_motion(old), load_motion(new)

    change = cross(a, phase, b, STANDARD, SPEAR)

    for side in (0, 1):
        legs = [(p.left_leg, p.right_leg)[side] for p in change.poses]
        for (one, two), (d1, d2), (w1, w2) in zip(
            pairwise(legs), pairwise(change.planted), pairwise(change.ahead_m), strict=True
        ):
            if d1[side] and d2[side] and abs(one.pitch) < 1e-9 and abs(two.pitch) < 1e-9:
                moved = np.subtract(two.ankle, one.ankle) + np.array([0, 0, w2 - w1])
                assert np.linalg.norm(moved) < 0.001
    last = b.pose(change.phase, STANDARD, SPEAR)
    assert change.poses[-1].left_leg.ankle == pytest.approx(last.left_leg.ankle, abs=1e-6)
    assert change.poses[-1].right_leg.ankle == pytest.approx(last.right_leg.ankle, abs=1e-6)


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_legs_reach_and_feet_do_not_jump_while_motions_change(old: str, new: str):
    change = cross(load_motion(old), 0.4, load_motion(new), STANDARD, SPEAR)

    for pose in change.poses:
        for leg, side in ((pose.left_leg, 1), (pose.right_leg, -1)):
            hip = pose.hips + turn(*pose.pelvis) @ (side * STANDARD.hip_m, 0, 0)
            assert np.linalg.norm(hip - leg.ankle) < 0.9975 * STANDARD.leg_m
    ways = np.array([[p.left_leg.ankle, p.right_leg.ankle] for p in change.poses])
    assert np.abs(np.diff(ways, axis=0)).max() < 0.35  # metres in 1/24 s: the swing of a run is 0.3


def test_planted_knows_the_seam():
    march = load_motion("march")

    assert planted(march, 0.02, "R")  # from 0.5 to 1.12
    assert planted(march, 0.02, "L")
    assert not planted(march, 0.2, "R")
