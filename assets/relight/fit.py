"""Finds the light in which pictures of one identity were painted, from what their parts send by where they face.

A part's albedo is not known: a model paints a red of its own. So the light and one albedo for each part are solved
together, in turns, by least squares, for every direction that the sun may have, in luminance; the best one is kept. What
comes from all around are spherical harmonics, held the tighter the finer they are, or they would take the sun's part too.
Colours and scale come last (tint.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assets.providers.request import Identity, Light
from assets.providers.surfaces import light_on
from assets.relight.light import Found, harmonics, share_of
from assets.relight.sums import PARTS
from assets.relight.tint import coloured
from pipeline.kernels.color import LUMINANCE

Array = np.ndarray[Any, Any]
_DIRECTIONS = 500
_BEHIND = 0.87  # cosine to the view's axis of the sun that stands deepest behind what is seen
_LOWEST = 0.26  # sine under the horizon, as the camera has it: a sun stands above it
_ROUNDS = 8
_FEWEST_PX = 30  # of a part, over all pictures
_SHINY = 0.1  # how much a metal's pixels count: what it mirrors says little of its shading
# Of the sun and each harmonic, as shares of all pixels: what is not told by the picture stays small.
_HELD = np.array([1e-3, 0, 0.02, 0.005, 0.02, 0.1, 0.1, 0.1, 0.1, 0.1])
_LEAST = 1e-3
_AS_GOOD = 1.15  # times the best error: then the sun that was asked for explains the pictures as well
# Root mean square between what the found and the asked light do, stops: nearer than that nobody sees it, and the fit errs by
# the second where a strong sun is told from shields and capes. Shares of the sun in both that are alike.
_NEAR_STOPS, _NEAR_STOPS_ALIKE, _ALIKE_SHARE = 0.25, 0.35, 0.25
_FEWEST_ALL_PX = 300
_SURE = 0.5  # of the shading explained: from there on the fit is trusted
_SURE_LEFT, _UNSURE_LEFT = 0.03, 0.09  # squared and a pixel: where so little is left unexplained, it is, too


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What pictures show. weight: (P, C) of P parts and C cells; rgb: (P, C, 3) light as a share of the part's mean; normals:
    (C, 3)."""

    weight: Array
    rgb: Array
    normals: Array


def fit(shown: Mapping[Light, Array], identity: Identity) -> Found | None:
    """The light of an identity's pictures, one for all, camera space; None when too little is seen to tell anything.

    shown: sums (assets.relight.sums) of the pictures by the light that was asked for in them: one light in all, whatever
    was asked, or the one asked for in each, is what is told apart. Fits of the same sums are the same to the bit.
    """
    lights = list(shown)
    total = np.sum([shown[light] for light in lights], axis=0)
    looks = {look.part: look for look in identity.looks if look.part < PARTS}
    metallic = np.array([looks[p].metallic if p in looks else 0.0 for p in range(PARTS)])
    pixels = total[..., 0].sum(axis=1)
    parts = np.flatnonzero((pixels >= _FEWEST_PX) & (np.arange(PARTS) > 0))
    if pixels[parts].sum() < _FEWEST_ALL_PX:
        return None
    trust = np.where(metallic[parts] > 0.3, _SHINY, 1.0)
    mean = total[parts, :, 1:4].sum(axis=1) / pixels[parts, None]
    seen = _seen(total[parts], trust, mean)
    grey = seen.rgb @ LUMINANCE.astype(np.float64)
    suns = _suns()
    fits = _solve(seen.weight, grey, _shading(seen.normals, suns))
    error = np.where(fits.light[:, 0] > 0, fits.error, np.inf)
    flat = _solve(seen.weight, grey, _shading(seen.normals, suns[:1]), np.concatenate([[1e9], _HELD[1:]]))
    best = int(np.argmin(np.append(error, flat.error[0] * (1 - 1e-9))))
    sun = suns[best] if best < len(suns) else suns[0]
    chosen = _shading(seen.normals, sun[None])
    shape = fits.light[best] if best < len(suns) else flat.light[0]
    halves = np.stack([chosen[..., 0] * shape[0], chosen[..., 1:] @ shape[1:]], axis=-1)
    light = coloured(shape, (seen.weight, seen.rgb), halves[0], mean, parts, looks, lights[0])
    least = float(min(error.min(), flat.error[0]))
    within = float((seen.weight * (grey - 1) ** 2).sum() / seen.weight.sum())
    told = (1 - least / max(within, 1e-9)) / _SURE
    found = Found(
        to_sun=_three(sun),
        sun_rgb=_three(light[0]),
        around=tuple(_three(row) for row in light[1:]),
        confidence=round(float(np.clip(max(told, (_UNSURE_LEFT - least) / (_UNSURE_LEFT - _SURE_LEFT)), 0, 1)), 3),
        right=False,
    )
    missed, apart = _asked(shown, found, parts, trust, mean)
    alike = max(abs(found.sun_share - share_of(light)) for light in lights) < _ALIKE_SHARE
    near = apart < (_NEAR_STOPS_ALIKE if alike else _NEAR_STOPS)
    return replace(found, right=missed <= _AS_GOOD * least + 1e-4 and near)


