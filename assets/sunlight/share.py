"""How much of a surface's light is the sun's: what it loses where something hides the sun."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.providers.conditioning import ground_light
from assets.providers.request import Light
from assets.sunlight.maps import LOWEST_SUN, SunMaps
from pipeline.kernels.color import RGB

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
_LEAST_LEFT = 1e-2  # of level ground's light


@dataclass(frozen=True, slots=True, eq=False)
class Sunlight:
    """What hides the sun, and what that takes. left_rgb: what a full shadow leaves of level ground's light, per channel;
    strength: times what it takes, 0 .. 1."""

    maps: SunMaps
    left_rgb: RGB
    strength: float = 1.0

    def left(self, normals: Array) -> Floats:
        """(..., 3) what a full shadow leaves of the light of surfaces with unit normals (..., 3), world: all of it where they
        face away from the sun."""
        return self.left_of(np.maximum(normals @ self.maps.to_sun, 0), normals[..., 1])

    def left_of(self, facing: npt.NDArray[np.floating], upward: npt.NDArray[np.floating]) -> Floats:
        """The same. facing: (...) cosine to the sun, not below 0; upward: (...) the normal's part of up."""
        sun, ground = self.relative
        upper = (0.5 + 0.5 * upward)[..., None]
        around = upper + (1 - upper) * ground
        left = around / (around + facing[..., None] * sun)
        return np.asarray(1 - self.strength * (1 - left), np.float32)

    @property
    def relative(self) -> tuple[Array, Array]:
        """(3,), (3,): light of the sun on what faces it, and of the ground on what faces that, per channel, of the sky's on
        what faces up."""
        height = max(float(self.maps.to_sun[1]), LOWEST_SUN)
        sun = (1 / np.clip(np.array(self.left_rgb, np.float64), _LEAST_LEFT, 1) - 1) / height
        red, green, blue = (float(v) for v in sun)
        return sun, np.array(ground_light(Light((0.0, -height, 0.0), (red, green, blue), (1.0, 1.0, 1.0))))
