"""Far points: what has no parallax still tells where the camera looked."""

from __future__ import annotations

import numpy as np

from calibration.solve.far import FARTHEST, _far_point
from tests.scenes import Scene


def poses_and_views(point, noise=0.0):
    scene = Scene()
    poses = np.stack([scene.camera_from_world(f)[:3] for f in range(1001, 1025, 5)])
    camera = np.einsum("nij,j->ni", poses[:, :, :3], point) + poses[:, :, 3]
    seen = camera[:, :2] / camera[:, 2:]
    return poses, seen + np.random.default_rng(1).normal(0, noise, seen.shape)


def test_a_far_point_is_found_where_it_is():
    point = np.array([30.0, 20.0, -400.0])
    poses, seen = poses_and_views(point)

    found = _far_point(poses, seen, 1e5, 1e-3)

    np.testing.assert_allclose(found, point, rtol=1e-6)


def test_what_diverges_by_noise_goes_to_the_horizon_in_its_direction():
    point = np.array([2e5, 1e5, -1e6])
    poses, seen = poses_and_views(point, noise=1e-5)

    found = _far_point(poses, seen, 900.0, 1e-3)

    assert np.linalg.norm(found) <= 1000
    np.testing.assert_allclose(found / np.linalg.norm(found), point / np.linalg.norm(point), atol=5e-3)


def test_a_near_point_is_left_to_colmap():
    poses, seen = poses_and_views(np.array([0.0, 1.0, -6.0]))

    assert len(_far_point(poses, seen, 1e5, 1e-3)) == 0


def test_a_track_that_jumps_is_refused():
    poses, seen = poses_and_views(np.array([30.0, 20.0, -400.0]))
    seen[2] += 0.05

    assert len(_far_point(poses, seen, FARTHEST, 1e-3)) == 0
