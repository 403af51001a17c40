"""The colours of a found light: of its sun, of what comes from all around, and of both together.

Each part tells by how much warmer it is where the sun lights it than where it does not, whatever its own colour. Parts of strong
colour tell it badly (a red sends hardly any blue, and a network's reds drift), so the grey ones count most, and the median
of all is taken, not far from what the asked light has. The scale of light against albedo is set by the looks that were
asked for, within limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from assets.providers.request import Light, PartLook
from pipeline.kernels.color import LUMINANCE

Array = np.ndarray[Any, Any]
_HELD = 0.01  # of a part's pixels: what is seen from one side only tells no difference
_APART = 0.8  # stops along daylight, at most, that sun and sky differ otherwise than those that were asked for
_MOST_STOPS, _MOST_TINT = 1.0, 0.5  # the scale's, from the light that was asked for, and its colour's
_LEAST = 1e-3
# From a blue sky to a low sun, log2 of ACEScg, unit, without luminance: lights out of doors differ along it (CIE 15:2004, the
# daylight locus), hardly towards green or magenta, which is where a painter's colours err.
_DAYLIGHT = np.array([0.44, -0.10, -0.892])


def coloured(
    shape: Array,
    seen: tuple[Array, Array],
    halves: Array,
    mean: Array,
    parts: Array,
    looks: Mapping[int, PartLook],
    asked: Light,
) -> Array:
    """(10, 3) the light of each channel: sun, then the harmonics. shape: (10,) the same of luminance.

    seen: weight (P, C) and rgb (P, C, 3) of the parts' cells, as shares of the parts' mean (P, 3). halves: (C, 2) what the sun
    and what all the rest does in a cell, luminance.
    """
    weight, rgb = seen
    warmer = _warmer(weight, rgb, halves, mean, asked)
    light = np.concatenate([shape[:1, None] * 2**warmer, shape[1:, None] * np.ones(3)])
    sent = halves[:, :1] * 2**warmer + halves[:, 1:]
    fitted = np.einsum("pc,pck,ck->pk", weight, rgb, sent) / np.maximum(weight @ sent**2, 1e-9)
    return np.asarray(light * _scale(light, mean * fitted, weight.sum(axis=1), parts, looks, asked))


def _warmer(weight: Array, rgb: Array, halves: Array, mean: Array, asked: Light) -> Array:
    """(3,) log2 of the sun's colour over the rest's; 0 in luminance's mean."""
    square = np.einsum("pc,ci,cj->pij", weight, halves, halves)
    total = weight.sum(axis=1)
    held = _HELD * total * np.einsum("pc,ci->p", weight, halves**2) / np.maximum(total, 1e-9)
    expected = np.log2(np.maximum(asked.sun_rgb, _LEAST)) - np.log2(np.maximum(asked.sky_rgb, _LEAST))
    expected = expected - expected @ LUMINANCE
    right = np.einsum("pc,pck,ci->pik", weight, rgb, halves) + held[:, None, None]
    solved = np.linalg.solve(square + held[:, None, None] * np.eye(2), right)
    stops = np.log2(np.clip(solved, 0.05, 20))
    told = stops[:, 0] - stops[:, 1]
    told = told - (told @ LUMINANCE)[:, None]
    greyness = mean.min(axis=1) / np.maximum(mean.max(axis=1), 1e-6)
    median = np.array([middle(told[:, c], total * greyness**4) for c in range(3)])
    return np.asarray(expected + _along_daylight(median - expected, _APART))


def _scale(
    light: Array, albedo: Array, weight: Array, parts: Array, looks: Mapping[int, PartLook], asked: Light
) -> Array:
    """(3,) what brings the light to the scale of the light asked for: the looks' albedos tell, by their median."""
    level = light[0] + light[1]
    expected = (np.array(asked.sun_rgb) + np.array(asked.sky_rgb)) / np.maximum(level, _LEAST)
    known = np.array([part in looks and looks[part].metallic < 0.3 for part in parts])
    if not known.any():
        return np.asarray(expected)
    told = np.array([looks[int(part)].albedo for part in parts[known]])
    ratio = np.log2(np.maximum(albedo[known], 1e-4) / np.maximum(told, 1e-4) / expected)
    off = np.array([middle(ratio[:, c], weight[known] * told[:, c]) for c in range(3)])
    mean = float(off @ LUMINANCE)
    colour = _along_daylight(off - mean, _MOST_TINT)
    return np.asarray(expected * 2 ** (np.clip(mean, -_MOST_STOPS, _MOST_STOPS) + colour))


def _along_daylight(stops: Array, most: float) -> Array:
    """(3,) what of a difference in colour, log2, lies between blue and amber, at most so much."""
    return np.asarray(np.clip(stops @ _DAYLIGHT, -most, most) * _DAYLIGHT)


def middle(values: Array, weight: Array) -> float:
    """The weighted median."""
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(passed, passed[-1] / 2)])
