"""What pictures say of a costume without any training: the light they were taken in, and a colour for each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from assets.providers.base import Provider
from assets.providers.request import Color, Identity, Light, Request
from assets.train.samples import Sample

Array = np.ndarray[Any, Any]
_PART_PX = 20
_SHARES = (0.35, 0.55, 0.75)  # of the sun in the light
_LOWEST, _HIGHEST = 0.01, 0.9  # of an albedo


def fitted_light(samples: Sequence[Sample]) -> Light:
    """The one light that explains the brightness of all pictures by the guides' normals: how strong the sun is, and where.

    One for all, as where a sitter turns before a camera: with a light of its own, each picture is learnt by heart by it. Its
    colour is taken as daylight: a picture cannot tell a blue coat in white light from a white one in blue light.
    """
    usual, best, found = Light(), np.inf, Light()
    seen = [_parts_of(sample) for sample in samples]
    for azimuth in np.radians(np.arange(-150, 181, 30)):
        for height in np.radians((20, 45, 70)):
            flat = np.cos(height)
            sun = np.array([flat * np.sin(azimuth), -np.sin(height), -flat * np.cos(azimuth)])
            for share in _SHARES:
                error = sum(
                    _unexplained(bright, _shade(normals, sun, share)) for parts in seen for bright, normals in parts
                )
                if error < best:
                    colours = [
                        _three(np.array(colour) * gain)
                        for colour, gain in ((usual.sun_rgb, share / 0.74), (usual.sky_rgb, (1 - share) / 0.26))
                    ]
                    best, found = error, Light(_three(sun), colours[0], colours[1])
    return found


def _parts_of(sample: Sample) -> list[tuple[Array, Array]]:
    """Brightness (n,) and normals (n, 3) of each part that is large enough."""
    given = sample.request.guides.given()
    parts = given["parts"][0] * (given["coverage"][0] > 0.99) * (sample.truth[..., 3] > 0.9)
    bright = sample.truth[..., :3] @ np.array([0.27, 0.67, 0.06], np.float32)
    worn = [parts == part for part in np.unique(parts) if part and (parts == part).sum() >= _PART_PX]
    return [(bright[here], given["normals"][0][here]) for here in worn]


def _shade(normals: Array, sun: Array, share: float) -> Array:
    facing = np.maximum(normals @ sun.astype(np.float32), 0)
    return np.asarray(share * facing + (1 - share) * (0.6 - 0.4 * normals[:, 1]))


def _unexplained(bright: Array, shade: Array) -> float:
    gain = float((bright * shade).sum() / max(1e-6, float((shade * shade).sum())))
    return float(((bright - gain * shade) ** 2).sum() / max(1e-4, float(bright.mean()) ** 2))


def fitted_palette(model: Provider, samples: Sequence[Sample], rounds: int = 2) -> dict[int, Color]:
    """Albedo of each part that the pictures show well, so that the model paints its mean colour.

    The model itself tells what light makes of a colour, metal and shadow included: the recipe's albedo is multiplied by
    (true over painted mean), and again.
    """
    palette: dict[int, Color] = {}
    for _ in range(rounds):
        asked = [recoloured(sample.request, palette) for sample in samples]
        pictures = [result.takes[0, 0] for result in model.generate(asked)]
        sums: dict[int, list[Array]] = {}
        for sample, picture in zip(samples, pictures, strict=True):
            given = sample.request.guides.given()
            parts = given["parts"][0] * (given["coverage"][0] > 0.99) * (sample.truth[..., 3] > 0.95)
            for part in np.unique(parts[parts > 0]):
                here = parts == part
                totals = np.stack([image[here][:, :3].sum(0) for image in (sample.truth, picture)])
                sums.setdefault(int(part), []).append(np.concatenate([totals, np.full((1, 3), here.sum())]))
        colours = {look.part: look.albedo for look in samples[0].request.identity.looks} | palette
        for part, rows in sums.items():
            true, said, pixels = np.sum(rows, axis=0)
            if pixels[0] >= _PART_PX and part in colours:
                albedo = np.array(colours[part]) * true / np.maximum(said, 1e-4)
                palette[part] = _three(np.clip(albedo, _LOWEST, _HIGHEST))
    return palette


def recoloured(request: Request, palette: dict[int, Color]) -> Request:
    """The request with these albedos."""
    looks = tuple(replace(look, albedo=palette.get(look.part, look.albedo)) for look in request.identity.looks)
    return replace(request, identity=Identity(request.identity.name, looks))


def _three(values: Array) -> Color:
    red, green, blue = (round(float(value), 5) for value in values)
    return red, green, blue
