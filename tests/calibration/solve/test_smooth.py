"""Smoothing against simulated cameras whose truth is known: noise goes, a hand's shake stays, the error keeps its limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration import cameras
from calibration.solve.evaluate import rotation_angle_deg
from calibration.solve.smooth import MOST_RISE, smoothed
from calibration.solve.solved import Solve
from tests.calibration.judge.judging import dolly, filmed, resected

FRAMES = 60


def off(poses: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Root mean square error of places (metres) and turns (degrees)."""
    apart = cameras.camera_centre(poses) - cameras.camera_centre(truth)
    turns = rotation_angle_deg(poses[:, :3, :3], truth[:, :3, :3])
    return float(np.sqrt(np.mean(np.sum(apart**2, axis=1)))), float(np.sqrt(np.mean(turns**2)))


def solved(truth: np.ndarray, noise_px: float, seed: int = 1) -> Solve:
    seen = filmed(truth, noise_px, seed)
    return replace(seen, poses=resected(seen))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_noisy_track_comes_nearer_to_the_truth_and_keeps_its_error(seed: int):
    truth = dolly(FRAMES)
    noisy = solved(truth, 0.5, seed)

    calm, told = smoothed(noisy, 1.0, [])

    before, after = off(noisy.poses, truth), off(calm.poses, truth)
    assert after[0] < 0.6 * before[0]
    assert after[1] < 0.6 * before[1]
    assert calm.errors_px().mean() <= (1 + MOST_RISE) * noisy.errors_px().mean()
    assert told["error_rise"] == pytest.approx(calm.errors_px().mean() / noisy.errors_px().mean() - 1, abs=1e-4)
    assert told["moved_px"] > 0


@pytest.mark.parametrize("shake_deg", [0.02, 0.1])
def test_a_hands_shake_that_the_points_show_is_kept(shake_deg: float):
    """A third of a pixel and one and a half, tracked to a third: what is left of the shake, and how far the poses are from the truth."""
    truth, still = dolly(FRAMES, shake_deg, seed=4), dolly(FRAMES)
    shaken = solved(truth, 0.3)

    calm, _ = smoothed(shaken, 1.0, [])

    def wild(poses: np.ndarray) -> np.ndarray:
        return (poses[:, 2, :3] - still[:, 2, :3])[:, :2].ravel()

    kept = wild(calm.poses) @ wild(truth) / (wild(truth) @ wild(truth))
    assert kept == pytest.approx(1, abs=0.06)
    assert off(calm.poses, truth)[1] < 1.02 * off(shaken.poses, truth)[1]
    assert off(calm.poses, truth)[0] < off(shaken.poses, truth)[0]


def test_less_strength_moves_less():
    noisy = solved(dolly(FRAMES), 0.5)

    told = [smoothed(noisy, strength, [])[1] for strength in (0.02, 0.2, 1.0)]
    moved = [one["moved_px"] for one in told]

    assert 0 < moved[0] < moved[1] < moved[2]


def test_the_errors_limit_holds_where_few_points_are_fitted_too_well():
    """Poses of a dozen points follow their noise: the truth itself raises the error by more than is allowed."""
    truth = dolly(FRAMES)
    seen = filmed(truth, 0.5, count=12)
    few = replace(seen, poses=resected(seen))

    calm, told = smoothed(few, 1.0, [])

    assert seen.errors_px().mean() > (1 + MOST_RISE) * few.errors_px().mean()
    assert told["weakened"] > 0
    assert calm.errors_px().mean() <= (1 + MOST_RISE) * few.errors_px().mean()
    assert off(calm.poses, truth)[0] < off(few.poses, truth)[0]


def test_a_sudden_stop_is_not_rounded_off():
    """The dolly halts and the camera is knocked upwards by two pixels between two frames."""
    truth = dolly(FRAMES)
    truth[30:] = cameras.look_at((0.05 * 30, 1.7, 0.0), (0.05 * 30, 1.222, -10.0))
    noisy = solved(truth, 0.3)

    calm, _ = smoothed(noisy, 1.0, [])

    near = slice(27, 34)
    before, after = off(noisy.poses[near], truth[near]), off(calm.poses[near], truth[near])
    assert after[0] < before[0]
    assert after[1] < before[1]


def test_held_frames_stay_where_they_are():
    noisy = solved(dolly(FRAMES), 0.5)

    calm, _ = smoothed(noisy, 1.0, [0, 31])

    np.testing.assert_allclose(calm.poses[[0, 31]], noisy.poses[[0, 31]], atol=1e-7)
    assert np.abs(calm.poses[30] - noisy.poses[30]).max() > 1e-5


def test_a_pan_is_smoothed_on_its_spot():
    truth = np.array(
        [cameras.look_at((0, 1.7, 0), (10 * np.sin(t / 90), 1.2, -10 * np.cos(t / 90))) for t in range(40)]
    )
    seen = filmed(truth, 0.0)
    rng = np.random.default_rng(6)
    noisy_turns = truth.copy()
    for row in range(40):  # each frame as unsure as its own points leave a turn: 0.5 px over the root of a hundred
        wrong = cameras.look_at((0, 0, 0), (*rng.normal(0, 5e-5, 2), -1.0))[:3, :3] @ np.diag([1.0, -1, -1])
        noisy_turns[row] = cameras.pose_from(wrong @ truth[row, :3, :3], (0, 1.7, 0))
    pixels = seen.observations.copy()
    pixels[:, 2:] += rng.normal(0, 0.5, (len(pixels), 2))
    noisy = replace(seen, poses=noisy_turns, observations=pixels)

    calm, told = smoothed(noisy, 1.0, [])

    assert "note" not in told
    np.testing.assert_allclose(cameras.camera_centre(calm.poses), np.tile([0, 1.7, 0], (40, 1)), atol=1e-9)
    assert off(calm.poses, truth)[1] < 0.6 * off(noisy.poses, truth)[1]


def test_a_frame_without_points_goes_where_its_neighbours_lead():
    truth = dolly(20)
    seen = filmed(truth, 0.1)
    seen = replace(seen, observations=seen.observations[seen.observations[:, 0] != 9])
    lost = truth.copy()
    lost[9] = cameras.pose_from(truth[9, :3, :3], cameras.camera_centre(truth[9]) + np.array([0, 0.02, 0]))

    calm, _ = smoothed(replace(seen, poses=lost), 1.0, [])

    assert off(calm.poses[9:10], truth[9:10])[0] < 0.003


def test_what_cannot_be_smoothed_says_so():
    spot = np.tile(dolly(1), (20, 1, 1))

    still, told = smoothed(filmed(spot, 0.2), 1.0, [])
    short, few = smoothed(filmed(dolly(4), 0.2), 1.0, [])

    assert "stands still" in told["note"]
    assert "fewer than 5 frames" in few["note"]
    np.testing.assert_array_equal(still.poses, spot)
    assert len(short.poses) == 4
