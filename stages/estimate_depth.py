"""Depth of every frame from its solved neighbours, with confidence; sky told apart; no download needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from assets.providers.depthmodel import DepthGuesser
from calibration.cameras import pose_at
from calibration.depth.sweep import estimate, figures, full_size, points_seen
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.provider_sections import DepthModel
from pipeline.stage import stage
from pipeline.types import CameraTrack, DepthMaps, Plate


@dataclass(frozen=True, slots=True)
class Params:
    width_px: int = 480  # the search runs at this width; edges are drawn to the plate's afterwards

    def __post_init__(self) -> None:
        if not 64 <= self.width_px <= 4096:
            raise ConfigError(f"estimate_depth.width_px is {self.width_px}, must be 64 to 4096. 480 suits most plates.")


@stage
def estimate_depth(
    plate: Plate,
    track: CameraTrack,
    params: Params,
    frames: FrameRange,
    out: Path,
    guess: DepthModel = DepthModel(),  # noqa: B008 (frozen)
) -> DepthMaps:
    """Z: metres along camera z, +inf in the sky. C: 0 in the sky and where neighbours disagree (moving people), to 1.

    Where a model is given, its guess stands there, aligned, and C is below a half. Raises ProviderError for one that
    cannot be used.
    """
    files = FrameFiles(out, "depth.%04d.exr", frames)
    numbers = FrameFiles(out, "depth.%04d.json", frames)
    for frame in frames:
        picture = np.nan_to_num(exr.read_rgb(plate.files.path(frame)))
        nearness = partial(_opened(guess.model).nearness, picture) if guess.model else None
        depth = full_size(estimate(plate, track, frame, params.width_px, nearness), picture)
        measured = figures(depth, points_seen(track, frame, pose_at(track, frame)))
        exr.write(files.path(frame), {"Z": depth.depth_m, "C": depth.confidence}, compression="zip")
        write_bytes(numbers.path(frame), json.dumps(measured, indent=1, sort_keys=True).encode())
    return DepthMaps(files, figures=numbers)


@lru_cache(maxsize=1)  # once per worker
def _opened(folder: Path) -> DepthGuesser:
    return DepthGuesser.open(folder)
