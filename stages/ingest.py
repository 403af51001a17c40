"""Bring the camera original in: any format to scene-linear ACEScg half EXR, numbered anew, every frame checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import ConfigError, FormatError, PlateError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import color, exr
from pipeline.io.decode import exact_rate
from pipeline.io.footage import Footage, FootageFrame, frames, open_footage
from pipeline.io.lensdata import focal_tags, lens_data
from pipeline.io.timecode import Timecode, later
from pipeline.io.yuv import LUMA_RED_BLUE
from pipeline.sections import PlateSource, ShotInfo
from pipeline.stage import Kept, NothingKept, Progress, silent, stage
from pipeline.types import LensData, Plate

Array = np.ndarray[Any, Any]

NAME = "plate.%04d.exr"
AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)  # ACEScg's primaries and white. Source: S-2014-004


@dataclass(frozen=True, slots=True)
class Params:
    bad_pixels: str = "refuse"  # NaN or infinite: "refuse", or "fill" from the pixels around
    allow_repeats: bool = False  # accept a frame that is its neighbour again, value for value
    movie_matrix: str = ""  # where a movie's tag lies: bt601, bt709, bt2020
    movie_range: str = ""  # likewise: "full" or "limited"

    def __post_init__(self) -> None:
        _one_of("bad_pixels", self.bad_pixels, ("refuse", "fill"))
        _one_of("movie_matrix", self.movie_matrix, ("", *LUMA_RED_BLUE))
        _one_of("movie_range", self.movie_range, ("", "full", "limited"))


@stage
def ingest(
    source: PlateSource,
    shot: ShotInfo,
    params: Params,
    out: Path,
    progress: Progress = silent,
    kept: Kept = NothingKept(),  # noqa: B008 (it holds nothing)
) -> Plate:
    """Read every frame once, in order, one in memory at a time. Raises PlateError naming the frame and the cure."""
    if source.colorspace:
        color.known(source.colorspace)  # before the first pixel
    footage = open_footage(source.path)
    colorspace = color.known(source.colorspace or footage.colorspace)
    rate = _parse_rate(source.frame_rate) if source.frame_rate else footage.rate or FrameRate()
    aspect = source.pixel_aspect or footage.pixel_aspect
    timecode = _usable(footage.timecode)
    attributes = _attributes(footage, rate, aspect, colorspace)
    first: FootageFrame | None = None
    focal_mm: list[float] = []
    previous, count = "", 0
    for count, frame in enumerate(frames(footage, matrix=params.movie_matrix, value_range=params.movie_range), start=1):
        first = first or frame
        _same_kind(frame, first)
        focal_mm += _focal_mm(frame)
        planes = _planes(_finite(frame, params.bad_pixels), colorspace)
        digest = _digest(planes)
        if digest == previous and not params.allow_repeats:
            raise PlateError(
                f"{frame.label}: the same picture as the frame before, value for value. Export the plate again, or accept "
                "repeats with --set ingest.allow_repeats=true."
            )
        previous = digest
        path = out / (NAME % (shot.first_frame + count - 1))
        if path not in kept:
            stamp: dict[str, Any] = {"timeCode": later(timecode, count - 1, rate)} if timecode else {}
            stamp |= focal_tags(frame.metadata) if _is_exr(footage) else {}
            exr.write(path, planes, metadata=attributes | stamp)
            kept.note(path)
        progress(count, max(footage.count, count), frame.label)
    if first is None:
        raise PlateError(f"{source.path}: holds no frame. Correct plate.path.")
    return Plate(
        files=FrameFiles(out, NAME, FrameRange(shot.first_frame, shot.first_frame + count - 1)),
        width=first.rgb.shape[1],
        height=first.rgb.shape[0],
        pixel_aspect=aspect,
        rate=rate,
        timecode=timecode,
        colorspace=colorspace,
        metadata=_told(footage, declared=bool(source.colorspace)),
        filmed=_filmed(footage, focal_mm, count),
    )


# ---------------------------------------------------------------- one frame


def _same_kind(frame: FootageFrame, first: FootageFrame) -> None:
    (height, width), (h, w) = frame.rgb.shape[:2], first.rgb.shape[:2]
    if (height, width) != (h, w):
        raise PlateError(
            f"{frame.label}: {width} x {height} pixels, the first frame has {w} x {h}. Export one size only."
        )
    if abs(frame.pixel_aspect - first.pixel_aspect) > 1e-3:
        raise PlateError(
            f"{frame.label}: pixel aspect {frame.pixel_aspect:g}, the first frame has {first.pixel_aspect:g}. Export one only."
        )
    if (frame.alpha is None) != (first.alpha is None):
        raise PlateError(f"{frame.label}: alpha in some frames only. Export every frame with it, or none.")


def _finite(frame: FootageFrame, bad_pixels: str) -> FootageFrame:
    bad: Array = np.asarray(~np.isfinite(frame.rgb).all(axis=2))
    if frame.alpha is not None:
        bad |= ~np.isfinite(frame.alpha)
    if not bad.any():
        return frame
    y, x = np.argwhere(bad)[0]
    if bad_pixels == "refuse" or bad.all():
        raise PlateError(
            f"{frame.label}: {bad.sum()} pixels are NaN or infinite, the first at x {x}, y {y}. Render the frame again, or "
            "fill them from around with --set ingest.bad_pixels=fill."
        )
    rgb = np.stack([_filled(frame.rgb[..., i], bad) for i in range(3)], axis=-1)
    alpha = None if frame.alpha is None else _filled(frame.alpha, bad)
    return FootageFrame(frame.label, rgb, alpha, frame.premultiplied, frame.pixel_aspect)


def _filled(plane: Array, bad: Array) -> Array:
    """Bad pixels become the mean of the good ones among their 8 neighbours, ring by ring from the rim inwards."""
    good = ~bad
    values = np.where(good, plane, 0).astype(np.float32)
    while not good.all():
        padded, mask = np.pad(values, 1), np.pad(good, 1).astype(np.float32)
        height, width = plane.shape
        windows = [(slice(j, j + height), slice(i, i + width)) for j in range(3) for i in range(3)]
        total, number = sum(padded[w] for w in windows), sum(mask[w] for w in windows)
        rim = ~good & (np.asarray(number) > 0)
        values[rim] = np.asarray(total)[rim] / np.asarray(number)[rim]
        good |= rim
    return values


def _planes(frame: FootageFrame, colorspace: str) -> dict[str, Array]:
    """Half planes in ACEScg. Colour is converted without alpha in it, and alpha multiplied in in linear light."""
    rgb, alpha = frame.rgb, frame.alpha
    if alpha is None:
        linear = color.to_acescg(rgb, colorspace)
        return {name: exr.half(linear[..., i]) for i, name in enumerate("RGB")}
    covered = np.where(alpha > 0, alpha, 1)[..., None]
    linear = color.to_acescg(rgb / covered if frame.premultiplied else rgb, colorspace)
    linear *= covered if frame.premultiplied else alpha[..., None]
    return exr.rgba_channels(np.dstack([linear, alpha]))


def _digest(planes: dict[str, Array]) -> str:
    return hashlib.sha256(b"".join(p.tobytes() for p in planes.values())).hexdigest()


# ---------------------------------------------------------------- what the source told


def _attributes(footage: Footage, rate: FrameRate, aspect: float, colorspace: str) -> dict[str, Any]:
    """EXR attributes of every frame: the camera's own, and what we know better."""
    dropped = (
        "chromaticities",
        "colorInteropID",
        "timeCode",
        "framesPerSecond",
        "acesImageContainerFlag",
        "whiteLuminance",
    )
    kept = {k if _is_exr(footage) else f"source/{k}": v for k, v in footage.metadata.items() if k not in dropped}
    return kept | {
        "chromaticities": AP1,
        "colorInteropID": "lin_ap1_scene",
        "framesPerSecond": Fraction(rate.fraction),
        "pixelAspectRatio": float(aspect),
        "sourceColorspace": colorspace,
        "sourceName": footage.name,
    }


