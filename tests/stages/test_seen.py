"""The solved camera as renderers get it, of a lens that zooms: this frame's lens here, the next one's there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.cameras import camera_centre, lens_at, load_poses, pixel_rays_world
from stages.comp_channels import plate_motion
from stages.seen import focal_px, tangents, view_of
from tests.scenes import Shot, visible
from tests.zooming import Zoom, write_zoom


@pytest.fixture(scope="module")
def shot(tmp_path_factory) -> Shot:
    return write_zoom(Zoom(width=160, height=90, frames=3), tmp_path_factory.mktemp("zoom"))


@pytest.mark.parametrize("frame", [1001, 1002, 1003])
def test_a_point_is_seen_and_moves_as_the_lenses_of_both_frames_say(shot, frame):
    """Against OpenCV's projection; the last frame tells what moved since the one before."""
    scene, view = shot.scene, view_of(shot.track, frame)
    points = np.load(shot.track.points).astype(float)
    other = frame + 1 if frame < 1003 else 1002
    seen, here = _opencv(scene, frame, points)
    seen_there, there = _opencv(scene, other, points)
    both = seen & seen_there

    np.testing.assert_allclose(view.pixels(points[both]), here[both], atol=1e-3)
    expected = (there - here)[both] * (1 if other > frame else -1)
    np.testing.assert_allclose(view.motion(points[both], points[both]), expected, atol=1e-3)


def test_rays_lead_to_what_was_filmed(shot):
    view, depth = view_of(shot.track, 1003), shot.scene.depth_m(1003)
    at = np.isfinite(depth)
    centre, ways = pixel_rays_world(np.array([[80.5, 60.5]]), lens_at(shot.track, 1003), load_poses(shot.track)[2])
    point = centre + ways[0] * depth[60, 80]

    assert at[60, 80]
    np.testing.assert_allclose(view.to_camera(point)[:2] / view.to_camera(point)[2], view.rays[60, 80], atol=1e-5)
    np.testing.assert_allclose(view.centre, camera_centre(load_poses(shot.track))[2])


def test_the_plate_moves_as_the_next_frames_lens_sees_it(shot):
    depth = shot.scene.depth_m(1001)

    found = plate_motion(shot.track, depth, 1001)

    points = np.load(shot.track.points).astype(float)
    seen, here = _opencv(shot.scene, 1001, points)
    seen_there, there = _opencv(shot.scene, 1002, points)
    # Of pixels' centres, half a pixel beside the points; the zoom enlarges by a fifth.
    both = seen & seen_there
    column, row = np.floor(here[both]).astype(int).T
    assert np.median(np.linalg.norm(found[row, column] - (there - here)[both], axis=1)) < 0.12
    assert np.median(np.linalg.norm(found[row, column], axis=1)) > 1


def test_focal_length_and_field_of_view_of_each_frame(shot):
    zoom = np.array(shot.track.zoom)

    np.testing.assert_allclose(focal_px(shot.track), shot.scene.focal_px())
    np.testing.assert_allclose(tangents(shot.track)[:, 0] * zoom, 0.5 / 0.88)
    np.testing.assert_allclose(tangents(replace(shot.track, zoom=())), [[0.5 / 0.88, 45 / 140.8]] * 3)


def _opencv(scene, frame, points):
    scene.camera_from_world(frame)  # its lens is that of the frame that was asked for last
    return visible(scene, frame, points)
