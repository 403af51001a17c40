"""Which channels of a file make its picture, whatever they are called."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_COLORS = (("r", "g", "b"), ("red", "green", "blue"))
_FAVOURITE_LAYERS = ("", "rgba", "rgb", "beauty", "master", "main", "left", "combined")
_REC709_LUMA = (0.2126, 0.7152, 0.0722)


def color_names(names: Collection[str]) -> tuple[str, str, str] | None:
    """The names of red, green and blue among `names`: "R", "red", "rgba.R", "ViewLayer.Combined.R" ...

    A luma-chroma file gives ("Y", "RY", "BY"), a single grey channel gives its name three times; None without any. The
    unnamed layer comes first, then the usual names of a beauty pass, then the alphabet.
    """
    if {"Y", "RY", "BY"} <= set(names):
        return "Y", "RY", "BY"
    for layer in _layers(names):
        lower = {_base(n).lower(): n for n in sorted(names) if _layer(n) == layer}
        for red, green, blue in _COLORS:
            if red in lower and green in lower and blue in lower:
                return lower[red], lower[green], lower[blue]
    grey = [n for n in sorted(names) if _base(n).lower() in ("y", "l", "luminance", "grey", "gray")] or list(names)
    return (grey[0],) * 3 if len(grey) == 1 and _base(grey[0]).lower() not in ("a", "alpha", "z") else None


def alpha_name(names: Collection[str]) -> str | None:
    """The alpha that belongs to `color_names(names)`, or None."""
    color = color_names(names)
    layer = _layer(color[0]) if color else ""
    found = [n for n in sorted(names) if _layer(n) == layer and _base(n).lower() in ("a", "alpha")]
    return found[0] if found else None


def rgb_from_luma_chroma(luma: Array, red: Array, blue: Array, chromaticities: Sequence[float] | None = None) -> Array:
    """(H, W) Y, RY, BY planes to (H, W, 3) float32.

    Source: OpenEXR, ImfRgbaYca: RY = (R - Y) / Y, BY = (B - Y) / Y, Y weighted by the primaries (Rec.709 by default).
    """
    weights = luma_weights(chromaticities) if chromaticities else _REC709_LUMA
    r = (red + 1) * luma
    b = (blue + 1) * luma
    g = (luma - r * weights[0] - b * weights[2]) / weights[1]
    return np.stack([r, g, b], axis=-1).astype(np.float32)


def luma_weights(chromaticities: Sequence[float]) -> tuple[float, float, float]:
    """What red, green and blue add to luminance, from (red x, y, green x, y, blue x, y, white x, y)."""
    xy = np.asarray(chromaticities, np.float64).reshape(4, 2)
    xyz = np.stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(1)) / xy[:, 1]])
    red, green, blue = np.linalg.solve(xyz[:, :3], xyz[:, 3])
    return float(red), float(green), float(blue)


def _layers(names: Collection[str]) -> list[str]:
    def rank(layer: str) -> tuple[int, str]:
        last = layer.rsplit(".", 1)[-1].lower()
        return (_FAVOURITE_LAYERS.index(last) if last in _FAVOURITE_LAYERS else len(_FAVOURITE_LAYERS), layer)

    return sorted({_layer(n) for n in names}, key=rank)


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _base(name: str) -> str:
    return name.rpartition(".")[2]
