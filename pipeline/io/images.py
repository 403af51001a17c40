"""PNG and JPEG pictures to look at: contact sheets, overlays, guides."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatError
from pipeline.io.files import write_bytes

Array = np.ndarray[Any, Any]

_PNG = b"\x89PNG\r\n\x1a\n"


def read_png(path: Path) -> Array:
    """A PNG as float32, 0..1 as encoded: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA with alpha not multiplied in.

    Raises FormatError when it cannot be read.
    """
    import cv2

    if not path.is_file():
        raise FormatError(f"{path}: no such file. Check the path.")
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise FormatError(f"{path}: not a readable PNG, or truncated. Copy or export it again.")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return (pixels / (65535 if pixels.dtype == np.uint16 else 255)).astype(np.float32)


def write_png(path: Path, pixels: Array) -> None:
    """Write uint8 (or uint16) (H, W), (H, W, 3) RGB or (H, W, 4) RGBA as PNG, whole or not at all, equal bytes."""
    write_bytes(path, _encoded(".png", pixels))


def write_jpeg(path: Path, rgb: Array, quality: int = 90) -> None:
    """Write (H, W, 3) uint8 RGB as JPEG, whole or not at all."""
    write_bytes(path, jpeg(rgb, quality))


def jpeg(rgb: Array, quality: int = 90) -> bytes:
    """(H, W, 3) uint8 RGB as the bytes of a JPEG file."""
    import cv2

    return _encoded(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])


def png(pixels: Array) -> bytes:
    """uint8 (or uint16) (H, W), (H, W, 3) RGB or (H, W, 4) RGBA as the bytes of a PNG file, without any metadata."""
    return _encoded(".png", pixels)


def decode_png(data: bytes, where: str, most_px: int = 16384) -> Array:
    """The bytes of a PNG from outside as (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, uint8 or uint16, alpha straight.

    Its header is read before a pixel is: raises FormatError, naming `where`, when it is no PNG, truncated or damaged, or
    when a side is longer than most_px.
    """
    import cv2

    width, height = _sides(data, where)
    if not (0 < width <= most_px and 0 < height <= most_px):
        raise FormatError(
            f"{where}: a PNG that claims {width} x {height} px, sides of 1 to {most_px} are read. Ask again."
        )
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != (height, width):
        raise FormatError(f"{where}: a PNG that cannot be decoded. Ask again.")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return pixels


def _sides(data: bytes, where: str) -> tuple[int, int]:
    """(width, height) of a PNG whose chunks are all there and whole. OpenCV itself pads what is missing with black.

    Source: W3C, Portable Network Graphics (PNG) Specification, section 5.
    """
    at, sides = len(_PNG), (0, 0)
    while data.startswith(_PNG) and at + 12 <= len(data):
        (length,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data) or struct.unpack_from(">I", data, end - 4)[0] != zlib.crc32(data[at + 4 : end - 4]):
            break
        if at == len(_PNG):  # the first chunk alone may be the header
            if kind != b"IHDR" or length != 13:
                break
            sides = struct.unpack_from(">II", data, at + 8)
        if kind == b"IEND":
            return sides
        at = end
    raise FormatError(f"{where}: not a whole PNG ({len(data)} bytes). Ask again.")


def _encoded(suffix: str, pixels: Array, settings: list[int] | None = None) -> bytes:
    import cv2

    if pixels.dtype not in (np.uint8, np.uint16) or not (pixels.ndim == 2 or pixels.shape[2:] in ((3,), (4,))):
        raise ValueError(f"uint8 or uint16 of (H, W[, 3 or 4]) is needed, not {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    good, data = cv2.imencode(suffix, pixels, settings or [])
    if not good:
        raise FormatError(f"a {suffix} of {pixels.shape} could not be encoded. This is a bug.")
    return bytes(data)