def _seen(sums: Array, trust: Array, mean: Array) -> _Seen:
    """sums: (P, C, COLUMNS) of the parts that count."""
    cells = sums[..., 0].sum(axis=0) > 0
    count = sums[:, cells, 0]
    facing = sums[:, cells, 4:].sum(axis=0)
    rgb = sums[:, cells, 1:4] / np.maximum(count, 1)[..., None] / np.maximum(mean, 1e-6)[:, None]
    length = np.linalg.norm(facing, axis=-1, keepdims=True)
    return _Seen(count * trust[:, None], rgb, facing / np.maximum(length, 1e-9))


def _suns() -> Array:
    """(D, 3) directions spread evenly over where a sun may stand: Fibonacci's spiral."""
    turn = np.arange(_DIRECTIONS) + 0.5
    z = -1 + (1 + _BEHIND) * turn / _DIRECTIONS
    angle, radius = turn * np.pi * (3 - np.sqrt(5)), np.sqrt(1 - z * z)
    spread = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1)
    return np.asarray(spread[spread[:, 1] < _LOWEST])


def _shading(normals: Array, suns: Array) -> Array:
    """(D, C, 10) what each cell gets of the sun and of each harmonic."""
    facing = np.maximum(suns @ normals.T, 0)
    rest = np.broadcast_to(harmonics(normals), (*facing.shape, 9))
    return np.concatenate([facing[..., None], rest], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    """Of D directions: light (D, 10), albedo (D, P) as a share of the part's mean light, error (D,) a pixel, squared."""

    light: Array
    albedo: Array
    error: Array


def _solve(weight: Array, level: Array, shading: Array, held: Array = _HELD) -> _Solved:
    """The light given the albedos, then these given the light, in turns. weight, level: (P, C); shading: (D, C, 10)."""
    total = weight.sum()
    albedo = np.ones((len(shading), len(weight)))
    weighted = weight * level
    for _ in range(_ROUNDS):
        square = shading.transpose(0, 2, 1) * (albedo**2 @ weight)[:, None] @ shading + np.diag(held * total)
        right = np.einsum("dck,dc->dk", shading, albedo @ weighted)
        light = np.linalg.solve(square, right[..., None])[..., 0]
        sent = np.maximum(np.einsum("dck,dk->dc", shading, light), _LEAST)
        albedo = sent @ weighted.T / np.maximum(sent**2 @ weight.T, 1e-9)
        scale = albedo @ weight.sum(axis=1) / total
        albedo, sent, light = albedo / scale[:, None], sent * scale[:, None], light * scale[:, None]
    missed = (weighted * level).sum() - 2 * (albedo * (sent @ weighted.T)).sum(axis=1)
    missed = missed + (albedo**2 * (sent**2 @ weight.T)).sum(axis=1)
    return _Solved(light, albedo, missed / total + (held * light**2).sum(axis=1))


def _asked(shown: Mapping[Light, Array], found: Found, parts: Array, trust: Array, mean: Array) -> tuple[float, float]:
    """How badly the pictures are explained by the sun that was asked for in each, squared, a pixel; and how far the found
    light's shading is from the asked one's, stops, root mean square, one exposure taken out."""
    missed = apart = weight = 0.0
    for light, sums in shown.items():
        seen = _seen(sums[parts], trust, mean)
        share, cells = float(seen.weight.sum()), seen.weight.sum(axis=0)
        if share <= 0:
            continue
        sun = np.array(light.sun_direction) / max(float(np.linalg.norm(light.sun_direction)), 1e-9)
        solved = _solve(seen.weight, seen.rgb @ LUMINANCE.astype(np.float64), _shading(seen.normals, sun[None]))
        cloth = np.zeros(len(cells))
        stops = np.log2(found.shade(seen.normals, cloth + 1, cloth) @ LUMINANCE)
        stops -= np.log2(np.maximum(light_on(seen.normals, light) @ LUMINANCE, _LEAST))
        off = float(cells @ (stops - cells @ stops / share) ** 2)
        missed, apart, weight = missed + float(solved.error[0]) * share, apart + off, weight + share
    return missed / max(weight, 1e-9), float(np.sqrt(apart / max(weight, 1e-9)))


def _three(values: Array) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 6) + 0.0 for value in values)
    return x, y, z
