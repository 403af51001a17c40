"""How much light of a sun and a sky arrives, on average, on what a camera sees of each class."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipeline.kernels.color import RGB

_GROUND = np.array([0.22, 0.185, 0.15])  # of what falls on it, sent up again: dry ground


def arriving(to_sun: npt.ArrayLike, sun_rgb: RGB, sky_rgb: RGB) -> dict[str, RGB]:
    """Per class the light that a white there would send back on average, scene-linear.

    to_sun: unit, in the axes of the picture: x right, y up, z towards the viewer; a tilt of the camera is small enough to be
    left out. Ground lies level. What stands and who walks is taken as round: the part of a sphere that a viewer sees lit
    is that of a moon's phase, half the sky and half the ground before it.

    Source: Lambert's phase function of a sphere, "Photometria", 1760.
    """
    x, y, z = (float(v) for v in np.asarray(to_sun, np.float64))
    sun, sky = np.array(sun_rgb), np.array(sky_rgb)
    falling = max(y, 0.0) * sun + sky
    phase = math.acos(min(1.0, max(-1.0, z / max(1e-9, math.sqrt(x * x + y * y + z * z)))))
    share = 2 / 3 * (math.sin(phase) + (math.pi - phase) * math.cos(phase)) / math.pi
    round_ = share * sun + 0.5 * sky + 0.5 * _GROUND * falling
    return {"ground": _rgb(falling), "standing": _rgb(round_), "people": _rgb(round_)}


def _rgb(light: npt.NDArray[np.float64]) -> RGB:
    red, green, blue = (max(float(v), 1e-3) for v in light)
    return red, green, blue
