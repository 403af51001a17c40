"""Sun, sky, clouds and the air between: the light of a late summer afternoon, in ACEScg radiance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.demo.mesh import Floats, mix, smoothstep

_ELEVATION, _AZIMUTH = np.radians(25.0), np.radians(-94.0)  # above the horizon; left of the lens (-Z)
TO_SUN = np.array([np.sin(_AZIMUTH) * np.cos(_ELEVATION), np.sin(_ELEVATION), -np.cos(_AZIMUTH) * np.cos(_ELEVATION)])
SUN = np.array([7.9, 6.7, 5.3])  # irradiance on a surface that faces it
ZENITH = np.array([0.245, 0.395, 0.660])
HORIZON = np.array([1.18, 1.20, 1.21])
GLOW = np.array([0.95, 0.72, 0.45])
HAZE_M = np.array([1250.0, 1080.0, 900.0])  # distance at which 1/e of a colour comes through
HAZE_HEIGHT_M = 160.0  # the air thins out upwards


def air(directions: NDArray) -> NDArray:
    """Radiance of endless haze along unit directions (N, 3): white near the horizon, warm towards the sun."""
    towards_sun = np.clip(directions @ TO_SUN, -1, 1)
    up = np.clip(directions[:, 1], 0, 1)
    base = mix(HORIZON, ZENITH, 1 - np.exp(-up * 4.6))
    wide = np.exp(-((1 - towards_sun) / 0.55))
    tight = np.exp(-((1 - towards_sun) / 0.06))
    return base + GLOW * (0.40 * wide + 0.9 * tight)[:, None] * np.exp(-up * 1.5)[:, None]


def sky(directions: NDArray) -> NDArray:
    """Radiance (N, 3) of the open sky with its clouds, along unit directions (N, 3)."""
    from pipeline.kernels.noise import fbm

    clear = air(directions)
    up = np.maximum(directions[:, 1], 0.004)
    over = np.stack([directions[:, 0], directions[:, 2]], -1) / (up[:, None] + 0.055)
    bent = over + 0.22 * np.stack([fbm(over, 0.9, 4, 901), fbm(over, 0.9, 4, 902)], -1)
    stretched = bent * np.array([0.75, 1.35])

    def cover(places: NDArray) -> NDArray:
        return smoothstep(0.0, 0.55, 2.0 * fbm(places, 0.62, 7, 903, gain=0.52) + 0.16)

    here = cover(stretched)
    to_sun = TO_SUN[[0, 2]] * np.array([0.75, 1.35]) * 0.10
    between = cover(stretched + to_sun) * 0.6 + cover(stretched + 2 * to_sun) * 0.4
    lit = np.array([1.95, 1.86, 1.74]) * (1.0 - 0.42 * between)[:, None] + np.array([0.04, 0.06, 0.10])
    veil = 0.35 * smoothstep(-0.1, 0.6, 2.0 * fbm(over * np.array([0.4, 1.6]), 0.35, 6, 905))
    clear = mix(clear, np.array([1.45, 1.45, 1.45]), veil * smoothstep(0.02, 0.25, up))
    return mix(clear, lit, 0.88 * here * smoothstep(0.012, 0.15, up))


def haze(directions: NDArray) -> Floats:
    """Radiance (N, 3) float32 of endless air before the ground: what fills a valley is the horizon's light."""
    low = directions.copy()
    low[:, 1] = np.clip(low[:, 1], 0.0, 0.06)
    return (air(low) * np.array([0.93, 0.97, 1.02])).astype(np.float32)


def clearness(distance_m: Floats, upward: Floats, eye_m: float) -> Floats:
    """The part of each colour (N, 3) that comes through `distance_m` of air along rays that rise by `upward` a metre.

    Source: Quilez, "Better fog" (height-dependent extinction, closed form), with one extinction per colour.
    """
    rise = np.where(np.abs(upward) < 1e-4, np.float32(1e-4), upward) * distance_m / np.float32(HAZE_HEIGHT_M)
    thickness = distance_m * np.float32(np.exp(-eye_m / HAZE_HEIGHT_M)) * -np.expm1(-np.clip(rise, -3, 60)) / rise
    return np.exp(-thickness[:, None] / HAZE_M.astype(np.float32)).astype(np.float32)


def sky_directions(count: int) -> tuple[NDArray, NDArray]:
    """Directions (count, 3) spread evenly over the upper half, and each one's radiance times solid angle (count, 3)."""
    k = np.arange(count) + 0.5
    up = k / count
    turn = k * np.pi * (3 - np.sqrt(5))  # golden angle
    flat = np.sqrt(1 - up * up)
    directions = np.stack([flat * np.cos(turn), up, flat * np.sin(turn)], -1)
    return directions, 0.62 * air(directions) * (2 * np.pi / count)


def sun_directions(count: int, radius: float = 0.011) -> NDArray[np.float64]:
    """Directions over the sun's disc, widened by haze: (count, 3)."""
    k = np.arange(count) + 0.5
    r, turn = radius * np.sqrt(k / count), k * np.pi * (3 - np.sqrt(5))
    side = np.cross(TO_SUN, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    upward = np.cross(side, TO_SUN)
    spread = TO_SUN + (r * np.cos(turn))[:, None] * side + (r * np.sin(turn))[:, None] * upward
    return spread / np.linalg.norm(spread, axis=1, keepdims=True)
