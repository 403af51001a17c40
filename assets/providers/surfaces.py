"""What surfaces send back of a request's light, told from their normals alone: nothing throws a shadow here."""

from __future__ import annotations

from typing import Any

import numpy as np

from assets.providers.conditioning import ground_light
from assets.providers.request import Light

Array = np.ndarray[Any, Any]
# Of metal: how much of what it sends is mirrored; how bright that is; and how wide, dents and wear included, the sun in it.
_POLISH, _DULL, _SHINE, _ROUGH = 0.4, 0.75, 1.75, 0.6


def light_on(normals: Array, light: Light, metallic: Array | None = None) -> Array:
    """(H, W, 3) what a surface of albedo 1 sends back. normals: as requests have them, y down.

    metallic: (H, W) 0 cloth .. 1 metal. Metal mirrors the sun, the sky and the ground as the pictures that the built-in model
    learnt from have it: a dent's width of sun (GGX), and the sky from where the viewer's ray is thrown.
    Source: Walter and others, "Microfacet Models for Refraction through Rough Surfaces", EGSR 2007.
    """
    sun, around = lights_on(normals, light, metallic)
    return sun + around


def lights_on(normals: Array, light: Light, metallic: Array | None = None) -> tuple[Array, Array]:
    """The same in two, each (H, W, 3) float64: what is the sun's, and what sky and ground send."""
    sun, sky = np.array(light.sun_rgb, np.float64), np.array(light.sky_rgb, np.float64)
    ground = np.array(ground_light(light))
    facing = np.clip(normals @ np.array(light.sun_direction), 0, None)[..., None]
    up = (0.5 - 0.5 * normals[..., 1])[..., None]
    direct, around = np.asarray(facing * sun, np.float64), np.asarray(up * sky + (1 - up) * ground, np.float64)
    if metallic is None or not metallic.any():
        return direct, around
    thrown_up = np.clip(2.8 * normals[..., 2] * normals[..., 1] + 0.45, 0, 1)[..., None]
    mirrored = 1.5 * (1.3 * thrown_up * sky + (1 - thrown_up) * ground)
    share = _POLISH * metallic[..., None]
    glint = 0.8 * _glint(normals, light)[..., None] * sun
    metal = metallic[..., None] > 0
    return (
        np.where(metal, (1 - share) * _DULL * direct + share * _SHINE * glint, direct),
        np.where(metal, (1 - share) * _DULL * around + share * _SHINE * mirrored, around),
    )


def _glint(normals: Array, light: Light) -> Array:
    """(H, W) how much of the sun a metal throws at the viewer, who looks along z."""
    towards, eye = np.array(light.sun_direction), np.array([0.0, 0.0, -1.0])
    half = (towards + eye) / max(float(np.linalg.norm(towards + eye)), 1e-9)
    to_sun, to_eye, to_half = (np.clip(normals @ way, 0, None) for way in (towards, eye, half))
    squared = _ROUGH**4
    spread = squared / (np.pi * (to_half**2 * (squared - 1) + 1) ** 2)
    k = _ROUGH**2 / 2
    hidden = 4 * (to_sun * (1 - k) + k) * (np.maximum(to_eye, 1e-3) * (1 - k) + k)
    return np.asarray(np.minimum(np.pi * spread * to_sun / hidden, 6.0) * (to_sun > 0))
