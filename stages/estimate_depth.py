"""Depth of every frame from its solved neighbours, with confidence; sky told apart; no download needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.cameras import pose_at
from calibration.depth.sweep import estimate, figures, full_size, points_seen
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.stage import stage
from pipeline.types import CameraTrack, DepthMaps, Plate


@dataclass(frozen=True, slots=True)
class Params:
    width_px: int = 480  # the search runs at this width; edges are drawn to the plate's afterwards

    def __post_init__(self) -> None:
        if not 64 <= self.width_px <= 4096:
            raise ConfigError(f"estimate_depth.width_px is {self.width_px}, must be 64 to 4096. 480 suits most plates.")


@stage
def estimate_depth(plate: Plate, track: CameraTrack, params: Params, frames: FrameRange, out: Path) -> DepthMaps:
    """Z: metres along camera z, +inf in the sky. C: 0 in the sky and where neighbours disagree (moving people), to 1."""
    files = FrameFiles(out, "depth.%04d.exr", frames)
    numbers = FrameFiles(out, "depth.%04d.json", frames)
    for frame in frames:
        small = estimate(plate, track, frame, params.width_px)
        depth = full_size(small, np.nan_to_num(exr.read_rgb(plate.files.path(frame))))
        measured = figures(depth, points_seen(track, frame, pose_at(track, frame)))
        exr.write(files.path(frame), {"Z": depth.depth_m, "C": depth.confidence}, compression="zip")
        write_bytes(numbers.path(frame), json.dumps(measured, indent=1, sort_keys=True).encode())
    return DepthMaps(files, figures=numbers)
