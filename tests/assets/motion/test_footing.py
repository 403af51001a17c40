"""Facts of feet on slopes and steps."""

from __future__ import annotations

import numpy as np
import pytest

from assets.motion.blending import STANDARD
from assets.motion.footing import foot_points, on_ground
from assets.motion.grips import Grip
from assets.motion.motions import load_motion
from assets.people.characters import load_character
from assets.people.mesh import dressed, mesh_of
from assets.people.skeleton import solve, turn


def slope(pitch_deg: float, towards_deg: float):
    """(height at x, z; normal) of a plane that rises by pitch_deg towards a heading."""
    rise, way = np.tan(np.radians(pitch_deg)), np.radians(towards_deg)
    gradient = rise * np.array([np.sin(way), np.cos(way)])
    normal = np.array([-gradient[0], 1.0, -gradient[1]])
    return gradient, normal / np.linalg.norm(normal)


@pytest.mark.parametrize("pitch_deg", [0, 10, 25])
@pytest.mark.parametrize("towards_deg", [0, 50, 90, 180, 290])
@pytest.mark.parametrize("name", ["idle", "brace", "walk", "march"])
def test_planted_feet_lie_on_the_slope(pitch_deg: float, towards_deg: float, name: str):
    """Heel and ball of a flat planted foot are within a centimetre of the terrain; both legs reach."""
    figure, motion = dressed(load_character("legionary")), load_motion(name)
    skeleton, build = figure.body.skeleton, figure.build
    gradient, normal = slope(pitch_deg, towards_deg)
    pose = motion.pose(0.22, build, figure.grip)

    placed = on_ground(pose, build, foot_points(pose) @ gradient, [normal, normal])

    rotations, heads = solve(skeleton, placed)
    for side, leg, flat in (("L", placed.left_leg, pose.left_leg), ("R", placed.right_leg, pose.right_leg)):
        i = skeleton.index(f"foot.{side}")
        assert np.linalg.norm(heads[i] - leg.ankle) < 1e-6
        if flat.pitch or flat.ankle[1] > build.ankle_m + 1e-6:
            continue
        ahead = (skeleton.head(f"toe3-1.{side}") - skeleton.heads[i]) * (1, 0, 1)
        ahead /= np.linalg.norm(ahead)
        for along in (-build.heel_m, 0.0, build.ball_m):
            point = heads[i] + rotations[i] @ (ahead * along - (0, build.ankle_m, 0))
            assert abs(point[1] - point[[0, 2]] @ gradient) < 0.01


@pytest.mark.parametrize("towards_deg", [0, 90, 200])
def test_the_soles_of_a_mesh_lie_on_the_slope(towards_deg: float):
    """Skinned shoes included: the lowest of each is within 2 cm of a slope of 20 degrees, whoever stands on it."""
    person = load_character("legionary")
    figure = dressed(person)
    gradient, normal = slope(20, towards_deg)
    pose = load_motion("brace").pose(0.3, figure.build, figure.grip)

    mesh = mesh_of(person, on_ground(pose, figure.build, foot_points(pose) @ gradient, [normal, normal]))

    soles = mesh.vertices[figure.soles]
    over = (soles[:, 1] - soles[:, [0, 2]] @ gradient) * normal[1]
    for side in (1, -1):
        assert abs(over[soles[:, 0] * side > 0].min()) < 0.02


def test_level_ground_changes_nothing():
    pose = load_motion("march").pose(0.37, STANDARD, Grip())

    placed = on_ground(pose, STANDARD, (0.0, 0.0), [(0, 1, 0), (0, 1, 0)])

    assert placed.hips == pytest.approx(pose.hips)
    assert placed.right_leg.ankle == pytest.approx(pose.right_leg.ankle)


def test_the_pelvis_sinks_until_the_lower_foot_is_reached():
    pose = load_motion("idle").pose(0.0, STANDARD, Grip())

    placed = on_ground(pose, STANDARD, (0.0, -0.25), [(0, 1, 0), (0, 1, 0)])

    hip = placed.hips + turn(*placed.pelvis) @ (-STANDARD.hip_m, 0, 0)
    assert np.linalg.norm(hip - placed.right_leg.ankle) < 0.9975 * STANDARD.leg_m
    assert placed.right_leg.ankle[1] == pytest.approx(pose.right_leg.ankle[1] - 0.25)
    assert placed.left_leg.ankle == pytest.approx(pose.left_leg.ankle)
