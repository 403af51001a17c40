"""A camera that does not travel: locked off or panned on a tripod, against its truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calibration import cameras
from calibration.solve import evaluate
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.sections import CameraFacts
from stages.estimate_depth import Params as DepthParams
from stages.estimate_depth import estimate_depth
from tests.scenes import Scene, write_plate
from tests.stages.solving import solve


class Still(Scene):
    def camera_from_world(self, frame: int) -> np.ndarray:
        return super().camera_from_world(1001)


class Pan(Scene):
    def camera_from_world(self, frame: int) -> np.ndarray:
        angle = 0.012 * (frame - 1001)
        ahead = np.array([np.sin(angle), 0.0, -np.cos(angle)])
        return cameras.look_at(np.array([0.0, 1.7, 0.0]), np.array([0.0, 1.7, 0.0]) + ahead)


def test_a_locked_off_camera_gets_one_pose_and_the_written_focal_length(tmp_path: Path):
    """Grain and a walking actor alone move."""
    scene = Still(width=320, height=180, frames=6, actor=True)
    facts = CameraFacts(height_m=1.7, focal_mm=25 * scene.lens.focal_x_px / 320, sensor_width_mm=25)

    track = solve(write_plate(scene, tmp_path / "p"), tmp_path / "out", facts)

    poses, told = cameras.load_poses(track), json.loads(track.figures.read_text())
    assert (poses == poses[0]).all()
    assert track.lens.focal_x_px == pytest.approx(scene.lens.focal_x_px)
    assert told["move"] == {"is": "still", "from": "the plate", "the_plate_says": "still"}
    assert "does not travel" in track.scale_from


def test_a_pan_on_a_tripod_is_solved_to_its_truth(tmp_path: Path):
    scene = Pan(width=320, height=180, frames=24)

    track = solve(write_plate(scene, tmp_path / "p"), tmp_path / "out")

    poses, told = cameras.load_poses(track), json.loads(track.figures.read_text())
    truth = np.stack([scene.camera_from_world(frame)[:3, :3] for frame in scene.range])
    turned = poses[:, :3, :3] @ poses[0, :3, :3].T
    assert evaluate.rotation_angle_deg(turned, truth @ truth[0].T).max() < 0.16  # 1% of the pan; a pixel is 0.2 degrees
    assert track.lens.focal_x_px == pytest.approx(scene.lens.focal_x_px, rel=0.01)
    assert told["move"]["is"] == "turn"
    assert "the axis of a pan of 16 degrees" in told["level_from"]
    np.testing.assert_allclose(cameras.up_direction(poses[0]), [0, 1, 0], atol=0.01)
    np.testing.assert_allclose(cameras.camera_centre(poses), np.tile([0, 1.7, 0], (24, 1)), atol=1e-9)


def test_depth_on_a_fixed_camera_is_level_ground_that_is_not_trusted(tmp_path: Path):
    """What stands on it is unknown: such depth must hide nothing."""
    scene = Still(width=320, height=180, frames=6)
    plate = write_plate(scene, tmp_path / "p")
    track = solve(plate, tmp_path / "out")
    (tmp_path / "depth").mkdir()

    maps = estimate_depth(
        plate=plate,
        track=track,
        params=DepthParams(width_px=160),
        frames=FrameRange(1003, 1003),
        out=tmp_path / "depth",
    )

    found = exr.read(maps.files.path(1003)).channels
    row = found["Z"][170]
    down = (170.5 - track.lens.centre_y_px) / track.lens.focal_y_px
    assert np.median(row) == pytest.approx(1.7 / down, rel=0.05)
    assert found["C"].max() < 0.31
