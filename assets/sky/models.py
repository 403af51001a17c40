"""Skies by formula, of the shot's sun: the clear sky after Preetham, the overcast one after Moon and Spencer."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipeline.io import color

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
XYZ = "CIE XYZ-D65 - Scene-referred"  # of the colour config
LOWEST_SUN_DEG = 1.0  # the clear model ends at the horizon
_LOWEST = 0.005  # sine of the elevation from which downwards the horizon's own light goes on
_OVERCAST_XY = (0.3127, 0.3290)  # thick cloud sends on what the sun sends: daylight, D65
_OVERCAST_ZENITH = 8.6  # kcd/m2, of a bright overcast day

# Distribution coefficients A to E of Y, x and y: slope over turbidity and constant. Preetham and others, appendix A.2.
_SLOPES = np.array([
    [0.1787, -0.3554, -0.0227, 0.1206, -0.0670],
    [-0.0193, -0.0665, -0.0004, -0.0641, -0.0033],
    [-0.0167, -0.0950, -0.0079, -0.0441, -0.0109],
])  # fmt: skip
_CONSTANTS = np.array([
    [-1.4630, 0.4275, 5.3251, -2.5771, 0.3703],
    [-0.2592, 0.0008, 0.2125, -0.8989, 0.0452],
    [-0.2608, 0.0092, 0.2102, -1.6537, 0.0529],
])  # fmt: skip
# Chromaticity of the zenith: rows by turbidity squared, turbidity, 1; columns by the sun's zenith angle cubed to 1.
_ZENITH_X = np.array([[0.00166, -0.00375, 0.00209, 0.0], [-0.02903, 0.06377, -0.03202, 0.00394],
                      [0.11693, -0.21196, 0.06052, 0.25886]])  # fmt: skip
_ZENITH_Y = np.array([[0.00275, -0.00610, 0.00317, 0.0], [-0.04214, 0.08970, -0.04153, 0.00516],
                      [0.15346, -0.26756, 0.06670, 0.26688]])  # fmt: skip


def clear_xyy(directions: Array, to_sun: Array, turbidity: float) -> Array:
    """(..., 3) chromaticity x, y and luminance in kcd/m2 of a clear sky along unit directions (..., 3), Y up.

    to_sun: (3,) unit; a sun under 1 degree is taken for one at 1 degree. Below the horizon its own light goes on. The sun's
    disc is not in it.

    Source: Preetham, Shirley and Smits, "A practical analytic model for daylight", SIGGRAPH 1999; the distribution is
    that of Perez, Seals and Michalsky, "All-weather model for sky luminance distribution", Solar Energy 1993.
    """
    sun_zenith = math.pi / 2 - max(math.asin(float(np.clip(to_sun[1], -1, 1))), math.radians(LOWEST_SUN_DEG))
    level = math.hypot(to_sun[0], to_sun[2])
    flat = (to_sun[0] / level, to_sun[2] / level) if level > 1e-9 else (0.0, 1.0)
    sun = np.array([flat[0] * math.sin(sun_zenith), math.cos(sun_zenith), flat[1] * math.sin(sun_zenith)])
    up = np.maximum(directions[..., 1], _LOWEST)
    apart = np.arccos(np.clip(directions @ sun, -1, 1))
    here = _distribution(up[..., None], apart[..., None], turbidity)
    overhead = _distribution(np.ones(1), np.array([sun_zenith]), turbidity)
    chi = (4 / 9 - turbidity / 120) * (math.pi - 2 * sun_zenith)
    luminance = (4.0453 * turbidity - 4.9710) * math.tan(chi) - 0.2155 * turbidity + 2.4192
    haze = np.array([turbidity**2, turbidity, 1.0])
    angle = np.array([sun_zenith**3, sun_zenith**2, sun_zenith, 1.0])
    zenith = np.array([max(luminance, 0.0), haze @ _ZENITH_X @ angle, haze @ _ZENITH_Y @ angle])
    found = zenith * here / overhead
    return np.stack([found[..., 1], found[..., 2], found[..., 0]], axis=-1)


def _distribution(up: Array, apart: Array, turbidity: float) -> Array:
    """(..., 3) of Y, x and y. up: (..., 1) cosine to the zenith; apart: (..., 1) radians from the sun."""
    a, b, c, d, e = (_SLOPES * turbidity + _CONSTANTS).T
    return np.asarray((1 + a * np.exp(b / up)) * (1 + c * np.exp(d * apart) + e * np.cos(apart) ** 2))


def overcast_xyy(directions: Array) -> Array:
    """(..., 3) x, y and kcd/m2 of a wholly overcast sky: three times as bright overhead as at the horizon.

    Source: Moon and Spencer, "Illumination from a non-uniform sky", Illuminating Engineering 1942; CIE S 011:2003, type 1.
    """
    up = np.clip(directions[..., 1], 0, 1)
    luminance = _OVERCAST_ZENITH * (1 + 2 * up) / 3
    return np.stack([np.full_like(up, _OVERCAST_XY[0]), np.full_like(up, _OVERCAST_XY[1]), luminance], axis=-1)


def acescg(xyy: Array) -> Floats:
    """(..., 3) scene-linear ACEScg of x, y and luminance, 1 for 1 kcd/m2."""
    x, y, luminance = (xyy[..., k] for k in range(3))
    tall = luminance / np.maximum(y, 1e-6)
    xyz = np.stack([x * tall, luminance, (1 - x - y) * tall], axis=-1).astype(np.float32)
    return np.maximum(color.to_acescg(xyz.reshape(1, -1, 3), XYZ), 0).reshape(xyz.shape)
