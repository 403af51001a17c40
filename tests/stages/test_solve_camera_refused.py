"""Plates that cannot be solved, and settings out of range: a line that says which and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.solve.solved import Solve, check_solve
from pipeline.errors import CalibrationError, ConfigError
from stages.solve_camera import Params
from tests.scenes import Scene
from tests.stages.solving import SCENE, plate_of, refusal


def test_two_frames_are_refused(tmp_path: Path):
    frames = [SCENE.picture(1001), SCENE.picture(1002)]

    assert "2 frames (1001-1002), 5 are needed" in refusal(plate_of(tmp_path / "p", frames), tmp_path / "out")


def test_black_frames_are_refused(tmp_path: Path):
    assert "black or flat" in refusal(plate_of(tmp_path / "p", [np.zeros((90, 160, 3))] * 6), tmp_path / "out")


def test_noise_is_refused(tmp_path: Path):
    rng = np.random.default_rng(1)
    frames = [rng.uniform(0, 1, (90, 160, 3)) for _ in range(6)]

    assert "noise" in refusal(plate_of(tmp_path / "p", frames), tmp_path / "out")


def test_a_cut_is_named_by_its_frame(tmp_path: Path):
    frames = [Scene(width=320, height=180).picture(1001 + t) for t in range(6)]
    frames += [picture[::-1, ::-1] for picture in frames]

    assert "frame 1007: a cut" in refusal(plate_of(tmp_path / "p", frames), tmp_path / "out")


def test_frames_without_a_place_are_named():
    poses = np.stack([np.eye(4)] * 6)
    poses[[2, 5]] = np.nan
    lost = Solve(poses, SCENE.lens, np.zeros((0, 3)), np.zeros((0, 4)))

    with pytest.raises(CalibrationError, match=r"2 of 6 frames found no place: 1003, 1006\. Supply mattes"):
        check_solve(lost, range(1001, 1007))


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="must be above 0"):
        Params(tracks=0)
