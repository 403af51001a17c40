"""The solved camera as the layers' renderers need it, frame by frame. No stage: a view is computed, never kept."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from assets.view import View
from calibration.cameras import load_poses
from calibration.lens import project, rays
from pipeline.types import CameraTrack, Lens


def view_of(track: CameraTrack, frame: int) -> View:
    """The solved camera on one frame, and on the next one (at the shot's end: the one before)."""
    poses, row = load_poses(track), track.frames.index(frame)
    ahead = 0 if len(poses) == 1 else 1 if row + 1 < len(poses) else -1
    return View(
        rays=rays_of(track.lens, 0.0, 0.0),
        project=lambda points: project(points, track.lens),
        pose=poses[row],
        other=poses[row + ahead],
        ahead=ahead,
    )


@lru_cache(maxsize=5)  # the centre and four samples of one lens: computed once per worker
def rays_of(lens: Lens, x: float, y: float) -> npt.NDArray[np.float32]:
    """(H, W, 2) of each pixel, as calibration.lens.rays has them, off its centre by x, y pixels."""
    return rays(replace(lens, centre_x_px=lens.centre_x_px - x, centre_y_px=lens.centre_y_px - y))
