"""What a comp supervisor checks, as numbers per frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.grain import Grain, sigma_at

Array = NDArray[np.float32]
LEAST_PIXELS = 200


@dataclass(frozen=True, slots=True)
class Frame:
    """A finished frame and how it came about.

    plate, final: (H, W, 3) float16 as read and as written; picture, grained: (H, W, 3) float32 before and after grain;
    kept: (H, W) share of the plate's signal that is left; layers: name to (H, W, 4) float32 after holdouts.
    """

    plate: NDArray[np.float16]
    final: NDArray[np.float16]
    picture: Array
    grained: Array
    kept: Array
    layers: dict[str, Array]


def figures_of(frame: Frame, grain: Grain) -> dict[str, Any]:
    """The numbers: difference outside the layers (must be 0), levels, coverage, grain against the plate's, NaN."""
    outside = frame.kept >= 1
    difference = np.abs(frame.final.astype(np.float32) - frame.plate.astype(np.float32))[outside]
    same_bits = (frame.final.view(np.uint16) == frame.plate.view(np.uint16))[outside]
    return {
        "outside_max_difference": float(difference.max(initial=0.0)),
        "outside_bit_identical": bool(same_bits.all()),
        "outside_share": float(outside.mean()),
        "nan": int((~np.isfinite(frame.final)).sum()),
        "plate": _levels(frame.plate[outside].astype(np.float32)),
        "layers": {name: _layer(rgba) for name, rgba in frame.layers.items()},
        "grain_ratio": _grain_ratio(frame, grain),
    }


def _layer(rgba: Array) -> dict[str, Any]:
    solid = rgba[rgba[..., 3] > 0.9]
    return {"coverage": float(rgba[..., 3].mean()), **_levels(solid[:, :3] / solid[:, 3:])}


def _levels(pixels: Array) -> dict[str, Any]:
    """Black and white point per channel and key, scene-linear; nothing for too few pixels."""
    if len(pixels) < LEAST_PIXELS:
        return {}
    some = pixels[:: max(1, len(pixels) // 50000)]
    black, white = np.quantile(some, [0.005, 0.995], axis=0)
    key = np.exp(np.log(np.maximum(some @ LUMINANCE, 1e-5)).mean())
    return {"black": black.round(5).tolist(), "white": white.round(5).tolist(), "key": float(key.round(5))}


def _grain_ratio(frame: Frame, grain: Grain) -> list[float]:
    """Per channel: the grain inside the layers over what the plate has at the same levels; 1 is a match."""
    inside = frame.kept <= 0.01
    if inside.sum() < LEAST_PIXELS:
        return []
    added = (frame.grained - frame.picture)[inside]
    wanted = [sigma_at(frame.picture[inside][:, c], c, grain) for c in range(3)]
    return [float(np.sqrt(np.mean(added[:, c] ** 2) / max(np.mean(wanted[c] ** 2), 1e-20)).round(4)) for c in range(3)]
