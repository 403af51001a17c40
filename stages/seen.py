"""The solved camera as the layers' renderers need it, frame by frame. No stage: a view is computed, never kept."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from assets.view import View
from calibration.cameras import lens_at, load_poses, zoom_of
from calibration.lens import project, rays
from pipeline.types import CameraTrack, Lens

Array = npt.NDArray[np.float64]


def view_of(track: CameraTrack, frame: int) -> View:
    """The solved camera on one frame, and on the next one (at the shot's end: the one before)."""
    poses, row = load_poses(track), track.frames.index(frame)
    ahead = 0 if len(poses) == 1 else 1 if row + 1 < len(poses) else -1
    lens, there = lens_at(track, frame), lens_at(track, frame + ahead)
    return View(
        rays=rays_of(lens, 0.0, 0.0),
        project=partial(project, lens=lens),
        pose=poses[row],
        other=poses[row + ahead],
        ahead=ahead,
        project_there=partial(project, lens=there) if track.zoom else None,
    )


def focal_px(track: CameraTrack) -> Array:
    """(F,) each frame's focal length, the mean of across and down: ever the same one where the lens does not zoom."""
    return (track.lens.focal_x_px + track.lens.focal_y_px) / 2 * zoom_of(track)


def tangents(track: CameraTrack) -> Array:
    """(F, 2) half the picture's width and height at distance 1 on each frame."""
    lens = track.lens
    half = np.array([lens.width / 2 / lens.focal_x_px, lens.height / 2 / lens.focal_y_px])
    return np.asarray(half / zoom_of(track)[:, None])


@lru_cache(maxsize=5)  # the centre and four samples of one lens: computed once per worker
def rays_of(lens: Lens, x: float, y: float) -> npt.NDArray[np.float32]:
    """(H, W, 2) of each pixel, as calibration.lens.rays has them, off its centre by x, y pixels."""
    return rays(replace(lens, centre_x_px=lens.centre_x_px - x, centre_y_px=lens.centre_y_px - y))
