"""Colour through OpenColorIO's built-in ACES studio config: into ACEScg, out of it, and to the display."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Any

import numpy as np

from pipeline.errors import ConfigError

Array = np.ndarray[Any, Any]

# Pinned: ocio://default means another config in every version of the library.
CONFIG = "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
WORKING_SPACE = "ACEScg"
DISPLAY = "sRGB - Display"
VIEW = "ACES 2.0 - SDR 100 nits (Rec.709)"
LUT_EDGE = 65  # lattice points a side of the fast view; 36 ns a pixel instead of 324

# ACEScct of scene-linear 0 and 8: what a tracker's 8 bits are spread over.
_LOG_BLACK, _LOG_WHITE = 0.0729055341958355, (np.log2(8.0) + 9.72) / 17.52


def to_acescg(rgb: Array, colorspace: str) -> Array:
    """(H, W, 3|4) of `colorspace` to scene-linear ACEScg, float32. Alpha passes. Raises ConfigError (known())."""
    return _applied(_between(known(colorspace), WORKING_SPACE), rgb)


def from_acescg(rgb: Array, colorspace: str) -> Array:
    """(H, W, 3|4) ACEScg to `colorspace`, float32. Alpha passes. Raises ConfigError on an unknown name."""
    return _applied(_between(WORKING_SPACE, known(colorspace)), rgb)


def to_display(rgb: Array, display: str = DISPLAY, view: str = VIEW) -> Array:
    """(H, W, 3) ACEScg to what `display` shows, 0..1 encoded float32, through the exact view transform (slow)."""
    return np.clip(_applied(_view(display, view), rgb), 0, 1)


def to_display_8bit(rgb: Array, display: str = DISPLAY, view: str = VIEW) -> Array:
    """(H, W, 3) ACEScg to uint8 for `display`, through an ACEScct + 65^3 lattice of the view: for review files."""
    return _applied_8bit(_fast_view(display, view), rgb)


def log_8bit(rgb: Array) -> Array:
    """(H, W, 3) ACEScg to uint8 log for trackers: ACEScct, scene-linear 0 at 0 and 8 at 255."""
    return _applied_8bit(_tracker_log(), rgb)


def known(colorspace: str) -> str:
    """The config's own name for `colorspace` (aliases such as "acescg" are resolved). Raises ConfigError, suggests."""
    found = _config().getColorSpace(colorspace) if colorspace else None
    if found is None:
        lower = {name.lower(): name for name in _names_and_aliases()}
        wanted = colorspace.lower()
        close = difflib.get_close_matches(wanted, lower, n=4, cutoff=0.5)
        close += [name for name in lower if wanted and wanted in name and name not in close][: 4 - len(close)]
        names = list(dict.fromkeys(_config().getColorSpace(lower[c]).getName() for c in close))
        hint = f"Did you mean {' or '.join(names)}?" if names else f"Known are: {', '.join(color_spaces())}."
        raise ConfigError(f"colour space {colorspace!r} is not in the config {CONFIG}. {hint}")
    return str(found.getName())


def color_spaces() -> tuple[str, ...]:
    """Every colour space of the config that pixels can come from or go to."""
    return tuple(_config().getColorSpaceNames())


# ---------------------------------------------------------------- processors, made once


@lru_cache(maxsize=1)
def _config() -> Any:
    import PyOpenColorIO

    return PyOpenColorIO.Config.CreateFromBuiltinConfig(CONFIG)


@lru_cache(maxsize=1)
def _names_and_aliases() -> tuple[str, ...]:
    return tuple(n for name in color_spaces() for n in (name, *_config().getColorSpace(name).getAliases()))


@lru_cache(maxsize=16)
def _between(source: str, target: str) -> Any:
    return _config().getProcessor(source, target).getDefaultCPUProcessor()


@lru_cache(maxsize=4)
def _view(display: str, view: str) -> Any:
    import PyOpenColorIO as ocio

    _check_view(display, view)
    return _config().getProcessor(ocio.DisplayViewTransform(WORKING_SPACE, display, view)).getDefaultCPUProcessor()


def _check_view(display: str, view: str) -> None:
    displays = list(_config().getDisplays())
    if display not in displays:
        raise ConfigError(f"[delivery].display {display!r} is unknown. The config has: {', '.join(displays)}.")
    views = list(_config().getViews(display))
    if view not in views:
        raise ConfigError(f"[delivery].view {view!r} is no view of {display}. It has: {', '.join(views)}.")


@lru_cache(maxsize=4)
def _fast_view(display: str, view: str) -> Any:
    import PyOpenColorIO as ocio

    code = np.linspace(0, 1, LUT_EDGE, dtype=np.float32)
    lattice = np.stack(np.meshgrid(code, code, code, indexing="ij"), axis=-1).reshape(1, -1, 3)  # blue runs fastest
    shown = to_display(to_acescg(lattice, "ACEScct"), display, view)
    table = ocio.Lut3DTransform(LUT_EDGE)
    table.setData(np.ascontiguousarray(shown.reshape(-1)))
    table.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    shaper = ocio.ColorSpaceTransform(WORKING_SPACE, "ACEScct")
    return _processor_8bit([shaper, table])


@lru_cache(maxsize=1)
def _tracker_log() -> Any:
    import PyOpenColorIO as ocio

    scale = 1 / (_LOG_WHITE - _LOG_BLACK)
    matrix = ocio.MatrixTransform()
    matrix.setMatrix([scale, 0, 0, 0, 0, scale, 0, 0, 0, 0, scale, 0, 0, 0, 0, 1])
    matrix.setOffset([-_LOG_BLACK * scale] * 3 + [0])
    return _processor_8bit([ocio.ColorSpaceTransform(WORKING_SPACE, "ACEScct"), matrix])


def _processor_8bit(transforms: list[Any]) -> Any:
    import PyOpenColorIO as ocio

    processor = _config().getProcessor(ocio.GroupTransform(transforms))
    return processor.getOptimizedCPUProcessor(ocio.BIT_DEPTH_F32, ocio.BIT_DEPTH_UINT8, ocio.OPTIMIZATION_DEFAULT)


# ---------------------------------------------------------------- pixels


def _applied(processor: Any, rgb: Array) -> Array:
    out = np.array(rgb, np.float32, order="C", copy=True)
    _channels(out)
    (processor.applyRGBA if out.shape[-1] == 4 else processor.applyRGB)(out)
    return out


def _applied_8bit(processor: Any, rgb: Array) -> Array:
    import PyOpenColorIO as ocio

    source = np.ascontiguousarray(rgb, np.float32)
    channels = _channels(source)
    out = np.empty(source.shape, np.uint8)
    height, width = source.shape[:2]
    processor.apply(
        ocio.PackedImageDesc(
            source, width, height, channels, ocio.BIT_DEPTH_F32, 4, 4 * channels, 4 * channels * width
        ),
        ocio.PackedImageDesc(out, width, height, channels, ocio.BIT_DEPTH_UINT8, 1, channels, channels * width),
    )
    return out


def _channels(pixels: Array) -> int:
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise ValueError(f"(H, W, 3) or (H, W, 4) pixels are needed, not {pixels.shape}")
    return int(pixels.shape[2])
