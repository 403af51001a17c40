"""OpenEXR in and out: any channels, any windows, one or several parts; written whole and the same every time."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatError
from pipeline.io.channels import alpha_name, color_names, rgb_from_luma_chroma
from pipeline.io.exrheader import parts_of
from pipeline.io.exrwrite import half, rgba_channels, write, write_rgb
from pipeline.io.timecode import Timecode

__all__ = ["ExrImage", "half", "picture", "read", "read_rgb", "read_rgba", "rgba_channels", "write", "write_rgb"]
Array = np.ndarray[Any, Any]
Window = tuple[int, int, int, int]  # left, top, right, bottom, all included

MAX_SIDE_PX = 32768  # a header can claim any size; one that asks for more than this is broken
MAX_PIXELS = 2**28
_STRUCTURE = {
    *("channels", "compression", "dataWindow", "displayWindow", "lineOrder", "type", "tiles", "chunkCount", "name"),
    *("version", "pixelAspectRatio", "screenWindowCenter", "screenWindowWidth", "preview", "maxSamplesPerPixel"),
    "dwaCompressionLevel",
}


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
    headers = [part.header for part in parts_of(path, header_only=True)]
    display = _window(headers[0]["displayWindow"])
    for header in headers:
        _likely(path, display, _window(header["dataWindow"]))
        if "deep" in str(header.get("type", "")):
            raise FormatError(f"{path}: a deep EXR. Flatten it first: only flat pixels are read.")
    channels: dict[str, Array] = {}
    for number, part in enumerate(parts_of(path, header_only=False)):
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
    return picture(read(path), path)


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
    rgb = np.empty((image.height, image.width, len(names)), np.float32)
    for number, name in enumerate(names):
        rgb[..., number] = image.channels[name]
    return rgb


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
