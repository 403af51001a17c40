"""The plate without its grain, as keys and edges look at it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from calibration.look.degrain import degrain
from calibration.look.grain import measure_grain
from pipeline.errors import CalibrationError
from pipeline.frames import FrameFiles
from pipeline.io import exr
from pipeline.kernels.grain import Grain

Floats = npt.NDArray[np.float32]
_PAIRS = 3  # of neighbouring frames that tell the grain
_BESIDE = 1  # frames before and after that a frame is averaged with


def plate_frame(files: FrameFiles, frame: int) -> Floats:
    """A frame (H, W, 3) float32 scene-linear as it was shot; 0 where it is broken."""
    return np.nan_to_num(exr.read_rgb(files.path(frame)), posinf=0, neginf=0)


def quiet_frame(files: FrameFiles, frame: int, rows: int | None = None) -> Floats:
    """The same without its grain; as it is where the shot is too short to tell grain. Not to be written to.

    rows: only so many of the upper ones.
    """
    return _quiet(files, frame, rows, _changed(files, frame))


@lru_cache(maxsize=9)
def _quiet(files: FrameFiles, frame: int, rows: int | None, _now: int) -> Floats:
    picture = plate_frame(files, frame)[:rows]
    grain = _grain(files, _changed(files, files.frames.first))
    if grain is None:
        return picture
    beside = [f for d in range(1, _BESIDE + 1) for f in (frame - d, frame + d) if f in files.frames]
    return degrain(picture, grain, [plate_frame(files, f)[:rows] for f in beside])


@lru_cache(maxsize=2)
def _grain(files: FrameFiles, _now: int) -> Grain | None:
    first, last = files.frames.first, files.frames.last
    chosen = sorted({round(f) for f in np.linspace(first, last - 1, _PAIRS)}) if last > first else []
    pairs = [(plate_frame(files, f), plate_frame(files, f + 1)) for f in chosen]
    try:
        return measure_grain(pairs).grain if pairs else None
    except CalibrationError:  # too few blocks: a small picture
        return None


def _changed(files: FrameFiles, frame: int) -> int:
    return files.path(frame).stat().st_mtime_ns
