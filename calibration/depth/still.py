"""The depth of what stands still: a frame's own map where it is sure, other frames' where people walked through it.

Plane sweep finds no depth for what moves between frames: around a walker its answer is arbitrary, and often near. A layer
must be held out there by the matte's sharp edge and by the still things behind the walker, not by that answer.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.depth.sweep import points_seen
from calibration.depth.views import load_view
from calibration.mattes.background import SURE, background_depth, depth_small, other_frames
from pipeline.io import exr
from pipeline.types import CameraTrack, DepthMaps, Plate

Floats = npt.NDArray[np.float32]
_WIDTH_PX = 480
_REACH_FRAMES = 40  # people walk a body's width within it
_LOOKS = 10
_ALIKE = 0.1  # share of the distance within which two depths tell of the same thing


def still_depth(plate: Plate, track: CameraTrack, depth: DepthMaps, frame: int) -> tuple[Floats, Floats]:
    """Depth along camera z in metres (H, W), +inf in the sky, and confidence 0..1, at the plate's size, without walkers."""
    channels = exr.read(depth.files.path(frame)).channels
    z, confidence = (np.ascontiguousarray(channels[c], dtype=np.float32) for c in "ZC")
    view = load_view(plate, track, frame, _WIDTH_PX)
    points = points_seen(track, frame, view.pose).world
    others = other_frames(track, frame, points[:: max(1, len(points) // 300)], _REACH_FRAMES, _LOOKS)
    if not others:
        return z, confidence
    views = [load_view(plate, track, f, _WIDTH_PX) for f in others]
    depths = [depth_small(depth, f, v) for f, v in zip(others, views, strict=True)]
    own = depth_small(depth, frame, view)
    size = z.shape[::-1]
    behind = cv2.resize(background_depth(view, views, depths, own), size, interpolation=cv2.INTER_LINEAR)
    trust = cv2.resize(own[1], size, interpolation=cv2.INTER_LINEAR)
    with np.errstate(divide="ignore"):
        inverse = np.where(np.isfinite(z), 1 / np.maximum(z, np.float32(1e-3)), 0)
        alike = np.abs(inverse - behind) < _ALIKE * np.maximum(inverse, behind) + 5e-4
        # Only what is too near is doubted: a walker before a wall reads as too near, and so does its halo.
        walked = (trust < SURE) & ~alike & (inverse > behind)
        still = np.where(walked, 1 / np.maximum(behind, np.float32(1e-5)), z)
    return still.astype(np.float32), np.where(walked, np.float32(0.5), confidence).astype(np.float32)
