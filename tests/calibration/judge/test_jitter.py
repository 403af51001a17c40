"""Jitter against what is true of simulated cameras: noise is called jitter, a hand's shake is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration import cameras
from calibration.judge.jitter import beside_the_way, split
from calibration.solve.certainty import sureness
from tests.calibration.judge.judging import dolly, filmed, resected

FRAMES = 60


def test_noise_of_a_smooth_camera_is_jitter_and_as_large_as_the_poses_are_unsure():
    noisy = filmed(dolly(FRAMES), noise_px=0.6)
    solve = replace(noisy, poses=resected(noisy))
    found = beside_the_way(solve.poses, sureness(solve))

    turn, shift = split(found.turn_deg, found.turn_sure_deg), split(found.shift_m, found.shift_sure_m)

    assert turn is not None
    assert shift is not None
    wrong = np.linalg.norm(cameras.camera_centre(solve.poses) - cameras.camera_centre(noisy.poses), axis=1)
    assert shift.jitter == pytest.approx(np.sqrt(np.mean(wrong**2) / 3), rel=0.3)
    assert turn.jitter > 2 * turn.shake
    assert shift.jitter > 2 * shift.shake


def test_a_hands_shake_seen_by_sharp_points_is_no_jitter():
    shaken = filmed(dolly(FRAMES, shake_deg=0.05), noise_px=0.05)
    found = beside_the_way(shaken.poses, sureness(shaken))

    turn = split(found.turn_deg[:, :2], found.turn_sure_deg[:, :2])

    assert turn is not None
    assert turn.shake == pytest.approx(0.05, rel=0.3)
    assert turn.jitter < 0.1 * turn.shake


def test_a_smooth_move_lies_on_its_way():
    """Sideways, faster and faster, and turning: no parabola in space, but slow."""
    poses = np.array(
        [cameras.look_at((0.002 * t * t, 1.7, 0.01 * t), (3 * np.sin(t / 20), 1.2, -10.0)) for t in range(FRAMES)]
    )
    found = beside_the_way(poses, sureness(filmed(poses, 0.1)))

    assert np.isnan(found.turn_deg[:2]).all()
    assert np.nanmax(np.abs(found.turn_deg)) < 0.002
    assert np.nanmax(np.abs(found.shift_m)) < 2e-4
    assert len(found.jumps) == 0


def test_one_pose_that_jumps_is_found_and_its_neighbours_are_not():
    poses = dolly(FRAMES)
    solve = filmed(poses, 0.2)
    broken = poses.copy()
    broken[30] = cameras.pose_from(poses[30, :3, :3], cameras.camera_centre(poses[30]) + np.array([0, 0.2, 0]))
    noisy = resected(solve)
    noisy[30] = broken[30]

    found = beside_the_way(noisy, sureness(replace(solve, poses=noisy)))

    assert found.jumps.tolist() == [30]


def test_a_camera_on_one_spot_has_no_shift():
    spot = np.tile(dolly(1), (20, 1, 1))
    found = beside_the_way(spot, sureness(filmed(spot, 0.2)))

    assert split(found.shift_m, found.shift_sure_m) is None
    assert split(found.turn_deg, found.turn_sure_deg) is not None
