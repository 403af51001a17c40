"""Standing on the ground: up, origin, direction and metres, whatever world COLMAP chose; and the measure of a solve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration import cameras
from calibration.solve.align import align_world, find_ground
from calibration.solve.evaluate import compare, rotation_angle_deg, similarity


def walk(pitch_deg: float = -8.0, frames: int = 20) -> np.ndarray:
    """Cameras 1.7 m above y = 0 that walk along -Z with a little sway, pitched."""
    poses = []
    for t in range(frames):
        centre = np.array([0.03 * np.sin(t), 1.7 + 0.02 * np.sin(0.7 * t), -0.08 * t])
        target = centre + np.array([0.1 * np.sin(t / 9), np.tan(np.radians(pitch_deg)), -1.0])
        poses.append(cameras.look_at(centre, target))
    return np.array(poses)


def valley(count: int = 1500, slope: float = 0.0) -> np.ndarray:
    """Points of uneven ground ahead, a wall, a far ridge, and flyers below ground: bad triangulations."""
    rng = np.random.default_rng(5)
    ground = np.stack([rng.uniform(-9, 9, count), np.zeros(count), rng.uniform(-28, -3, count)], axis=1)
    ground[:, 1] = 0.04 * np.sin(ground[:, 0]) - slope * ground[:, 2] + rng.normal(0, 0.015, count)
    wall = np.stack([rng.uniform(2, 6, count), rng.uniform(0, 4, count), np.full(count, -9.0)], axis=1)
    ridge = np.stack([rng.uniform(-90, 90, count), rng.uniform(3, 30, count), np.full(count, -120.0)], axis=1)
    flyers = rng.uniform((-9, -4, -28), (9, -0.5, -4), (40, 3))
    return np.concatenate([ground, wall, ridge, flyers])


def colmap_world(points: np.ndarray, poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same scene in a world turned, scaled and shifted at random, as COLMAP leaves it."""
    rotation = Rotation.from_rotvec([1.1, -2.0, 0.7]).as_matrix()
    scale, shift = 0.31, np.array([4.0, -2.0, 9.0])
    centres = scale * cameras.camera_centre(poses) @ rotation.T + shift
    turned = [cameras.pose_from(p[:3, :3] @ rotation.T, c) for p, c in zip(poses, centres, strict=True)]
    return scale * points @ rotation.T + shift, np.array(turned)


@pytest.mark.parametrize("pitch_deg", [10.0, -8.0, -45.0])
def test_the_first_camera_stands_over_the_origin_and_looks_along_minus_z(pitch_deg: float):
    points, poses = colmap_world(valley(), walk(pitch_deg))

    ground = find_ground(points, poses)
    aligned = align_world(poses, ground, 1.7).poses(poses)

    centre, look = cameras.camera_centre(aligned[0]), cameras.look_direction(aligned[0])
    assert ground.found
    np.testing.assert_allclose(centre, [0, 1.7, 0], atol=1e-9)
    assert abs(look[0]) < 1e-9
    assert look[2] < -0.5
    assert aligned[0][0, 0] > 0.99  # X to the right


@pytest.mark.parametrize("pitch_deg", [10.0, -8.0, -45.0])
def test_up_and_metres_come_from_the_ground(pitch_deg: float):
    true_points, true_poses = valley(), walk(pitch_deg)
    points, poses = colmap_world(true_points, true_poses)

    alignment = align_world(poses, find_ground(points, poses), 1.7)

    got = compare(alignment.poses(poses), true_poses)
    assert got.scale == pytest.approx(1, abs=0.02)
    on_ground = alignment.points(points)[:1500]
    assert abs(np.median(on_ground[:, 1])) < 0.03


def test_rising_land_ahead_tilts_the_ground_only_by_its_slope():
    points, poses = colmap_world(valley(slope=0.05), walk())

    aligned = align_world(poses, find_ground(points, poses), 1.7).poses(poses)

    assert compare(aligned, walk()).rotation_worst_deg < 0.01
    tilt = np.degrees(np.arcsin(cameras.look_direction(aligned[0])[1]))
    assert tilt == pytest.approx(-8.0 - np.degrees(np.arctan(0.05)), abs=0.8)


def test_without_ground_points_the_pictures_say_up():
    true_points = valley()[3000:4400]  # the ridge alone
    points, poses = colmap_world(true_points, walk(0.0))

    ground = find_ground(points, poses)
    aligned = align_world(poses, ground, 1.6).poses(poses)

    assert not ground.found
    assert cameras.up_direction(aligned[0])[1] > np.cos(np.radians(2))


def test_equal_points_give_the_equal_ground():
    points, poses = colmap_world(valley(), walk())

    first, second = find_ground(points, poses), find_ground(points, poses)

    assert np.array_equal(first.normal, second.normal)
    assert first.offset == second.offset


def test_points_and_poses_move_together():
    true_points, true_poses = valley(), walk()
    points, poses = colmap_world(true_points, true_poses)
    alignment = align_world(poses, find_ground(points, poses), 1.7)

    before = cameras.to_camera(points, poses[7])
    after = cameras.to_camera(alignment.points(points), alignment.poses(poses)[7])

    np.testing.assert_allclose(after, alignment.scale * before, atol=1e-9)


def test_similarity_finds_what_was_done():
    source = np.random.default_rng(1).normal(size=(30, 3))
    rotation = Rotation.from_rotvec([0.4, 2.0, -0.3]).as_matrix()

    scale, found, shift = similarity(source, 2.5 * source @ rotation.T + [1, 2, 3])

    assert scale == pytest.approx(2.5)
    np.testing.assert_allclose(found, rotation, atol=1e-12)
    np.testing.assert_allclose(shift, [1, 2, 3], atol=1e-12)


def test_a_similarity_is_no_error_and_a_bent_path_is():
    truth = walk()
    _, moved = colmap_world(valley(10), truth)
    bent = moved.copy()
    bent[10:, :3, 3] += 0.01

    same, worse = compare(moved, truth), compare(bent, truth)

    assert same.ate_of_path < 1e-9
    assert same.rotation_worst_deg < 1e-5
    assert same.scale == pytest.approx(1 / 0.31)
    assert worse.ate_of_path > 0.003


def test_small_angles_are_exact():
    turn = Rotation.from_rotvec([0, np.radians(1e-4), 0]).as_matrix()

    assert rotation_angle_deg(turn[None], np.eye(3)[None])[0] == pytest.approx(1e-4, rel=1e-6)
