"""Who stands in front of every layer: the supplied roto, or what moves against the solved background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.mattes.edges import figure_depth, refine
from calibration.mattes.pull import find_matte
from calibration.mattes.roto import read_matte, supplied_files
from pipeline.errors import CalibrationError, ConfigError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.sections import MatteSource
from pipeline.stage import stage
from pipeline.types import CameraTrack, DepthMaps, Mattes, Plate


@dataclass(frozen=True, slots=True)
class Params:
    width_px: int = 480  # the search runs at this width; edges are drawn to the plate's afterwards
    reach_frames: int = 60  # how far before and after the background is looked for
    looks: int = 12  # frames that vote on the background
    sure: float = 5.0  # deviations that make a difference certain: lower finds more, and more that is none
    edge_px: int = 3  # width of the edge that follows the plate, in pixels of the search

    def __post_init__(self) -> None:
        if not 64 <= self.width_px <= 4096:
            raise ConfigError(f"pull_mattes.width_px is {self.width_px}, must be 64 to 4096. 480 suits most plates.")
        if self.reach_frames < 1 or self.looks < 2 or self.sure <= 0 or self.edge_px < 1:
            raise ConfigError("pull_mattes: reach_frames, sure and edge_px must be above 0, looks at least 2.")


@stage
def pull_mattes(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    source: MatteSource,
    params: Params,
    frames: FrameRange,
    out: Path,
) -> Mattes:
    """A: 1 = in front of every layer. Z: how far that figure stands, metres, by the ground under it; +inf elsewhere.

    A matte claims what moves in front. Where a layer ought to stand before a person, Z tells.
    """
    files = FrameFiles(out, "matte.%04d.exr", frames)
    supplied = supplied_files(source, plate.files.frames)
    for frame in frames:
        alpha = _supplied(supplied[frame], plate) if supplied else _automatic(plate, track, depth, params, frame)
        maps = exr.read(depth.files.path(frame)).channels
        far = figure_depth(alpha, maps["Z"], maps["C"])
        exr.write(files.path(frame), {"A": alpha.astype(np.float16), "Z": far}, compression="zip")
    return Mattes(files, "supplied" if supplied else "automatic")


def _automatic(
    plate: Plate, track: CameraTrack, depth: DepthMaps, params: Params, frame: int
) -> npt.NDArray[np.float32]:
    matte = find_matte(
        plate,
        track,
        depth,
        frame,
        width_px=params.width_px,
        reach=params.reach_frames,
        count=params.looks,
        sure=params.sure,
    )
    radius = max(2, round(params.edge_px * plate.width / matte.shape[1]))
    return refine(matte, np.nan_to_num(exr.read_rgb(plate.files.path(frame))), radius)


def _supplied(path: Path, plate: Plate) -> npt.NDArray[np.float32]:
    """The supplied matte at plate size. Raises CalibrationError when its shape is another picture's."""
    matte = read_matte(path)
    height, width = matte.shape
    if (width, height) == (plate.width, plate.height):
        return np.clip(matte, 0, 1)
    if abs(width * plate.height - height * plate.width) > max(width * plate.height // 100, 1):
        raise CalibrationError(
            f"{path}: {width} x {height} pixels, another shape than the plate's {plate.width} x {plate.height}. "
            "Export the roto over the whole plate."
        )
    shrinks = width > plate.width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.clip(np.asarray(cv2.resize(matte, (plate.width, plate.height), interpolation=how), np.float32), 0, 1)
