"""What of the plate is not sky, softly, where the shot file asks for another one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from calibration.mattes.skypull import SkyPuller
from pipeline.errors import ConfigError, StageError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.sky_sections import SkyWanted
from pipeline.stage import Finished, stage, unheard
from pipeline.types import CameraTrack, DepthMaps, Mattes, Plate, SkyMattes

LEAST_SKY = 1e-3  # of the picture, on the frame with most of it


@dataclass(frozen=True, slots=True)
class Params:
    width_px: int = 480  # the sky is searched at this width; edges are drawn to the plate's afterwards
    steady_frames: int = 1  # before and after, that soft edges are averaged with; 0: none
    despill: float = 1.0  # how much of what is left of the old sky comes off edges

    def __post_init__(self) -> None:
        if not 64 <= self.width_px <= 4096:
            raise ConfigError(f"pull_sky.width_px is {self.width_px}, must be 64 to 4096. 480 suits most plates.")
        if not 0 <= self.steady_frames <= 4:
            raise ConfigError(f"pull_sky.steady_frames is {self.steady_frames}, must be 0 to 4. 1 suits most shots.")
        if not 0 <= self.despill <= 1:
            raise ConfigError(f"pull_sky.despill is {self.despill}, must be 0 to 1.")


@stage
def pull_sky(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    mattes: Mattes,
    wanted: SkyWanted,
    params: Params,
    frames: FrameRange,
    out: Path,
    finished: Finished = unheard,
) -> SkyMattes:
    """A: exactly 1 where no sky shows, exactly 0 where nothing else does. R G B: of soft edges, what stands before the sky.

    Nothing is written where nobody asks for a sky. Raises StageError where the plate shows none.
    """
    if not wanted.some:
        for frame in frames:
            finished(frame, SkyMattes(None))
        return SkyMattes(None)
    _some_sky(depth)
    puller = SkyPuller(plate, track, depth, mattes, params.width_px, params.steady_frames, params.despill)

    def mattes_of(some: FrameRange) -> SkyMattes:
        return SkyMattes(FrameFiles(out, "sky_matte.%04d.exr", some))

    for frame in frames:
        alpha, own = puller.pull(frame)
        made = mattes_of(FrameRange(frame, frame))
        assert made.files is not None
        planes = {"A": exr.half(alpha), **{c: exr.half(own[..., k]) for k, c in enumerate("RGB")}}
        exr.write(made.files.path(frame), planes, compression="zip")
        finished(frame, made)
    return mattes_of(frames)


def _some_sky(depth: DepthMaps) -> None:
    """Refuse a plate without sky by what the depth says of all its frames."""
    if depth.figures is None:
        return
    most = max(
        json.loads(depth.figures.path(frame).read_text("utf-8")).get("share_sky", 1.0) for frame in depth.figures.frames
    )
    if most < LEAST_SKY:
        raise StageError(
            f"[sky]: no frame of the plate shows any sky ({most:.2%} of the picture at most, {LEAST_SKY:.1%} are needed). "
            "Take [sky] out of the shot file."
        )
