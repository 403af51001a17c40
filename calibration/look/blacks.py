"""Black points: of any pixels, and of the plate without its air."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from calibration.look.classes import LEAST_CLEAR
from calibration.look.color import Sample
from calibration.look.haze import Haze
from pipeline.kernels.color import LUMINANCE, RGB

Pixels = NDArray[np.float32]
LEAST_PIXELS = 200
_DARK = 0.002, 0.008  # quantiles of luminance whose pixels tell the black point
_STEP = 5  # of the plate's pixels every fifth is enough
_MOST = 1 / 16  # of the plate's white: what is brighter is no black, but a plate of snow or a bright wall


def black_of(pixels: Pixels) -> Pixels:
    """(3,) mean of (N, 3) pixels about the 0.5% point of luminance, for a red cloth without any green is not dark."""
    light = pixels @ LUMINANCE
    low, high = np.quantile(light, _DARK)
    return np.asarray(pixels[(light >= low) & (light <= high)].mean(axis=0))


def plate_black(samples: Iterable[Sample], haze: Haze) -> RGB | None:
    """Of everything but the sky, with its air taken away and its grain smoothed; None for too little."""
    air, seen = np.array(haze.colour, np.float32), [np.zeros((0, 3), np.float32)]
    for sample in samples:
        people, known = sample.matte > 0.98, np.isfinite(sample.depth_m)
        away = np.where(known & ~people, sample.depth_m, np.float32(0))
        through = np.exp(-np.float32(haze.extinction_per_m) * away)
        use = people | (known & (through >= LEAST_CLEAR) & (sample.confidence > 0.2))
        left = through[use][::_STEP, None]
        seen.append((sample.smooth()[use][::_STEP] - air * (1 - left)) / left)
    pixels = np.concatenate(seen)
    if len(pixels) < LEAST_PIXELS:
        return None
    black, white = np.maximum(black_of(pixels), 0), float(np.quantile(pixels @ LUMINANCE, 0.995))
    most = _MOST * white / max(float(black @ LUMINANCE), 1e-6)
    red, green, blue = (float(v) for v in black * min(most, 1.0))
    return red, green, blue
