"""What is said of a solve's quality, against what is true of simulated ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration import cameras
from calibration.lens import project
from calibration.solve.evaluate import rotation_angle_deg
from calibration.solve.quality import quality
from calibration.solve.solved import Solve
from pipeline.types import Lens

LENS = Lens(960, 540, 900.0, 900.0, 480.0, 270.0)
POSES = np.array([cameras.look_at((0.2 * t, 1.7, 0.0), (0.2 * t, 1.5, -10.0)) for t in range(12)])
NOISE_PX = 0.5


def filmed(seed: int, half: bool = False) -> Solve:
    """150 points of a valley, pixels with noise; half: in the left half of the picture alone."""
    points = np.random.default_rng(1).uniform((-6, 0, -20), (8, 5, -8), (150, 3))
    rng, seen = np.random.default_rng(seed), []
    for row, pose in enumerate(POSES):
        px = project(cameras.to_camera(points, pose), LENS)
        inside = ((px > 0) & (px < (480 if half else 960, 540))).all(axis=1)
        px = px + rng.normal(0, NOISE_PX, px.shape)
        seen.append(np.column_stack([np.full(inside.sum(), row), np.flatnonzero(inside), px[inside]]))
    return Solve(POSES, LENS, points, np.concatenate(seen))


def test_pose_sigmas_are_the_scatter_of_poses_found_again_and_again():
    """An independent solver, OpenCV's, on sixty takes of frame 5 with new noise."""
    turns, centres = [], []
    for seed in range(60):
        take = filmed(seed)
        mine = take.observations[take.observations[:, 0] == 5]
        start = cv2.Rodrigues(POSES[5, :3, :3])[0], POSES[5, :3, 3].copy()
        matrix = np.array([[900.0, 0, 480], [0, 900, 270], [0, 0, 1]])
        _, turn, shift = cv2.solvePnP(
            take.points[mine[:, 1].astype(int)], mine[:, 2:].copy(), matrix, np.zeros(4), *start, True
        )
        turns.append(cv2.Rodrigues(turn)[0])
        centres.append(np.ravel(shift))

    said = quality(filmed(0))["frames"][5]

    scatter = np.sqrt(np.linalg.eigvalsh(np.cov(np.array(centres).T))[-1])
    angles = rotation_angle_deg(np.array(turns), np.tile(POSES[5, :3, :3], (60, 1, 1)))
    assert said["shift_sigma_m"] == pytest.approx(scatter, rel=0.35)
    assert said["turn_sigma_deg"] == pytest.approx(np.sqrt(np.mean(angles**2)), rel=0.45)  # of all axes, not the worst


def test_coverage_and_tracks_are_counted():
    whole, half = quality(filmed(1)), quality(filmed(1, half=True))

    assert np.array(half["coverage_map"])[:, 5:].max() == 0
    assert np.array(whole["coverage_map"])[:, 5:].max() > 0.5
    assert half["covered"] < whole["covered"]
    assert whole["track_frames"]["longest"] == 12
    assert whole["track_error_px"]["median"] == pytest.approx(1.177 * NOISE_PX, rel=0.1)


def test_a_camera_on_one_spot_is_told_no_shift():
    there = filmed(1)
    spot = np.tile(POSES[:1], (12, 1, 1))
    px = project(cameras.to_camera(there.points, POSES[0]), LENS)
    seen = np.concatenate([np.column_stack([np.full(150, row), np.arange(150), px]) for row in range(12)])

    told = quality(Solve(spot, LENS, there.points, seen))["frames"]

    assert all(row["shift_sigma_m"] is None and row["turn_sigma_deg"] < 1e-6 for row in told)