def _told(footage: Footage, *, declared: bool) -> dict[str, str]:
    why = "declared in the shot file" if declared else f"by type: {footage.reason}"
    told = {k: str(v) for k, v in footage.metadata.items()}
    if footage.filmed is not None:
        told |= {"filmed with": _in_words(footage.filmed)}
    return told | {"source": footage.name, "colorspace chosen": why}


def _in_words(filmed: LensData) -> str:
    sensor = f" on {filmed.sensor_width_mm:g} mm" if filmed.sensor_width_mm else ", sensor not told"
    said = f"{filmed.focal_mm[0]:g} mm{sensor} ({filmed.tag})"
    return ", ".join(part for part in (filmed.camera, filmed.lens, said) if part)


def _focal_mm(frame: FootageFrame) -> list[float]:
    found = lens_data(frame.metadata, frame.rgb.shape[1], frame.rgb.shape[0])
    return list(found.focal_mm) if found else []


def _filmed(footage: Footage, focal_mm: list[float], count: int) -> LensData | None:
    """The lens by the file's tags, frame by frame where every frame has its own."""
    if footage.filmed is None or len(focal_mm) != count:
        return footage.filmed
    return replace(footage.filmed, focal_mm=tuple(focal_mm) if len(set(focal_mm)) > 1 else (focal_mm[0],))


def _is_exr(footage: Footage) -> bool:
    return not isinstance(footage.source, Path) and footage.source.name.endswith(".exr")


def _usable(timecode: str) -> str:
    """`timecode` written our way, "" when it is none: a camera's odd tag must not stop a shot."""
    try:
        return str(Timecode.parse(timecode)) if timecode else ""
    except FormatError:
        return ""


def _parse_rate(text: str) -> FrameRate:
    try:
        value = Fraction(text.replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 1 <= value <= 1000:
        raise ConfigError(f"plate.frame_rate {text!r} is no rate. Write it as 24, 25 or 24000/1001.")
    return exact_rate(value)


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        known = ", ".join(c or "(empty)" for c in choices)
        raise ConfigError(f"stage ingest: {name} is {value!r}. Choose one of: {known}.")
