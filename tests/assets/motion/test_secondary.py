"""Facts of gaze, breath, lag and habit."""

from __future__ import annotations

import numpy as np
import pytest

from assets.motion.blending import STANDARD
from assets.motion.grips import Grip
from assets.motion.keyframes import pack
from assets.motion.motions import load_motion
from assets.motion.secondary import (
    LATE_S,
    NECK_YAW,
    breathing,
    chance,
    eased,
    enlivened,
    gaze,
    glance,
    habit,
    lag,
    liveliness,
)
from assets.people.skeleton import turn

IDLE = load_motion("idle").pose(0.2, STANDARD, Grip())


def face(pose) -> np.ndarray:
    """Which way the nose points, roughly: neck bones share the head's turn."""
    return turn(*pose.pelvis) @ turn(*pose.spine) @ turn(*pose.chest) @ turn(*pose.head) @ (0, 0, 1)


@pytest.mark.parametrize("towards", [(0.6, 0.1, 1.0), (-0.8, -0.3, 1.0), (0.0, 0.4, 1.0)])
def test_a_gaze_meets_its_target(towards: tuple[float, float, float]):
    looking = gaze(IDLE, towards)

    cos = face(looking) @ np.array(towards) / np.linalg.norm(towards)
    assert np.degrees(np.arccos(cos)) < 6


def test_a_neck_goes_no_further_than_necks_go():
    looking = gaze(IDLE, (0.5, 0.0, -1.0))

    assert abs(looking.head[1]) <= NECK_YAW


def test_glances_are_eased_and_differ_between_neighbours():
    times = np.arange(0, 40, 1 / 24)
    ways = np.array([[glance(t, seed) for t in times] for seed in range(4)])

    speeds = np.linalg.norm(np.diff(ways, axis=1), axis=2) * 24
    assert speeds.max() < 8  # radians a second, a quick look
    assert np.allclose(np.linalg.norm(ways, axis=2), 1)
    assert ways[..., 2].mean() > 0.85  # ahead for the most part
    assert np.abs(np.corrcoef(ways[..., 0])[np.triu_indices(4, 1)]).max() < 0.4
    assert eased(0.0) == 0.0
    assert eased(9.0) == 1.0


def test_breath_comes_and_goes_without_a_jerk():
    lifts = np.array([breathing(IDLE, t, 5).left_arm.shrug for t in np.arange(0, 12, 1 / 24)])

    assert np.ptp(lifts) > 0.02
    assert np.abs(np.diff(lifts, 2)).max() < 0.002
    spent = [breathing(IDLE, t, 5, 1.0).left_arm.shrug for t in np.arange(0, 12, 1 / 24)]
    assert np.ptp(spent) > 2 * np.ptp(lifts)


def test_cloth_and_shaft_follow_late():
    thrust, grip = load_motion("thrust"), Grip("spear", "shield")
    now, earlier = (thrust.pose(p, STANDARD, grip) for p in (0.42, 0.36))

    late = lag(now, earlier)

    assert late.drape != now.drape
    assert late.right_arm.grip != now.right_arm.grip
    still = lag(now, now)
    assert pack(still) == pytest.approx(pack(now))


def test_nobody_moves_in_lockstep_and_feet_stay_where_they_are():
    motion, grip = load_motion("idle"), Grip("spear", "strap")
    now, earlier = (motion.pose(phase, STANDARD, grip) for phase in (0.3, 0.3 - LATE_S / motion.cycle_s))
    lively = liveliness(motion)
    people = [enlivened(now, earlier, lively, time_s=2.0, seed=seed) for seed in range(6)]

    assert len({pose.head for pose in people}) == 6
    assert len({pose.chest for pose in people}) == 6
    assert len({(pose.hips, pose.left_leg, pose.right_leg) for pose in people}) == 1
    assert enlivened(now, earlier, lively, time_s=2.0, seed=3) == people[3]
    assert habit(IDLE, 1) != habit(IDLE, 2)


def test_chance_is_even():
    draws = np.array([chance(seed, 1) for seed in range(2000)])

    assert draws.mean() == pytest.approx(0.5, abs=0.03)
    assert draws.std() == pytest.approx(np.sqrt(1 / 12), abs=0.02)
