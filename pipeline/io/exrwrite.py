"""Write an EXR: planes of any type, whole or not at all, the same bytes every time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatError, StoreError
from pipeline.io.compression import Compression
from pipeline.io.files import replacing
from pipeline.io.timecode import Timecode
from pipeline.kernels import halves

Array = np.ndarray[Any, Any]

_SPACE_WANTED = 1 << 20  # bytes; with less free than this a failed write is put down to a full disk
_TAKEN_FOR_COLOUR = ("R", "G", "B", "Y", "RY", "BY")  # by the last part of a channel's name, and then made lossy


@cache
def openexr() -> Any:
    """The library, with as many threads as OMP_NUM_THREADS allows: by itself it takes none. Bytes do not depend on it."""
    import OpenEXR

    threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    OpenEXR.set_global_thread_count(threads if threads > 1 else 0)
    return OpenEXR


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
    `chromaticities` as 8 floats. compression: what Compression.parse reads; a lossy one touches half R G B Y alone, and
    32-bit planes of those names (Cryptomatte's ids) go into parts of their own, losslessly. Raises ConfigError on another
    compression, ValueError on another shape or dtype, StoreError when the disk is full.
    """
    planes = _checked(channels)
    attributes = {key: _attribute(key, value) for key, value in (metadata or {}).items()}
    parts = _parts(planes, Compression.parse(compression), attributes)
    with replacing(path) as temporary:
        try:
            openexr().File(parts).write(str(temporary))
        except (RuntimeError, ValueError, TypeError) as error:
            if shutil.disk_usage(path.parent).free < _SPACE_WANTED:
                raise StoreError(f"{path}: no space left on the disk. Free some and run again.") from error
            raise FormatError(f"{path}: cannot be written ({one_line(error)}). Check its metadata.") from error


def _parts(planes: dict[str, Array], compression: Compression, attributes: dict[str, Any]) -> list[Any]:
    """One part; with a lossy compression one more for each layer of exact planes that it would take for colour."""
    library = openexr()
    apart: dict[str, dict[str, Array]] = {}
    if not compression.lossless:
        for name, plane in planes.items():
            layer, _, last = name.rpartition(".")
            if plane.dtype != np.float16 and last in _TAKEN_FOR_COLOUR:
                apart.setdefault(layer or name, {})[name] = plane
    lifted = {name for found in apart.values() for name in found}
    level = {} if compression.level is None else {"dwaCompressionLevel": compression.level}

    def part(name: str, constant: str, chosen: dict[str, Array], more: Mapping[str, Any]) -> Any:
        header = {"compression": getattr(library, constant), "type": library.scanlineimage, **attributes, **more}
        return library.Part(header, chosen, name)

    first = {name: plane for name, plane in planes.items() if name not in lifted}
    made = [part("rgba" if apart else "", compression.constant, first, level)] if first else []
    return made + [part(layer, "ZIP_COMPRESSION", found, {}) for layer, found in apart.items()]


def write_rgb(path: Path, rgb: Array, metadata: Mapping[str, Any] | None = None) -> None:
    """Write (H, W, 3) as half R G B. Values past half's 65504 become the largest half, NaN stays NaN."""
    write(path, {name: half(rgb[..., i]) for i, name in enumerate("RGB")}, metadata=metadata)


def rgba_channels(rgba: Array, prefix: str = "") -> dict[str, Array]:
    """Half planes of (H, W, 4), named prefix + R G B A: rgba_channels(x, "crowd.")."""
    planes = np.empty((4, *rgba.shape[:2]), np.float16)
    halves.to_planes(np.ascontiguousarray(rgba, np.float32), planes)
    return {prefix + name: planes[i] for i, name in enumerate("RGBA")}


def half(plane: Array) -> Array:
    """`plane` as contiguous float16; a finite value past 65504 becomes that, never infinity."""
    if plane.dtype == np.float16:
        return np.ascontiguousarray(plane)
    out = np.empty(plane.shape, np.float16)
    halves.to_half(np.ascontiguousarray(plane, np.float32), out)
    return out


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


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
