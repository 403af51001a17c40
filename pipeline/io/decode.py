"""Read movies through PyAV; colour by our own matrices (yuv.py), time as integer frames and a rational rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatError
from pipeline.frames import FrameRate
from pipeline.io import yuv

Array = np.ndarray[Any, Any]

# Code points of ITU-T H.273, as FFmpeg reports them.
_MATRICES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020"}
_PRIMARIES = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 11: "p3-dci", 12: "p3-d65"}
_TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    6: "bt601",
    8: "linear",
    13: "srgb",
    14: "bt2020",
    15: "bt2020",
    16: "pq",
    18: "hlg",
}
_FULL_RANGE = 2
_HD_LINES = 720  # below it an untagged movie is taken for BT.601, as players do
# Layouts that are planar in everything but name: swscale repacks them without touching a value.
_SAME_VALUES = {"nv12": "yuv420p", "nv16": "yuv422p", "uyvy422": "yuv422p", "yuyv422": "yuv422p", "p010le": "yuv420p10le",
                "p210le": "yuv422p10le", "v210": "yuv422p10le", "rgb24": "gbrp", "bgr24": "gbrp", "rgb48le": "gbrp16le"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MovieInfo:
    """What a movie says of itself. Unknown: 0 frames, "" for words."""

    width: int  # as shown: a phone's rotation is applied
    height: int
    frame_count: int
    rate: FrameRate
    pixel_aspect: float
    codec: str
    pixel_format: str
    bits: int
    matrix: str  # bt709 | bt601 | bt2020 | smpte240m | fcc | rgb
    full_range: bool
    primaries: str
    transfer: str
    timecode: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MovieFrame:
    """rgb: (H, W, 3) float32 encoded R'G'B', black 0, white 1, unclamped. alpha: (H, W) float32 or None. seconds: when."""

    rgb: Array
    alpha: Array | None
    seconds: Fraction


def probe(path: Path) -> MovieInfo:
    """Read a movie's description from its header and first frame. Raises FormatError when it is no readable movie."""
    with _opened(path) as container:
        stream = _video_stream(container, path)
        first = next(_decoded(container, stream, path), None)
        if first is None:
            raise FormatError(f"{path}: holds no frame. Copy or export it again.")
        turned = abs(int(first.rotation)) % 180 == 90
        metadata = {**container.metadata, **stream.metadata}
        aspect = stream.sample_aspect_ratio or Fraction(1)
        return MovieInfo(
            width=first.height if turned else first.width,
            height=first.width if turned else first.height,
            frame_count=int(stream.frames),
            rate=_rate(stream),
            pixel_aspect=float(1 / aspect if turned else aspect),
            codec=stream.codec_context.name,
            pixel_format=first.format.name,
            bits=first.format.components[0].bits,
            matrix=_matrix(first, stream),
            full_range=_is_full_range(first, stream),
            primaries=_PRIMARIES.get(_tag(first, stream, "color_primaries"), ""),
            transfer=_TRANSFERS.get(_tag(first, stream, "color_trc"), ""),
            timecode=_timecode(container),
            metadata={str(k): str(v) for k, v in sorted(metadata.items())},
        )


def read_frames(path: Path) -> Iterator[Array]:
    """Every frame as (H, W, 3) float32 encoded R'G'B', the file's own range and matrix honoured. One in memory at a time."""
    return (frame.rgb for frame in decode(path))


def decode(path: Path, *, matrix: str = "", value_range: str = "") -> Iterator[MovieFrame]:
    """Every frame in order. matrix, value_range ("full", "limited"): where the file's own tags lie.

    Raises FormatError naming the frame (counted from 1) where the stream is damaged or ends early.
    """
    with _opened(path) as container:
        stream = _video_stream(container, path)
        stream.thread_type = "AUTO"
        count = 0
        for frame in _decoded(container, stream, path):
            if frame.interlaced_frame:
                raise FormatError(f"{path}: frame {count + 1} is interlaced. Deinterlace the movie first.")
            full = value_range == "full" if value_range else _is_full_range(frame, stream)
            seconds = Fraction(frame.pts or 0) * (frame.time_base or Fraction(0))
            yield _converted(frame, matrix or _matrix(frame, stream), full, seconds, path)
            count += 1
        if stream.frames and count < stream.frames:
            raise FormatError(f"{path}: truncated: holds {count} of {stream.frames} frames. Copy or export it again.")


