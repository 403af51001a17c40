"""What leaves for other programs: a zoom's STMaps are each frame's own, held against OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

from calibration.cameras import lens_at
from calibration.handover import stmaps
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.types import CameraTrack, Lens

LENS = Lens(160, 90, 150.0, 150.0, 81.0, 44.0, -0.2, 0.03)


def test_each_frame_of_a_zoom_has_its_own_maps_of_one_size(tmp_path):
    nothing, frames = tmp_path / "none", FrameRange(1001, 1003)
    track = CameraTrack(nothing, nothing, nothing, nothing, nothing, frames, LENS, 1.0, "height", zoom=(1.0, 1.3, 1.7))

    more = stmaps(track, tmp_path)

    sizes = set()
    for frame in frames:
        lens = lens_at(track, frame)
        maps = exr.read(tmp_path / f"undistort.{frame}.exr").channels
        sizes.add(maps["R"].shape)
        row, column = 20, 12  # of the undistorted picture: where does the plate show it?
        ray = (
            (column + 0.5 - more.left - lens.centre_x_px) / lens.focal_x_px,
            (row + 0.5 - more.top - lens.centre_y_px) / lens.focal_y_px,
        )
        matrix = np.array([[lens.focal_x_px, 0, lens.centre_x_px], [0, lens.focal_y_px, lens.centre_y_px], [0, 0, 1]])
        bends = np.array([lens.k1, lens.k2, lens.p1, lens.p2])
        seen, _ = cv2.projectPoints(np.array([[*ray, 1.0]]), np.zeros(3), np.zeros(3), matrix, bends)
        found = maps["R"][row, column] * LENS.width, (1 - maps["G"][row, column]) * LENS.height
        assert np.allclose(found, seen.ravel(), atol=0.01), frame
    assert len(sizes) == 1
    assert not (tmp_path / "undistort.exr").exists()
