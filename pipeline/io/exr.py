"""OpenEXR in and out: any channels, any windows, one or several parts; written whole and the same every time."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatError, StoreError
from pipeline.io.channels import alpha_name, color_names, rgb_from_luma_chroma
from pipeline.io.files import replacing
from pipeline.io.timecode import Timecode

Array = np.ndarray[Any, Any]
Window = tuple[int, int, int, int]  # left, top, right, bottom, all included

MAX_SIDE_PX = 32768  # a header can claim any size; one that asks for more than this is broken
MAX_PIXELS = 2**28
_STRUCTURE = {
    *("channels", "compression", "dataWindow", "displayWindow", "lineOrder", "type", "tiles", "chunkCount", "name"),
    *("version", "pixelAspectRatio", "screenWindowCenter", "screenWindowWidth", "preview", "maxSamplesPerPixel"),
}
_SPACE_WANTED = 1 << 20  # bytes; with less free than this a failed write is put down to a full disk


@dataclass(frozen=True, slots=True)
class ExrImage:
    """An EXR's pixels and what it says of itself.

    channels: name to (H, W) float16, float32 or uint32 over the display window, 0 where the file holds no pixels. The
    channels of a second part are called "part.channel". metadata: attributes that are not structure: str, int, float,
    Fraction, tuples; `timeCode` as text. Windows: left, top, right, bottom, all included.
    """

    channels: dict[str, Array]
    metadata: dict[str, Any]
    display_window: Window
    data_window: Window  # of the first part
    pixel_aspect: float = 1.0
    compression: str = field(default="", compare=False)

    @property
    def width(self) -> int:
        return self.display_window[2] - self.display_window[0] + 1

    @property
    def height(self) -> int:
        return self.display_window[3] - self.display_window[1] + 1


# ---------------------------------------------------------------- reading


def read(path: Path) -> ExrImage:
    """Read every channel of every part. Raises FormatError on a damaged, truncated, deep, missing or unlikely file."""
    headers = [part.header for part in _parts(path, header_only=True)]
    display = _window(headers[0]["displayWindow"])
    for header in headers:
        _likely(path, display, _window(header["dataWindow"]))
        if "deep" in str(header.get("type", "")):
            raise FormatError(f"{path}: a deep EXR. Flatten it first: only flat pixels are read.")
    channels: dict[str, Array] = {}
    for number, part in enumerate(_parts(path, header_only=False)):
        window = _window(part.header["dataWindow"])
        for name, channel in part.channels.items():
            if channel.pixels is None:
                raise FormatError(f"{path}: channel {name} holds no pixels. Copy or render the file again.")
            pixels = _full_resolution(channel.pixels, channel.xSampling, channel.ySampling, window)
            channels[_unique(name, part.name(), number)] = _over_display(pixels, window, display)
    metadata = {k: _plain(v) for header in reversed(headers) for k, v in header.items() if k not in _STRUCTURE}
    return ExrImage(
        channels=channels,
        metadata=metadata,
        display_window=display,
        data_window=_window(headers[0]["dataWindow"]),
        pixel_aspect=float(headers[0].get("pixelAspectRatio", 1.0)),
        compression=headers[0]["compression"].name.removesuffix("_COMPRESSION").lower(),
    )


def read_rgb(path: Path) -> Array:
    """The picture as (H, W, 3) float32, values as stored. Raises FormatError where no channels make a picture."""
    return np.ascontiguousarray(read_rgba(path)[..., :3])


def read_rgba(path: Path) -> Array:
    """The picture as (H, W, 4) float32, values as stored; alpha 1 where the file has none."""
    image = read(path)
    rgb = picture(image, path)
    rgba = np.ones((*rgb.shape[:2], 4), np.float32)
    rgba[..., :3] = rgb
    alpha = alpha_name(image.channels)
    if alpha:
        rgba[..., 3] = image.channels[alpha]
    return rgba


def picture(image: ExrImage, path: Path) -> Array:
    """The colour channels of `image`, whatever their names, as (H, W, 3) float32. Raises FormatError without any."""
    names = color_names(image.channels)
    if names == ("Y", "RY", "BY"):
        luma, red, blue = (image.channels[n].astype(np.float32) for n in names)
        return rgb_from_luma_chroma(luma, red, blue, image.metadata.get("chromaticities"))
    if not names:
        raise FormatError(f"{path}: no picture among its channels {sorted(image.channels)}. It needs R, G, B, or Y.")
    return np.stack([image.channels[n].astype(np.float32) for n in names], axis=-1)


def _parts(path: Path, *, header_only: bool) -> list[Any]:
    import OpenEXR

    if not path.is_file():
        raise FormatError(f"{path}: no such file. Check the path.")
    try:
        # A damaged file yields a file of 0 parts and a printed warning, not an exception.
        parts = OpenEXR.File(str(path), separate_channels=True, header_only=header_only).parts
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise FormatError(f"{path}: not a readable EXR ({_one_line(error)}). Copy or render it again.") from error
    if not parts:
        raise FormatError(f"{path}: truncated or damaged ({path.stat().st_size} bytes). Copy or render it again.")
    return list(parts)


def _likely(path: Path, *windows: Window) -> None:
    for left, top, right, bottom in windows:
        width, height = right - left + 1, bottom - top + 1
        if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX and width * height <= MAX_PIXELS):
            raise FormatError(
                f"{path}: damaged: its header claims {width} x {height} pixels, the limit is {MAX_SIDE_PX}."
            )


def _unique(name: str, part: str, number: int) -> str:
    return name if number == 0 or name.startswith(f"{part}.") else f"{part}.{name}"


def _full_resolution(pixels: Array, x_step: int, y_step: int, window: Window) -> Array:
    if x_step == y_step == 1:
        return pixels
    width, height = window[2] - window[0] + 1, window[3] - window[1] + 1
    return pixels.repeat(y_step, axis=0).repeat(x_step, axis=1)[:height, :width]


def _over_display(pixels: Array, data: Window, display: Window) -> Array:
    if data == display:
        return pixels
    out = np.zeros((display[3] - display[1] + 1, display[2] - display[0] + 1), pixels.dtype)
    left, top = max(data[0], display[0]), max(data[1], display[1])
    right, bottom = min(data[2], display[2]) + 1, min(data[3], display[3]) + 1
    if left < right and top < bottom:
        kept = pixels[top - data[1] : bottom - data[1], left - data[0] : right - data[0]]
        out[top - display[1] : bottom - display[1], left - display[0] : right - display[0]] = kept
    return out


def _window(box: Any) -> Window:
    (left, top), (right, bottom) = box
    return int(left), int(top), int(right), int(bottom)


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | Fraction):
        return value
    if isinstance(value, np.ndarray):
        return tuple(value.ravel().tolist())
    if isinstance(value, tuple | list):
        return tuple(_plain(v) for v in value)
    if type(value).__name__ == "TimeCode":
        return str(Timecode(value.hours, value.minutes, value.seconds, value.frame, value.dropFrame))
    return str(value)


# ---------------------------------------------------------------- writing


def write(
    path: Path,
    channels: Mapping[str, Array],
    *,
    compression: str = "zip",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write (H, W) planes as one EXR, whole or not at all; equal input gives equal bytes.

    The dtype of each plane (float16, float32, uint32) decides its channel's type. metadata: text and numbers as they
    are; `framesPerSecond` as Fraction, `timeCode` as "01:00:00:00" (";" before the frames for drop frame),
    `chromaticities` as 8 floats. Raises ValueError on another shape or dtype, StoreError when the disk is full.
    """
    import OpenEXR

    planes = _checked(channels)
    header = {
        "compression": getattr(OpenEXR, f"{compression.upper()}_COMPRESSION"),
        "type": OpenEXR.scanlineimage,
        **{key: _attribute(key, value) for key, value in (metadata or {}).items()},
    }
    with replacing(path) as temporary:
        try:
            OpenEXR.File(header, planes).write(str(temporary))
        except (RuntimeError, ValueError, TypeError) as error:
            if shutil.disk_usage(path.parent).free < _SPACE_WANTED:
                raise StoreError(f"{path}: no space left on the disk. Free some and run again.") from error
            raise FormatError(f"{path}: cannot be written ({_one_line(error)}). Check its metadata.") from error


