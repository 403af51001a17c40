"""What the page says of a camera: the move in words, frames to look at, tracks that the camera does not explain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration import cameras
from calibration.judge.judged import judge
from calibration.judge.motion import motion_of, said_of
from calibration.judge.taken import EXPLAINED, LEFT_OUT, SHORT, followed
from calibration.lens import project
from pipeline.frames import FrameRange
from pipeline.types import CameraTrack
from tests.calibration.judge.judging import LENS, dolly, filmed, nothing_followed


def test_tracks_are_told_apart_by_whether_a_standing_point_explains_them(tmp_path: Path):
    """One of a standing point, one of somebody who walks, one too short."""
    poses, rows = dolly(20), []
    for row, pose in enumerate(poses):
        standing, walking = (1.0, 1.0, -9.0), (-1.0 + 0.1 * row, 1.0 + 0.3 * np.sin(row), -9.0)
        px = project(cameras.to_camera(np.array([standing, walking, standing]), pose), LENS)
        rows += [(1001 + row, 5 + k, *px[k]) for k in range(3) if k < 2 or row < 3]
    np.save(tmp_path / "tracks.npy", np.array(rows, np.float32))
    track = CameraTrack(
        *(tmp_path / f"{name}.npy" for name in ("poses", "points", "observations", "tracks", "figures")),
        FrameRange(1001, 1020),
        LENS,
        0.1,
        "truth",
    )

    found = followed(track, filmed(poses, 0.1))

    starts = found.starts
    assert [set(found.state[starts == s]) for s in np.unique(starts)] == [{EXPLAINED}, {LEFT_OUT}, {SHORT}]
    assert np.nanmax(found.errors_px[found.state == EXPLAINED]) < 0.02
    assert len(found.at(0)) == 3


def test_a_bad_frame_is_named_with_its_reason_and_the_others_are_not():
    solve = filmed(dolly(30), 0.2)
    broken = solve.observations.copy()
    at = broken[:, 0] == 17
    broken[at, 2:] += np.random.default_rng(3).normal(0, 4, (int(at.sum()), 2))
    few = (broken[:, 0] != 9) | (np.arange(len(broken)) % 16 == 0)

    found = judge(replace(solve, observations=broken[few]), nothing_followed(), {}, 1001)

    assert set(found["flags"]) == {"1010", "1018"}
    assert "points" in found["flags"]["1010"]
    assert "error" in found["flags"]["1018"]
    assert "1018" in found["verdict"]
    assert found["verdict"].startswith("The camera travels 1.45 m to the right, steady. All 30 frames are solved")


def test_the_solves_own_doubts_become_warnings():
    told = {"covered": 0.2, "scale_from": "assumed camera height", "largest_step": 9.0}

    said = " ".join(judge(filmed(dolly(12), 0.2), nothing_followed(), told, 1001)["warnings"])

    for words in ("20%", "assumed", "broken join"):
        assert words in said


@pytest.mark.parametrize(
    ("poses", "kind", "zoom", "words"),
    [
        (dolly(12), "still", 1.0, "stands still"),
        ([cameras.look_at((0, 2, 0), (10 * np.sin(t / 40), 2, -10 * np.cos(t / 40))) for t in range(12)], "turn", 2.0, "turns on one spot, pans 15.8 degrees, zooms 2 times, steady"),
        ([cameras.look_at((0, 2 + t, 0), (0, 2 + t, -10)) for t in range(4)], "free", 1.0, "travels 3 m upwards, steady"),
        ([cameras.look_at((0, 2, -t), (0, 2, -t - 5)) for t in range(4)], "free", 1.0, "travels 3 m forwards, steady"),
        ([cameras.look_at((abs(5 - t), 2, 0), (abs(5 - t), 2, -9)) for t in range(11)], "free", 1.0, "travels 10 m to and fro, steady"),
    ],
)  # fmt: skip
def test_a_move_in_words(poses: list[np.ndarray], kind: str, zoom: float, words: str):
    assert said_of(motion_of(np.array(poses)), kind, zoom, 0.1) == words


def test_pan_tilt_and_roll_have_their_signs():
    """To the right, up and clockwise; pan runs on past half a turn."""
    pose = cameras.look_at((0, 2, 0), (3, 4, -10))
    clockwise = np.eye(4)
    clockwise[:2, :2] = [[np.cos(0.1), np.sin(0.1)], [-np.sin(0.1), np.cos(0.1)]]
    round_about = np.array([cameras.look_at((0, 2, 0), (np.sin(a), 2, -np.cos(a))) for a in np.linspace(0, 4, 9)])

    found = motion_of(np.array([pose, clockwise @ pose]))

    assert found.pan[0] == pytest.approx(np.degrees(np.arctan2(3, 10)))
    assert found.tilt[0] > 0
    assert found.roll == pytest.approx([0, np.degrees(0.1)], abs=1e-6)
    assert motion_of(round_about).pan[-1] == pytest.approx(np.degrees(4))
