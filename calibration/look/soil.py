"""The grade that gives dust the colour of the ground that it comes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.look.match import LEAST_PIXELS, Match
from calibration.look.tonestats import Tones
from pipeline.kernels.color import LUMINANCE, RGB

_DARKEST = 1e-4  # scene-linear: no ground is darker


def soil_match(ground: NDArray[np.float32], reflectance: RGB, light: RGB) -> Match | None:
    """What takes ground of that reflectance in that light to the plate's, exactly, in exposure and balance alone.

    ground: (N, 3) pixels of the plate, scene-linear ACEScg, haze taken out; their medians count. None: too few pixels.
    """
    if len(ground) < LEAST_PIXELS:
        return None
    seen = np.maximum(np.median(ground.astype(np.float64), axis=0), _DARKEST)
    red, green, blue = seen / np.maximum(np.array(reflectance) * np.array(light), _DARKEST)
    exposure = np.array([red, green, blue]) @ LUMINANCE.astype(np.float64)
    tones = Tones(float(np.log2(exposure)), float(np.log2(red / green)), float(np.log2(blue / green)))
    return Match(tones, Tones(), same=1.0, alike=0.0, strength=1.0)
