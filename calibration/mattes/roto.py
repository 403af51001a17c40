"""Supplied mattes: which file belongs to which frame, and how much of each pixel is covered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.errors import CalibrationError, FormatError
from pipeline.frames import FrameRange
from pipeline.io import exr, images, sequences
from pipeline.sections import MatteSource


def supplied_files(mattes: MatteSource, frames: FrameRange) -> dict[int, Path]:
    """The matte file of every frame; empty when none were supplied.

    Files may be numbered as the shot (1001-) or as the source: as many files as frames are then taken in order; one
    single file holds for every frame. Raises CalibrationError when frames have none, PlateError on a wrong path.
    """
    if mattes.path is None:
        return {}
    found = sequences.find(mattes.path)
    if isinstance(found, Path):
        raise CalibrationError(f"{found}: mattes must be PNG or EXR frames, not a movie. Export them as frames.")
    numbered = {found.first + index: file for index, file in enumerate(found.files)}
    if all(frame in numbered for frame in frames):
        return {frame: numbered[frame] for frame in frames}
    if len(found.files) == len(frames):
        return dict(zip(frames, found.files, strict=True))
    if len(found.files) == 1:
        return dict.fromkeys(frames, found.files[0])
    last = found.first + len(found.files) - 1
    raise CalibrationError(
        f"{mattes.path}: holds {len(found.files)} mattes, {found.first}-{last}, but the shot has frames {frames} "
        f"({len(frames)}). Supply one per frame, numbered as the shot."
    )


def read_matte(path: Path) -> npt.NDArray[np.float32]:
    """How much of each pixel is covered, (H, W) float32 0..1: alpha where there is one, else the first channel.

    Raises FormatError when it cannot be read.
    """
    if path.suffix.lower() == ".exr":
        channels = exr.read(path).channels
        name = next((n for n in ("A", "matte.A", "Y", "R") if n in channels), "")
        if not name:
            raise FormatError(f"{path}: no channel A, Y or R but {', '.join(channels)}. Export the matte as A.")
        return np.clip(np.asarray(channels[name], np.float32), 0, 1)
    if path.suffix.lower() != ".png":
        raise FormatError(f"{path}: mattes are read from PNG or EXR. Export them as one of these.")
    pixels = images.read_png(path)
    if pixels.ndim == 2:
        return pixels
    has_shape = pixels.shape[2] == 4 and float(pixels[..., 3].min()) < 1  # a full alpha says nothing
    return np.ascontiguousarray(pixels[..., 3] if has_shape else pixels[..., 0])
