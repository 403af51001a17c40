"""A picture brought from the light it was painted in to the light that was asked for: by the ratio of what both would do.

Source: Liu, Shan and Zhang, "Expressive Expression Mapping with Ratio Images", SIGGRAPH 2001; Shashua and Riklin-Raviv, "The
Quotient Image", PAMI 2001: of one surface in two lights the ratio knows no albedo.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from assets.providers.conditioning import outline
from assets.providers.request import Light, Request
from assets.providers.surfaces import lights_on
from assets.relight.light import Found
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.reliefshadow import relief_lit

Array = np.ndarray[Any, Any]
MOST_GAIN, LEAST_GAIN = 4.0, 1 / 8  # of luminance
MOST_TINT = 1.5  # of a channel's gain beside luminance's
REACH_M, THICK_M, BIAS_M = 0.8, 0.25, 0.02  # of what throws shadows on a body: a shield, an arm, a helmet's rim
_GENTLE = 0.5  # of the asked light's shading, where nothing is known of the found one's
_DARK = 0.08  # of the part's usual light: darker than that is noise, and gets no more of the sun than twice itself
_PARTS = 64


def relit(request: Request, frame: int, picture: Array, found: Found, strength: float = 1.0) -> Array:
    """One frame in the light that the request asks for. picture: (H, W, 4) float32, premultiplied ACEScg; so is the answer.

    Alpha stays. Where the outline is painted beyond the guides, the nearest told pixel's gain holds. The more doubtful the
    found light, the more the picture counts as lit from all around, and the less of the asked sun is laid on.
    strength: 0 .. 1 of the change, in stops. `found.right` or strength 0: it is the picture itself.
    """
    if found.right or strength <= 0:
        return picture
    given = {name: guide[frame] for name, guide in request.guides.given().items()}
    normals = np.asarray(given["normals"], np.float64)
    covered = np.asarray(normals.any(axis=-1))
    if not covered.any():
        return picture
    metallic = _metallic(request, given, covered)
    before, after = _before(request, given, normals, metallic, found), _after(request, given, normals, metallic)
    sure, gentle = found.confidence, _GENTLE + (1 - _GENTLE) * found.confidence
    before = sure * before + (1 - sure) * before[covered].mean(axis=0)
    after = gentle * after + (1 - gentle) * after[covered].mean(axis=0)
    gain = _gain(before, after, metallic) ** strength
    gain = np.where(gain > 1, 1 + (gain - 1) * _room(given, picture, covered)[..., None], gain)
    rows, columns = ndimage.distance_transform_edt(~covered, return_distances=False, return_indices=True)
    out = picture.copy()
    out[..., :3] = picture[..., :3] * gain[rows, columns]
    return out


def _gain(before: Array, after: Array, metallic: Array) -> Array:
    """(H, W, 3) the ratio, bounded. What colour a metal mirrors is not told by its normals: its gain is grey."""
    bright = np.maximum(before @ LUMINANCE, 1e-4), np.maximum(after @ LUMINANCE, 1e-4)
    grey = np.clip(bright[1] / bright[0], LEAST_GAIN, MOST_GAIN)
    tint = np.clip(
        after / bright[1][..., None] / np.maximum(before / bright[0][..., None], 1e-3), 1 / MOST_TINT, MOST_TINT
    )
    return np.asarray(grey[..., None] * np.where(metallic[..., None] > 0, 1.0, tint))


def _before(request: Request, given: dict[str, Array], normals: Array, metallic: Array, found: Found) -> Array:
    """(H, W, 3) what the found light does."""
    return found.shade(normals, _lit(request, given, found.to_sun), metallic)


def _after(request: Request, given: dict[str, Array], normals: Array, metallic: Array) -> Array:
    """(H, W, 3) what the asked light does."""
    light = request.light
    length = max(float(np.linalg.norm(light.sun_direction)), 1e-9)
    x, y, z = (value / length for value in light.sun_direction)
    sun, around = lights_on(normals, Light((x, y, z), light.sun_rgb, light.sky_rgb), metallic)
    return np.asarray(sun * _lit(request, given, (x, y, z))[..., None] + around)


def _lit(request: Request, given: dict[str, Array], to_sun: tuple[float, float, float]) -> Array:
    """(H, W) the part of a sun that gets past the relief; 1 everywhere where none is told."""
    told = outline(given)
    if "depth" not in given or told is None:
        return np.ones(request.size_px[::-1])
    relief, cover = (np.ascontiguousarray(each, np.float32) for each in (given["depth"], told))
    bias = max(BIAS_M, request.metres_per_px)
    lit = relief_lit(relief, cover, to_sun, request.metres_per_px, reach_m=REACH_M, bias_m=bias, thick_m=THICK_M)
    shown = (cover > 0).astype(np.float32)
    # A relief has steps of a pixel; a shadow's edge has not.
    return np.asarray(ndimage.uniform_filter(lit * shown, 3) / np.maximum(ndimage.uniform_filter(shown, 3), 1e-6))


def _metallic(request: Request, given: dict[str, Array], covered: Array) -> Array:
    """(H, W) of each pixel's look; 0 where parts are not told."""
    table = np.zeros(_PARTS)
    for look in request.identity.looks:
        if look.part < _PARTS:
            table[look.part] = look.metallic
    return np.where(
        covered, table[np.where(given["parts"] < _PARTS, given["parts"], 0)] if "parts" in given else 0.0, 0.0
    )


def _room(given: dict[str, Array], picture: Array, covered: Array) -> Array:
    """(H, W) 0..1: how much of a gain above 1 a pixel may take. The darkest of a part are mostly noise and outlines."""
    parts = np.where(covered, given.get("parts", 1), 0)
    parts = np.where(parts < _PARTS, parts, 0)
    level = np.maximum(picture[..., :3] @ LUMINANCE, 0) / np.maximum(picture[..., 3], 1e-3)
    whole = covered & (picture[..., 3] > 0.5)
    count = np.bincount(parts[whole], minlength=_PARTS)
    usual = np.bincount(parts[whole], level[whole], _PARTS) / np.maximum(count, 1)
    return np.asarray(np.clip(level / np.maximum(_DARK * usual[parts], 1e-6), 0, 1))
