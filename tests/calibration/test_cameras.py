"""Poses: centres, directions, rays into the world, motion between frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration import cameras
from calibration.lens import project
from pipeline.errors import CalibrationError
from pipeline.frames import FrameRange
from pipeline.types import CameraTrack, Lens

LENS = Lens(960, 540, 800, 804, 475, 272, k1=-0.1, k2=0.02, p1=0.001)
POSE = cameras.look_at((1.0, 1.7, 3.0), (2.0, 1.0, -6.0))


def track(folder: Path, poses: np.ndarray, frames: FrameRange) -> CameraTrack:
    np.save(folder / "poses.npy", poses)
    return CameraTrack(folder / "poses.npy", folder, folder, folder, folder, frames, LENS, 0.3, "test")


def test_camera_centre_is_where_the_camera_stands():
    np.testing.assert_allclose(cameras.camera_centre(POSE), [1.0, 1.7, 3.0])
    np.testing.assert_allclose(cameras.camera_centre(np.stack([POSE, POSE]))[1], [1.0, 1.7, 3.0])


def test_a_level_camera_looks_at_its_target_with_the_sky_above():
    forward = np.array([1.0, -0.7, -9.0])

    np.testing.assert_allclose(cameras.look_direction(POSE), forward / np.linalg.norm(forward))
    assert cameras.up_direction(POSE)[1] > 0.9
    assert np.linalg.det(POSE[:3, :3]) == pytest.approx(1)


def test_pixel_rays_at_a_depth_project_back_to_the_pixels():
    pixels = np.array([[10.0, 20.0], [700.5, 300.5], [955.0, 530.0]])
    depths = np.array([2.0, 9.0, 40.0])

    origin, directions = cameras.pixel_rays_world(pixels, LENS, POSE)

    seen = cameras.to_camera(origin + depths[:, None] * directions, POSE)
    np.testing.assert_allclose(seen[:, 2], depths)
    np.testing.assert_allclose(project(seen, LENS), pixels, atol=1e-6)


def test_rays_meet_the_ground_where_they_should_and_the_sky_gives_nan():
    ground = np.array([[0.0, 0.0, -4.0], [3.0, 0.0, -9.0]])
    pixels = project(cameras.to_camera(ground, POSE), LENS)

    met = cameras.meet_plane(*cameras.pixel_rays_world(np.vstack([pixels, [[480.0, 5.0]]]), LENS, POSE))

    np.testing.assert_allclose(met[:2], ground, atol=1e-6)
    assert np.isnan(met[2]).all()


def test_a_track_with_missing_poses_is_refused(tmp_path: Path):
    with pytest.raises(CalibrationError, match="Run solve_camera again"):
        cameras.load_poses(track(tmp_path, np.stack([POSE] * 3), FrameRange(1001, 1004)))


def test_poses_are_found_by_frame(tmp_path: Path):
    moved = cameras.look_at((5.0, 1.7, 3.0), (2.0, 1.0, -6.0))
    found = track(tmp_path, np.stack([POSE, moved]), FrameRange(1001, 1002))

    np.testing.assert_allclose(cameras.pose_at(found, 1002), moved)
