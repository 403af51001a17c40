"""Facts of the motions: feet that do not slide, cycles that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from assets.motion import gaits
from assets.motion.gaits import Build
from assets.motion.motions import MOTIONS, Grip, load_motion
from assets.people.characters import load_character
from assets.people.mesh import dressed, posed_mesh
from assets.people.skeleton import bend, turn
from pipeline.errors import AssetError

BUILD = Build(leg_m=0.86, hip_m=0.117, ankle_m=0.08, heel_m=0.06, ball_m=0.15, height_m=1.75)
MOVING = [name for name, motion in MOTIONS.items() if motion.speed_mps > 0]


def test_the_motions_that_briefs_ask_for_are_there():
    asked = ["idle", "walk", "march", "run", "charge", "brace", "thrust", "blow", "shield_up", "draw", "cheer", "fall"]
    assert set(asked) <= set(MOTIONS)
    assert all(motion.title for motion in MOTIONS.values())


def test_an_unknown_motion_is_an_error():
    with pytest.raises(AssetError, match=r"motion 'fly' is not known. Take one of: blow, brace"):
        load_motion("fly")


@pytest.mark.parametrize("name", MOVING)
@pytest.mark.parametrize("character", ["legionary", "villager"])
def test_a_planted_foot_does_not_slide_under_a_moving_person(name: str, character: str):
    """While a foot is flat on the ground its sole stays within a centimetre of one spot of the world."""
    motion = load_motion(name)
    person = load_character(character)
    figure = dressed(person)
    left = figure.soles & (figure.vertices[:, 0] > 0)
    down, up = motion.gait.flat
    phases = np.linspace(down + 0.01, up - 0.01, 5)

    world = [
        posed_mesh(person, name, phase).vertices[left] + (0, 0, motion.speed_mps * motion.cycle_s * phase)
        for phase in phases
    ]

    sole = world[0][:, 1] < 0.015
    drift = np.linalg.norm(np.stack(world)[:, sole] - world[0][sole], axis=2)
    assert sole.sum() > 20
    assert drift.max() < 0.01


@pytest.mark.parametrize("name", MOVING)
def test_the_point_on_the_ground_stays_put_through_heel_and_toe(name: str):
    """Over the whole footfall, heel strike and push included, what touches the ground moves under a centimetre."""
    motion = load_motion(name)
    person = load_character("peasant")
    figure = dressed(person)
    left = figure.soles & (figure.vertices[:, 0] > 0)
    side, first, last = motion.footfalls[0]
    assert side == "L"

    previous = None
    for phase in np.linspace(first, last - 0.02, 40):
        points = posed_mesh(person, name, phase).vertices[left] + (0, 0, motion.speed_mps * motion.cycle_s * phase)
        if previous is not None:
            touching = previous[:, 1] < previous[:, 1].min() + 0.002
            moved = np.linalg.norm(points[touching] - previous[touching], axis=1)
            assert np.median(moved) < 0.01
        previous = points


@pytest.mark.parametrize("name", MOVING)
def test_speed_equals_the_travel_of_footfalls(name: str):
    """Two steps a cycle: what one foot covers from strike to strike is speed times cycle."""
    motion = load_motion(name)
    strikes = [first for side, first, _ in motion.footfalls if side == "L"]
    assert strikes == [0.0]
    flat = np.array([motion.gait.flat[0] + 0.01, motion.gait.flat[1] - 0.01])

    ankles = [motion.pose(phase, BUILD, Grip()).left_leg.ankle[2] for phase in flat]

    measured = (ankles[0] - ankles[1]) / (np.diff(flat)[0] * motion.cycle_s)
    assert measured == pytest.approx(motion.speed_mps, rel=1e-9)


@pytest.mark.parametrize("name", MOTIONS)
def test_legs_always_reach_their_feet(name: str):
    motion = load_motion(name)

    for phase in np.arange(50) / 50:
        pose = motion.pose(phase, BUILD, Grip("spear", "shield"))
        for leg, sign in ((pose.left_leg, 1), (pose.right_leg, -1)):
            hip = np.array(pose.hips) + turn(*pose.pelvis) @ (sign * BUILD.hip_m, 0.0, 0.0)
            assert np.linalg.norm(hip - leg.ankle) < 0.998 * BUILD.leg_m


@pytest.mark.parametrize("name", MOVING)
def test_a_swinging_foot_clears_the_ground(name: str):
    motion = load_motion(name)

    for phase in np.arange(motion.gait.stance, 1.0, 0.02):
        leg = motion.pose(phase, BUILD, Grip()).left_leg
        assert leg.ankle[1] > BUILD.ankle_m - 0.01


def test_both_feet_walk_the_same_half_a_cycle_apart():
    walk = load_motion("walk")

    left = walk.pose(0.1, BUILD, Grip()).left_leg
    right = walk.pose(0.6, BUILD, Grip()).right_leg

    assert np.allclose(np.array(left.ankle) * (-1, 1, 1), right.ankle, atol=1e-12)


def test_people_who_stand_keep_both_feet_where_they_are():
    for name in ("idle", "brace", "cheer"):
        motion = load_motion(name)
        poses = [motion.pose(phase, BUILD, Grip()) for phase in (0.0, 0.3, 0.7)]
        assert len({pose.left_leg for pose in poses}) == 1
        assert len({pose.right_leg for pose in poses}) == 1


def test_two_bone_ik_reaches_its_target_and_bends_to_the_pole():
    root, target = np.zeros(3), np.array([0.0, -0.7, 0.1])

    knee, ankle = bend(root, target, 0.4, 0.4, np.array([0.0, 0.0, 1.0]))

    assert np.allclose(ankle, target)
    assert np.linalg.norm(knee) == pytest.approx(0.4)
    assert np.linalg.norm(ankle - knee) == pytest.approx(0.4)
    assert knee[2] > 0.05


def test_two_bone_ik_stretches_towards_what_it_cannot_reach():
    _, end = bend(np.zeros(3), np.array([0.0, -3.0, 0.0]), 0.4, 0.4, np.array([0.0, 0.0, 1.0]))

    assert end[1] == pytest.approx(-0.8, abs=0.01)


def test_hips_sink_as_feet_go_apart():
    near = gaits.hips_height(BUILD, gaits_pair(0.0))
    far = gaits.hips_height(BUILD, gaits_pair(0.4))

    assert far < near - 0.05


def gaits_pair(apart_m: float):
    from assets.people.skeleton import Leg

    return Leg((0.1, 0.08, apart_m)), Leg((-0.1, 0.08, -apart_m))
