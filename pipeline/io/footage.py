"""The camera original, whatever it is: a movie or numbered pictures, frame by frame, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatError, PlateError
from pipeline.frames import FrameRate
from pipeline.io import pictures, sequences
from pipeline.io.decode import decode, exact_rate, probe
from pipeline.io.lensdata import lens_data
from pipeline.types import LensData

Array = np.ndarray[Any, Any]

_TRANSFER_SPACES = {
    "pq": "Rec.2100-PQ - Display",
    "hlg": "Rec.2100-HLG - Display",
    "srgb": pictures.SRGB,
    "linear": "Linear Rec.709 (sRGB)",
    "gamma22": "Gamma 2.2 Encoded Rec.709",
}
_VIDEO_SPACE = "Gamma 2.4 Encoded Rec.709"  # what a Rec.709 movie shows on a Rec.1886 screen
_LONGEST_TEXT = 400  # characters of metadata worth keeping: longer ones are blobs


@dataclass(frozen=True, slots=True)
class Footage:
    """What is known before the pixels are read. count: frames, 0 when unknown; rate: None when the files do not say."""

    source: Path | sequences.Frames
    name: str
    count: int
    rate: FrameRate | None
    pixel_aspect: float
    timecode: str
    colorspace: str
    reason: str  # why that colour space
    metadata: dict[str, Any] = field(default_factory=dict)
    filmed: LensData | None = None  # by the first frame


@dataclass(frozen=True, slots=True)
class FootageFrame:
    """label: its name in messages. rgb: (H, W, 3) float32 as encoded; alpha: (H, W) or None, multiplied in or not. metadata: of
    this frame alone, where it has its own."""

    label: str
    rgb: Array
    alpha: Array | None
    premultiplied: bool
    pixel_aspect: float
    metadata: dict[str, Any] = field(default_factory=dict)


def open_footage(path: Path) -> Footage:
    """Find and describe the camera original. Raises PlateError naming the file or frame and the cure."""
    source = sequences.find(path)
    try:
        return _movie(source) if isinstance(source, Path) else _stills(source)
    except FormatError as error:
        raise PlateError(str(error)) from error


def frames(footage: Footage, *, matrix: str = "", value_range: str = "") -> Iterator[FootageFrame]:
    """Every frame in order, one in memory at a time. matrix and value_range overrule a movie's tags.

    Raises PlateError naming a frame that is truncated or damaged.
    """
    index = 0
    try:
        if isinstance(footage.source, Path):
            for shot in decode(footage.source, matrix=matrix, value_range=value_range):
                label = f"{footage.source.name}: frame {index + 1}"
                yield FootageFrame(label, shot.rgb, shot.alpha, False, footage.pixel_aspect)
                index += 1
        else:
            for index, file in enumerate(footage.source.files):
                still = pictures.read(file)
                label = footage.source.label(index)
                yield FootageFrame(
                    label, still.rgb, still.alpha, still.premultiplied, still.pixel_aspect, still.metadata
                )
    except FormatError as error:
        where = "" if isinstance(footage.source, Path) else f"{footage.source.label(index)}: "
        raise PlateError(f"{where}{error}") from error


def _movie(path: Path) -> Footage:
    info = probe(path)
    if info.transfer in _TRANSFER_SPACES:
        colorspace, reason = _TRANSFER_SPACES[info.transfer], f"the movie's transfer tag, {info.transfer}"
    elif info.primaries in ("bt2020", "p3-dci", "p3-d65"):
        raise PlateError(
            f"{path}: tagged {info.primaries} primaries with transfer {info.transfer or 'unknown'}, which names no colour "
            "space. Set plate.colorspace, for a camera log such as 'ARRI LogC4'."
        )
    else:
        colorspace, reason = _VIDEO_SPACE, "a movie without a camera log's name"
    facts = {
        "codec": info.codec,
        "pixel format": info.pixel_format,
        "matrix": info.matrix,
        "range": "full" if info.full_range else "limited",
    }
    return Footage(
        source=path,
        name=path.name,
        count=info.frame_count,
        rate=info.rate,
        pixel_aspect=info.pixel_aspect,
        timecode=info.timecode,
        colorspace=colorspace,
        reason=reason,
        metadata={f"movie/{k}": v for k, v in {**info.metadata, **facts}.items() if len(v) <= _LONGEST_TEXT},
        filmed=lens_data(info.metadata, info.width, info.height),
    )


def _stills(found: sequences.Frames) -> Footage:
    try:
        first = pictures.read(found.files[0])
    except FormatError as error:
        raise PlateError(f"{found.label(0)}: {error}") from error
    return Footage(
        source=found,
        name=f"{found.name} {found.first}-{found.first + len(found.files) - 1}",
        count=len(found.files),
        rate=exact_rate(first.rate) if first.rate else None,
        pixel_aspect=first.pixel_aspect,
        timecode=first.timecode,
        colorspace=first.colorspace,
        reason=first.reason,
        metadata={
            k: v
            for k, v in first.metadata.items()
            if isinstance(v, str | int | float | Fraction) and len(str(v)) <= _LONGEST_TEXT
        },
        filmed=lens_data(first.metadata, first.rgb.shape[1], first.rgb.shape[0]),
    )