def exact_rate(rate: Fraction) -> FrameRate:
    """`rate` as a ratio; one within 0.002 of an NTSC rate is that: containers with a coarse clock and floats blur it."""
    for base in (24, 30, 48, 60, 120):
        ntsc = Fraction(base * 1000, 1001)
        if abs(rate - ntsc) < Fraction(1, 500):
            rate = ntsc
    return FrameRate(rate.numerator, rate.denominator)


# ---------------------------------------------------------------- the stream


def _opened(path: Path) -> Any:
    import av

    if not path.is_file():
        raise FormatError(f"{path}: no such file. Check the path.")
    try:
        return av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise FormatError(
            f"{path}: not a readable movie, or truncated ({_reason(error)}). Copy or export it again."
        ) from error


def _video_stream(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise FormatError(f"{path}: holds no picture, only {[s.type for s in container.streams]}. Name the movie.")
    return container.streams.video[0]


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    import av

    count = 0
    try:
        for frame in container.decode(stream):
            count += 1
            if frame.is_corrupt:
                raise FormatError(f"{path}: frame {count} is damaged. Copy or export the movie again.")
            yield frame
    except av.FFmpegError as error:
        raise FormatError(
            f"{path}: frame {count + 1} cannot be decoded ({_reason(error)}). Copy or export it again."
        ) from error


def _rate(stream: Any) -> FrameRate:
    return exact_rate(Fraction(stream.average_rate or stream.guessed_rate or stream.base_rate or 24))


def _timecode(container: Any) -> str:
    """MOV and MP4 keep it on a stream of its own or on the picture's, MXF on the container."""
    places = [container.metadata, *(stream.metadata for stream in container.streams)]
    return next((place["timecode"] for place in places if place.get("timecode")), "")


def _tag(frame: Any, stream: Any, name: str) -> int:
    values = (int(getattr(owner, name, None) or 0) for owner in (frame, stream.codec_context))
    return next((v for v in values if v not in (0, 2)), 2)


def _matrix(frame: Any, stream: Any) -> str:
    if frame.format.is_rgb:
        return "rgb"
    tagged = _MATRICES.get(_tag(frame, stream, "colorspace"), "")
    # DNxHR's header can only say BT.709, whatever is inside: the container's BT.2020 primaries are believed over it.
    if stream.codec_context.name == "dnxhd" and _tag(stream.codec_context, stream, "color_primaries") == 9:
        return "bt2020"
    return tagged or ("bt709" if frame.height >= _HD_LINES or frame.width >= 1280 else "bt601")


def _is_full_range(frame: Any, stream: Any) -> bool:
    if frame.format.is_rgb or frame.format.name.startswith("yuvj"):
        return True
    return int(frame.color_range or stream.codec_context.color_range or 0) == _FULL_RANGE


# ---------------------------------------------------------------- one frame


def _converted(frame: Any, matrix: str, full_range: bool, seconds: Fraction, path: Path) -> MovieFrame:
    turns = round(float(frame.rotation) / 90) % 4
    frame = frame.reformat(format=_SAME_VALUES[frame.format.name]) if frame.format.name in _SAME_VALUES else frame
    name, bits = frame.format.name, frame.format.components[0].bits
    planes = [_plane(frame, i) for i in range(len(frame.planes))]
    top = np.float32(1 / ((1 << bits) - 1))
    if name.startswith("gbr"):
        g, b, r = planes[:3]
        rgb = np.stack([r, g, b], axis=-1).astype(np.float32) * top
    elif name.startswith("gray"):
        neutral = (
            np.full((1, 1), 1 << (bits - 1), np.uint16).repeat(planes[0].shape[0], 0).repeat(planes[0].shape[1], 1)
        )
        rgb = yuv.rgb_from_yuv(planes[0], neutral, neutral, matrix="bt709", bits=bits, full_range=full_range)
    elif name.startswith("yuv") and len(planes) >= 3:
        used = matrix if matrix in yuv.LUMA_RED_BLUE else "bt709"
        rgb = yuv.rgb_from_yuv(*planes[:3], matrix=used, bits=bits, full_range=full_range)
    else:
        raise FormatError(f"{path}: pixel format {name} is not known. Export as ProRes, DNxHR, H.264 or H.265.")
    alpha = planes[3].astype(np.float32) * top if len(planes) == 4 else None
    if turns:
        rgb = np.ascontiguousarray(np.rot90(rgb, turns))
        alpha = None if alpha is None else np.ascontiguousarray(np.rot90(alpha, turns))
    return MovieFrame(rgb, alpha, seconds)


def _plane(frame: Any, number: int) -> Array:
    plane = frame.planes[number]
    kind = np.dtype("<u2" if frame.format.components[0].bits > 8 else "u1")
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    return rows[: plane.height, : plane.width]


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error)
