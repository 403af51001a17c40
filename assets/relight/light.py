"""The light that pictures were painted in, as it was found, and what surfaces send back of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.providers.request import Color, Light
from assets.providers.surfaces import light_on
from pipeline.kernels.color import LUMINANCE

Array = np.ndarray[Any, Any]
HARMONICS = 9
_LEAST = 0.04  # of the brightest: no side of anything is darker, whatever the harmonics say


@dataclass(frozen=True, slots=True)
class Found:
    """A sun and what comes from all around. Camera space as requests have it; scene-linear ACEScg, scaled like Light.

    to_sun: unit. sun_rgb: of the sun. around: (9, 3) real spherical harmonics (`harmonics`) of the rest, as a surface of
    albedo 1 sends it back. confidence: 0 nothing is known .. 1 the shading follows this light closely, or there is none.
    right: whether the light that was asked for explains the pictures as well.
    """

    to_sun: Color
    sun_rgb: Color
    around: tuple[Color, ...]
    confidence: float
    right: bool

    def shade(self, normals: Array, lit: Array, metallic: Array) -> Array:
        """(..., 3) what surfaces of albedo 1 send back. lit: (...) the part of the sun that reaches them; metallic: (...)."""
        facing = np.maximum(normals @ np.array(self.to_sun), 0) * lit
        rest = harmonics(normals) @ np.array(self.around)
        least = _LEAST * (np.array(self.sun_rgb) + np.array(self.around[0]))
        dull = facing[..., None] * np.array(self.sun_rgb) + np.maximum(rest, least)
        metal = metallic > 0
        if metal.any():
            sky = np.maximum(harmonics(np.array([0.0, -1.0, 0.0])) @ np.array(self.around), least)
            seen = Light(self.to_sun, self.sun_rgb, (float(sky[0]), float(sky[1]), float(sky[2])))
            dull[metal] = light_on(normals[metal], seen, metallic[metal])
        return np.asarray(dull)

    def entry(self) -> dict[str, Any]:
        """As JSON; `read` is the way back."""
        return {
            "to_sun": list(self.to_sun),
            "sun_rgb": list(self.sun_rgb),
            "around": [list(row) for row in self.around],
            "confidence": self.confidence,
            "right": self.right,
        }

    def words(self, asked: Light) -> str:
        """How it differs from the light that was asked for, for people."""
        length = max(float(np.linalg.norm(asked.sun_direction)), 1e-9)
        turn = np.degrees(np.arccos(np.clip(np.dot(self.to_sun, asked.sun_direction) / length, -1, 1)))
        return f"sun {turn:.0f} degrees off, {100 * self.sun_share:.0f}% of the light, confidence {self.confidence:.2f}"

    @property
    def sun_share(self) -> float:
        """Of the light on a surface that faces the sun, how much is the sun's; 0..1, by luminance."""
        return _share(self.sun_rgb, self.around[0])


def share_of(light: Light) -> float:
    """The same of a light as requests have it."""
    return _share(light.sun_rgb, light.sky_rgb)


def _share(sun_rgb: Color, rest_rgb: Color) -> float:
    sun, rest = float(np.array(sun_rgb) @ LUMINANCE), float(np.array(rest_rgb) @ LUMINANCE)
    return sun / max(sun + rest, 1e-6)


def read(entry: dict[str, Any]) -> Found:
    """What `Found.entry` wrote."""
    around = tuple(_three(row) for row in entry["around"])
    return Found(_three(entry["to_sun"]), _three(entry["sun_rgb"]), around, entry["confidence"], entry["right"])


def harmonics(normals: Array) -> Array:
    """(..., 9) real spherical harmonics to the second order, not normalised; x right, y up, z to the viewer.

    Source: Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment Maps", SIGGRAPH 2001: what
    comes from all around lights a matte surface by no more than these.
    """
    x, y, z = normals[..., 0], -normals[..., 1], -normals[..., 2]
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=-1)


def _three(values: Any) -> Color:
    x, y, z = (float(value) for value in values)
    return x, y, z
