"""What a frame would show without the people in it: depth and colour of the background, from other frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import to_camera
from calibration.lens import project
from calibration.views import View, load_view, parallax_px, pinholes
from pipeline.io import exr
from pipeline.kernels.smooth import flow
from pipeline.kernels.warp import agree, look_up, splat
from pipeline.types import CameraTrack, DepthMaps, Plate

Floats = npt.NDArray[np.float32]
_FAR = 0.25  # rank among the votes on depth: who was taken for a still thing stands before the background
SURE = 0.5  # confidence from which a depth is taken for a thing that stands still


@dataclass(frozen=True, eq=False)
class Background:
    """colour: (h, w, 3) float32 encoded, NaN where no frame shows it. spread: (h, w) how far frames disagree, encoded.

    frames: (h, w) int32, how many frames show it. inverse_depth: (h, w) float32 1/m.
    """

    colour: Floats
    spread: Floats
    frames: npt.NDArray[np.int32]
    inverse_depth: Floats


def find_background(
    plate: Plate, track: CameraTrack, depth: DepthMaps, view: View, others: list[int], width_px: int
) -> Background:
    """The background behind `view`.

    Its depth is carried forward from every frame of `others` (their own untrusted pixels, moving people among them, stay
    out) and their median taken, so that what stands behind a person comes from frames in which nobody stood there. Its
    colour is then looked up through that depth, where nothing nearer hides it.
    """
    views = [load_view(plate, track, f, width_px) for f in others]
    depths = [depth_small(depth, f, v) for f, v in zip(others, views, strict=True)]
    inverse = background_depth(view, views, depths, depth_small(depth, view.frame, view))
    near = pinholes(view, views, layers=[np.dstack(d) for d in depths])
    values, expected = look_up(near.pictures, view.rays, near.turns, near.shifts, inverse)
    nearest, trust = values[..., 3], values[..., 4]
    with np.errstate(invalid="ignore"):
        shown = np.isfinite(expected) & (nearest < 1.15 * expected + 0.004)
    sure = shown & ((trust > 0.2) | (inverse < 0.002))
    colour, spread, number = agree(values[..., :3], sure)
    return Background(colour, spread, number, inverse)


def other_frames(track: CameraTrack, frame: int, points: npt.NDArray[np.float64], reach: int, count: int) -> list[int]:
    """Up to `count` frames, none too close (people would still stand there), spread over `reach` frames either way."""
    looks = parallax_px(track, frame, points, 480) >= 0
    here = track.frames.index(frame)
    away = np.arange(len(looks)) - here
    for nearest in (5, 2, 1):
        fit = np.flatnonzero(looks & (np.abs(away) >= nearest) & (np.abs(away) <= reach))
        if len(fit) >= min(count, 4):
            break
    fit = fit[np.argsort(np.abs(away[fit]), kind="stable")] if len(fit) else fit
    picked = {round(k) for k in np.linspace(0, len(fit) - 1, min(count, len(fit)))} if len(fit) else set()
    return sorted(track.frames.first + int(fit[k]) for k in picked)


def depth_small(depth: DepthMaps, frame: int, view: View) -> tuple[Floats, Floats]:
    """Inverse depth (0 in the sky) and confidence of a frame, (h, w) each, at the view's size.

    Islands of trust among distrust lose theirs: a shield that glides along looks still for a moment, its bearer does not.
    """
    path = depth.files.path(frame)
    return _depth_small(path, path.stat().st_mtime_ns, view.lens.width, view.lens.height)


@lru_cache(maxsize=48)
def _depth_small(path: Path, _changed: int, width: int, height: int) -> tuple[Floats, Floats]:
    channels = exr.read(path).channels
    with np.errstate(divide="ignore"):
        inverse = np.where(np.isfinite(channels["Z"]), 1 / np.maximum(channels["Z"], 1e-3), 0).astype(np.float32)
    size = (width, height)
    confidence = cv2.resize(channels["C"].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    inverse_small = cv2.resize(inverse, size, interpolation=cv2.INTER_NEAREST)
    window = 2 * (width // 60) + 1
    confidence = confidence * np.clip(cv2.blur(confidence, (window, window)) / 0.7, 0, 1)
    return np.asarray(inverse_small, np.float32), np.asarray(confidence, np.float32)


def background_depth(
    view: View, views: list[View], depths: list[tuple[Floats, Floats]], own: tuple[Floats, Floats]
) -> Floats:
    height, width = view.grey.shape
    carried = [np.where((own[1] > SURE) | (own[0] == 0), own[0], np.nan)]
    for other, (inverse, confidence) in zip(views, depths, strict=True):
        kept = (confidence > SURE) & (inverse > 0)
        z = 1 / inverse[kept].astype(np.float64)
        points = np.concatenate([other.rays[kept], np.ones((len(z), 1))], axis=1) * z[:, None]
        here = to_camera(points, view.pose @ np.linalg.inv(other.pose))
        with np.errstate(divide="ignore"):
            carried.append(splat(project(here, view.lens), 1 / here[:, 2], height, width))
    stack = np.stack(carried)[..., None]
    found, _, number = agree(np.nan_to_num(stack), np.isfinite(stack[..., 0]), _FAR)
    inverse = np.where(number > 0, found[..., 0], 0)
    # Nobody's picture may stop the fill here: the people are what is being filled over.
    plain = np.zeros((height, width, 1), np.float32)
    return np.asarray(np.where(number > 0, inverse, flow(inverse, (number > 0) * 1.0, plain, 25.0, 1.0)), np.float32)
