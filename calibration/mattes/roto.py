"""Supplied mattes and pictures: which file belongs to which frame, and how much of each pixel is covered."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.errors import CalibrationError, FormatError
from pipeline.frames import FrameRange
from pipeline.io import exr, pictures, sequences
from pipeline.sections import MatteSource

Floats = npt.NDArray[np.float32]
# What roto programs call the one channel that counts, best first: theirs in a multichannel EXR, else alpha, else grey.
_CHANNELS = ("A", "matte.A", "alpha.A", "mask.A", "roto.A", "a", "alpha", "matte", "mask", "Y", "R")
_STILLS = {".exr", ".png", ".tif", ".tiff", ".dpx"}


def supplied_files(mattes: MatteSource, frames: FrameRange) -> dict[int, Path]:
    """The matte file of every frame; empty when none were supplied. Raises as files_of does."""
    return files_of(mattes.path, frames, mattes.first) if mattes.path else {}


def files_of(path: Path, frames: FrameRange, first: int = 0) -> dict[int, Path]:
    """Which of the files at `path` belongs to which frame.

    Files may be numbered as the shot (1001-) or as the source: as many files as frames are then taken in order; one
    single file holds for every frame; with handles or another count, `first` tells which file is the first frame's.
    Raises CalibrationError when frames have none, PlateError on a wrong path.
    """
    found = sequences.find(path)
    if isinstance(found, Path):
        raise CalibrationError(
            f"{found}: mattes must be frames of PNG, TIFF or EXR, not a movie. Export them as frames."
        )
    numbered = {found.first + index: file for index, file in enumerate(found.files)}
    if first:
        numbered = {number - first + frames.first: file for number, file in numbered.items()}
    if all(frame in numbered for frame in frames):
        return {frame: numbered[frame] for frame in frames}
    if len(found.files) == 1:
        return dict.fromkeys(frames, found.files[0])
    if len(found.files) == len(frames) and not first:
        return dict(zip(frames, found.files, strict=True))
    last = found.first + len(found.files) - 1
    begun = f" from {first} on" if first else ""
    raise CalibrationError(
        f"{path}: holds {len(found.files)} mattes, {found.first}-{last}, but the shot has frames {frames} "
        f"({len(frames)}){begun}. Supply one per frame, numbered as the shot, or write the number of the first frame's as "
        "[mattes] first."
    )


def read_matte(path: Path, channel: str = "") -> Floats:
    """How much of each pixel is covered, (H, W) float32 0..1, feathered as it is.

    PNG and TIFF of 8 or 16 bits or float, DPX, EXR: alpha where there is one that says something, else the first channel;
    channel: the EXR channel that counts. Values are taken as they are: a matte has no colour space. Raises FormatError.
    """
    if path.suffix.lower() not in _STILLS:
        raise FormatError(f"{path}: mattes are read from PNG, TIFF, DPX or EXR. Export them as one of these.")
    if path.suffix.lower() == ".exr":
        channels = exr.read(path).channels
        wanted = (channel,) if channel else _CHANNELS
        name = next((n for n in wanted if n in channels), "")
        if not name:
            what = f"channel {channel!r}" if channel else "channel A, Y or R"
            raise FormatError(
                f"{path}: no {what} but {', '.join(channels)}. Write the one that counts as [mattes] channel."
            )
        return np.clip(np.nan_to_num(np.asarray(channels[name], np.float32)), 0, 1)
    if channel:
        raise FormatError(f"{path}: channel {channel!r} can be chosen in EXR files only. Leave [mattes] channel out.")
    picture = pictures.read(path)
    has_shape = picture.alpha is not None and float(picture.alpha.min()) < 1  # a full alpha says nothing
    values = picture.alpha if has_shape and picture.alpha is not None else picture.rgb[..., 0]
    return np.ascontiguousarray(np.clip(np.nan_to_num(values), 0, 1), np.float32)


def at_plate_size(matte: Floats, width: int, height: int, path: Path) -> Floats:
    """A supplied matte (h, w) at the plate's size. Raises CalibrationError when its shape is another picture's."""
    rows, columns = matte.shape[:2]
    if (columns, rows) == (width, height):
        return matte
    if abs(columns * height - rows * width) > max(columns * height // 100, 1):
        raise CalibrationError(
            f"{path}: {columns} x {rows} pixels, another shape than the plate's {width} x {height}. "
            "Export it over the whole plate."
        )
    how = cv2.INTER_AREA if columns > width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(matte, (width, height), interpolation=how), np.float32)


def join(matte: Floats, other: Floats, how: str) -> Floats:
    """Two mattes (H, W) as one. how: max (either is in front), min (both are), multiply (soft edges of both)."""
    return np.asarray({"max": np.maximum, "min": np.minimum, "multiply": np.multiply}[how](matte, other), np.float32)
