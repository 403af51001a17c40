"""Frames as the depth and matte searches see them: small, log-encoded, and as a pinhole when they are looked up in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, lens_at, load_poses, to_camera
from calibration.lens import camera_matrix, distort, project, rays, scaled
from pipeline.io import exr
from pipeline.types import CameraTrack, Lens, Plate

Floats = npt.NDArray[np.float32]
_TOE = 0.02  # linear light at which the encoding turns from linear to logarithmic: below it grain, not texture, rules
_OVERSCAN = 0.05
_FARTHEST = 150  # frames: bounds the search for neighbours on long plates


def encode(rgb: Floats) -> Floats:
    """Scene-linear ACEScg (..., 3) float32 to a log-like code, 0 at black and 1 at linear 1: equal ratios, equal steps."""
    return np.asarray(np.log1p(np.maximum(rgb, 0) / _TOE) / np.log1p(1 / _TOE), np.float32)


@dataclass(frozen=True, eq=False)
class View:
    """One frame at working size. picture: (h, w, 3) float32 encoded, in the plate's distorted pixels; pose: camera_from_world."""

    frame: int
    picture: Floats
    lens: Lens
    pose: npt.NDArray[np.float64]

    @property
    def grey(self) -> Floats:
        return np.ascontiguousarray(self.picture.mean(axis=2))

    @property
    def rays(self) -> Floats:
        return _rays(self.lens)


@dataclass(frozen=True, eq=False)
class Pinholes:
    """Neighbour views without distortion, ready to be looked up in (pipeline.kernels.sweep).

    pictures: (N, h, w) or (N, h, w, C) float32. turns: (N, 3, 3), shifts: (N, 3): inverse depth q along a ray (x/z, y/z, 1) of the
    reference lies at array index p[:2] / p[2], p = turn @ ray + q * shift.
    """

    pictures: Floats
    turns: Floats
    shifts: Floats


def load_view(plate: Plate, track: CameraTrack, frame: int, width_px: int) -> View:
    """Read one frame at `width_px` (never enlarged). The last 48 views are kept: neighbours share them."""
    path = plate.files.path(frame)
    picture, lens = _small(str(path), path.stat().st_mtime_ns, lens_at(track, frame), min(width_px, plate.width))
    return View(frame, picture, lens, load_poses(track)[track.frames.index(frame)])


def pinholes(reference: View, neighbours: list[View], layers: list[Floats] | None = None) -> Pinholes:
    """Undistort `neighbours` and relate them to `reference`.

    pictures: (N, h, w) of grey; with `layers`, (h, w, L) per neighbour, (N, h, w, 3 + L) of colour and those (unsmoothed).
    """
    seen_by = [_pinhole(view.lens) for view in neighbours]
    tallest, widest = (max((one[2][axis] for one in seen_by), default=0) for axis in range(2))
    out, turns, shifts = [], [], []
    for row, (view, (matrix, grid, (height, width))) in enumerate(zip(neighbours, seen_by, strict=True)):
        source = view.grey if layers is None else view.picture
        seen = cv2.remap(source, grid[..., 0], grid[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        if layers is not None:
            under = cv2.remap(layers[row], grid[..., 0], grid[..., 1], cv2.INTER_NEAREST)
            seen = np.dstack([seen, under])
        more = tallest - height, widest - width  # a zoom's pinholes are not all of one size
        if any(more):
            seen = cv2.copyMakeBorder(seen, 0, more[0], 0, more[1], cv2.BORDER_REPLICATE)
        out.append(np.asarray(seen, np.float32))
        between = view.pose @ np.linalg.inv(reference.pose)
        turns.append((matrix @ between[:3, :3]).astype(np.float32))
        shifts.append((matrix @ between[:3, 3]).astype(np.float32))
    return Pinholes(np.stack(out), np.stack(turns), np.stack(shifts))


def parallax_px(track: CameraTrack, frame: int, points: npt.NDArray[np.float64], width_px: int) -> Floats:
    """How far world `points` (N, 3) move by parallax alone between `frame` and every frame: (F,) median px at `width_px`.

    Frames that see fewer than 40% of the points get -1: they look elsewhere; so do those over 150 frames away, unasked.
    """
    height_px = round(track.lens.height * width_px / track.lens.width)
    poses = load_poses(track)
    centre = camera_centre(poses[track.frames.index(frame)])
    out = np.full(len(poses), -1, np.float32)
    here = track.frames.index(frame)
    for row in range(max(here - _FARTHEST, 0), min(here + _FARTHEST + 1, len(poses))):
        pose, lens = poses[row], scaled(lens_at(track, track.frames.first + row), width_px, height_px)
        there = to_camera(points, pose)
        px = project(there, lens)
        turned = project((points - centre) @ pose[:3, :3].T, lens)  # as if the camera had only turned
        with np.errstate(invalid="ignore"):
            inside = (px > 0).all(axis=1) & (px[:, 0] < lens.width) & (px[:, 1] < lens.height)
        inside &= np.isfinite(turned).all(axis=1)
        if len(points) and inside.mean() > 0.4:
            out[row] = np.median(np.hypot(*(px - turned)[inside].T))
    return out


@lru_cache(maxsize=48)
def _small(path: str, _changed: int, lens: Lens, width: int) -> tuple[Floats, Lens]:
    from pathlib import Path

    rgb = np.nan_to_num(exr.read_rgb(Path(path)), nan=0, posinf=65504, neginf=0)
    height = round(rgb.shape[0] * width / rgb.shape[1])
    if width != rgb.shape[1]:
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return encode(rgb), scaled(lens, width, height)


@lru_cache(maxsize=16)
def _rays(lens: Lens) -> Floats:
    return rays(lens)


@lru_cache(maxsize=16)
def _pinhole(lens: Lens) -> tuple[npt.NDArray[np.float64], Floats, tuple[int, int]]:
    """Matrix (array indices), lookup grid and size of a pinhole that holds all of the lens and a little more."""
    through = _rays(lens).reshape(-1, 2)
    low, high = through.min(axis=0), through.max(axis=0)
    low, high = low - _OVERSCAN * (high - low), high + _OVERSCAN * (high - low)
    matrix = camera_matrix(lens)
    matrix[:2, 2] = -low * (lens.focal_x_px, lens.focal_y_px)
    width, height = (int(np.ceil(s)) for s in (high - low) * (lens.focal_x_px, lens.focal_y_px))
    u, v = np.meshgrid(
        (np.arange(width) - matrix[0, 2]) / matrix[0, 0], (np.arange(height) - matrix[1, 2]) / matrix[1, 1]
    )
    grid = distort(np.stack([u, v], axis=-1), lens) - 0.5
    return matrix, grid.astype(np.float32), (height, width)
