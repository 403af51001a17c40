"""Footfalls are where the pictures show a foot come down, and each frame tells the same of them."""

import numpy as np
import pytest

from assets.dust.footfalls import footfalls
from assets.motion.gaits import Build
from assets.motion.grips import Grip
from assets.motion.motions import load_motion
from tests.walkers import COUNT, FRAMES, RATE, level, walkers

BUILD = Build(leg_m=0.86, hip_m=0.117, ankle_m=0.08, heel_m=0.06, ball_m=0.15, height_m=1.75)


@pytest.mark.parametrize("name", ["walk", "march", "run", "charge"])
def test_a_foot_comes_down_where_the_pose_has_it(name):
    """The pose at the moment of the strike, put where the body is then, has that ankle within 12 cm."""
    agents, motion = walkers(name, count=1), load_motion(name)
    found = footfalls(agents, 50, 1.0, level)

    assert len(found.agents) >= 1
    for step, place, age in zip(found.steps, found.places, found.ages_s, strict=True):
        row = 50 - age * RATE
        side, first, _ = motion.footfalls[step % 2]
        pose = motion.pose(first, BUILD, Grip())
        leg = pose.left_leg if side == "L" else pose.right_leg
        body = agents.positions[0, 0] + row * (agents.positions[1, 0] - agents.positions[0, 0])
        x, z = leg.ankle[0], leg.ankle[2]
        ankle = body[[0, 2]] + [x * np.cos(0.4) + z * np.sin(0.4), z * np.cos(0.4) - x * np.sin(0.4)]
        assert np.hypot(*(place[[0, 2]] - ankle)) < 0.12


def test_there_are_two_in_each_cycle():
    agents, motion = walkers(), load_motion("march")
    back = 2 * motion.cycle_s

    found = footfalls(agents, FRAMES - 1, back, level)

    np.testing.assert_allclose(np.bincount(found.agents, minlength=COUNT), 4, atol=1)
    ages = np.sort(found.ages_s[found.agents == 2])
    np.testing.assert_allclose(np.diff(ages), motion.cycle_s / 2, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found.ways, axis=1), motion.speed_mps, rtol=1e-4)


def test_each_frame_alone_tells_the_same_of_them():
    agents = walkers()
    before, after = (footfalls(agents, row, 1.5, level) for row in (30, 31))

    own, same = zip(*((a, s) for a, s in zip(before.agents, before.steps, strict=True)), strict=True)
    keys = {(a, s): k for k, (a, s) in enumerate(zip(after.agents, after.steps, strict=True))}
    pairs = [(k, keys[key]) for k, key in enumerate(zip(own, same, strict=True)) if key in keys]
    assert len(pairs) > 0.8 * len(before.agents)
    here, there = map(list, zip(*pairs, strict=True))
    np.testing.assert_array_equal(before.places[here], after.places[there])
    np.testing.assert_allclose(before.ages_s[here] + 1 / RATE, after.ages_s[there], atol=1e-9)


def test_who_goes_when_the_shot_begins_has_come_from_somewhere():
    agents = walkers()

    first, later = footfalls(agents, 0, 2.0, level), footfalls(agents, 55, 2.0, level)

    assert abs(len(first.agents) - len(later.agents)) <= COUNT
    behind = first.places[:, [0, 2]] - agents.positions[0, first.agents][:, [0, 2]]
    along = behind @ [np.sin(0.4), np.cos(0.4)]
    assert along.max() < 0.6
    assert along.min() < -1.5


def test_a_single_frame_has_its_past_too():
    one = walkers(frames=1)

    found = footfalls(one, 0, 2.0, level)

    np.testing.assert_allclose(np.linalg.norm(found.ways, axis=1), load_motion("march").speed_mps, rtol=1e-5)
    assert len(found.agents) == pytest.approx(len(footfalls(walkers(), 0, 2.0, level).agents), abs=COUNT)


def test_who_stands_raises_none_and_who_halted_leaves_what_he_raised():
    agents = walkers(switch=20)

    assert not len(footfalls(walkers("idle"), 30, 2.0, level).agents)
    halted = footfalls(agents, 40, 2.0, level)
    assert len(halted.agents)
    assert halted.ages_s.min() > 20 / RATE