def write_rgb(path: Path, rgb: Array, metadata: Mapping[str, Any] | None = None) -> None:
    """Write (H, W, 3) as half R G B. Values past half's 65504 become the largest half, NaN stays NaN."""
    write(path, {name: half(rgb[..., i]) for i, name in enumerate("RGB")}, metadata=metadata)


def rgba_channels(rgba: Array, prefix: str = "") -> dict[str, Array]:
    """Half planes of (H, W, 4), named prefix + R G B A: rgba_channels(x, "crowd.")."""
    return {prefix + name: half(rgba[..., i]) for i, name in enumerate("RGBA")}


def half(plane: Array) -> Array:
    """`plane` as contiguous float16; a finite value past 65504 becomes that, never infinity."""
    if plane.dtype == np.float16:
        return np.ascontiguousarray(plane)
    limit = np.finfo(np.float16).max
    clamped = np.where(np.isfinite(plane), np.clip(plane, -limit, limit), plane)
    return np.ascontiguousarray(clamped.astype(np.float16))


def _checked(channels: Mapping[str, Array]) -> dict[str, Array]:
    if not channels:
        raise ValueError("an EXR needs at least one channel")
    shapes = {plane.shape for plane in channels.values()}
    if len(shapes) > 1 or len(next(iter(shapes))) != 2:
        raise ValueError(f"planes of one (H, W) are needed, not { {n: p.shape for n, p in channels.items()} }")
    odd = {name: str(p.dtype) for name, p in channels.items() if p.dtype not in (np.float16, np.float32, np.uint32)}
    if odd:
        raise ValueError(f"channels are float16, float32 or uint32, not {odd}")
    # Strided planes write wrong pixels and flipped ones crash the process (openexr#1929).
    return {name: np.ascontiguousarray(plane) for name, plane in channels.items()}


def _attribute(key: str, value: Any) -> Any:
    if key == "timeCode":
        import OpenEXR

        code = Timecode.parse(str(value))
        flags = (code.drop, False, False, False, False, False)
        return OpenEXR.TimeCode(code.hours, code.minutes, code.seconds, code.frames, *flags, *[0] * 8)
    if key == "framesPerSecond":
        return Fraction(value)
    if isinstance(value, list | tuple) and key != "chromaticities":
        kind = np.int32 if all(isinstance(v, int) for v in value) else np.float32
        return np.array(value, kind)
    return value


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
