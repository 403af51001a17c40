"""The plate as the trackers see it: grey, log-encoded, stretched to its own range, at a working size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration.lens import scaled
from calibration.mattes.roto import read_matte, supplied_files
from pipeline.errors import CalibrationError
from pipeline.io import color, exr
from pipeline.sections import MatteSource
from pipeline.types import Lens, Plate

Grey = npt.NDArray[np.uint8]
LEAST_RANGE = 4  # codes of 8-bit log between dark and bright below which a plate shows nothing
MATTE_MARGIN = 0.006  # of the width that masks grow: an edge moves with what it belongs to


@dataclass(frozen=True)
class TrackView:
    """Reads one frame at a time. width, height: working size, square pixels. dark, bright: 8-bit log codes.

    mattes, ignore: files by frame, what moves and what is not looked at, empty when none were supplied.
    """

    plate: Plate
    mattes: dict[int, Path]
    ignore: dict[int, Path]
    width: int
    height: int
    dark: float
    bright: float
    channel: str = ""  # of EXR mattes

    def grey(self, frame: int) -> Grey:
        """The frame, (height, width) uint8."""
        grey = _small(_log_grey(self.plate, frame), self.width, self.height)
        gain = 235.0 / (self.bright - self.dark)
        codes = np.clip((np.arange(256) - self.dark) * gain + 10.0, 0, 255)
        return np.asarray(np.rint(codes).astype(np.uint8)[grey])

    def mask(self, frame: int) -> Grey | None:
        """(height, width) uint8: 0 where a supplied matte or mask covers the plate, else 255. None without any."""
        given = [
            (files[frame], channel) for files, channel in ((self.mattes, self.channel), (self.ignore, "")) if files
        ]
        if not given:
            return None
        covered = np.any([_small(read_matte(*one), self.width, self.height) > 0.1 for one in given], axis=0)
        margin = 2 * int(MATTE_MARGIN * self.width + 1) + 1
        grown = cv2.dilate(covered.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin)))
        return np.asarray(np.where(grown > 0, 0, 255), np.uint8)

    @property
    def masked(self) -> bool:
        """Whether anything is covered in some frame."""
        return bool(self.mattes or self.ignore)

    @property
    def to_plate(self) -> npt.NDArray[np.float64]:
        """Factors (2,) from working pixels to the plate's."""
        return np.array([self.plate.width / self.width, self.plate.height / self.height])

    def plate_lens(self, lens: Lens) -> Lens:
        """A lens in working pixels as one of the plate's."""
        return scaled(lens, self.plate.width, self.plate.height)

    def working_lens(self, lens: Lens) -> Lens:
        """A lens of the plate's as one in working pixels."""
        return scaled(lens, self.width, self.height)


def open_view(plate: Plate, mattes: MatteSource, ignore: Path | None, max_width_px: int) -> TrackView:
    """Look at a few frames, choose size and range. ignore: masks of what is not to be looked at, as mattes. Raises CalibrationError when the plate is black or flat."""
    frames = plate.files.frames
    wide = plate.width * plate.pixel_aspect
    scale = min(1.0, max_width_px / wide)
    width, height = round(wide * scale), round(plate.height * scale)
    looked_at = np.unique(np.linspace(frames.first, frames.last, min(7, len(frames))).astype(int))
    codes = np.concatenate([_log_grey(plate, int(frame))[::4, ::4].ravel() for frame in looked_at])
    dark, bright = np.percentile(codes, [0.5, 99.5])
    if bright - dark < LEAST_RANGE:
        raise CalibrationError(
            f"camera solve: frames {frames} are black or flat (8-bit log codes {dark:.0f} to {bright:.0f}): there is "
            "nothing to track. Check the plate and its colour space in [plate]."
        )
    files = supplied_files(mattes, frames), supplied_files(MatteSource(ignore), frames)
    return TrackView(plate, *files, width, height, float(dark), float(bright), mattes.channel)


def _log_grey(plate: Plate, frame: int) -> Grey:
    return np.asarray(cv2.cvtColor(color.log_8bit(exr.read_rgb(plate.files.path(frame))), cv2.COLOR_RGB2GRAY))


def _small(picture: Any, width: int, height: int) -> Any:
    if picture.shape[:2] == (height, width):
        return picture
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
