"""Choose the light that everything is painted in: as the shot file says it, or as the plate tells it if that is asked for."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from calibration.look.sun import LEAST_CONFIDENCE
from pipeline.errors import CalibrationError
from pipeline.kernels.color import LUMINANCE
from pipeline.sections import LightFacts
from pipeline.stage import stage
from pipeline.types import PlateLight, SunLight


@stage
def choose_light(facts: LightFacts, told: PlateLight, out: Path) -> SunLight:
    """A step of its own, so that nothing is painted again when the plate is measured anew and the light stays.

    `[light] source = "plate"` takes the sun from the plate, and sun and sky from what its shadows leave: level ground in the
    open gets neutral light, luminances of sun and sky add up to 1. Raises CalibrationError when the plate does not tell.
    """
    relight = facts.relight_strength if facts.relight == "auto" else 0.0
    if facts.source == "said":
        return SunLight(facts.sun_azimuth_deg, facts.sun_elevation_deg, facts.sun_rgb, facts.sky_rgb, relight)
    sun = json.loads(told.figures.read_text())
    if sun["confidence"] < LEAST_CONFIDENCE:
        raise CalibrationError(
            f"light: the plate does not tell where its sun stands ({sun['note']}). "
            'Write sun_azimuth_deg and sun_elevation_deg in [light] and leave source = "plate" out.'
        )
    azimuth, elevation = round(sun["azimuth_deg"], 1), round(sun["elevation_deg"], 1)
    left = np.array(told.shadow_rgb)
    falling, sky = (1 - left) / math.sin(math.radians(elevation)), left
    whole = float((falling + sky) @ LUMINANCE.astype(np.float64))
    sun_rgb, sky_rgb = (tuple(round(float(v) / whole, 4) for v in light) for light in (falling, sky))
    return SunLight(azimuth, elevation, sun_rgb, sky_rgb, relight)  # type: ignore[arg-type]
