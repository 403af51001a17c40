"""Keeps each part's hue to what its own colour can be in the shot's light, where a network has drifted, most in shade.

A network errs by about as much in encoded numbers everywhere, which in a dark colour is a large share of its weaker channels:
red leather in shade turns crimson, gilding green. What a part can send is known: its albedo times a share of the sun, a
share of what sky and ground send, some sheen, some soil. So the nearest such colour to what was painted is found for the
darker and for the brighter side of each part, and the hue is moved there. Luminance is the network's own in every pixel:
shadows are its affair, the palette is not. The change follows the picture continuously, so it does not flicker.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from assets.people.parts import Part
from assets.providers.conditioning import outline
from assets.providers.request import PartLook, Request
from assets.providers.surfaces import lights_on
from pipeline.kernels.color import LUMINANCE

Array = np.ndarray[Any, Any]
_PARTS = 32  # people and kit; sets are mixtures of stones, which have no one colour
_FEWEST_PX, _ENOUGH_PX = 4, 16  # of a part's inner pixels: below, it is left alone; from there on it is fully kept
_FLOOR = 1 / 16  # of light: below it errors stay as large as they are, as in the network's encoding
_MOST_GAIN = 4.0
_APART = 0.2  # in log luminance: nearer than that, the two sides of a part are hardly told apart
_SHEEN, _EDGE = 0.012, 0.04  # of the sun and, where a surface turns away, of its surroundings: white on any cloth
# Of sun, surroundings and soil: where they are expected, how much that counts, and their bounds.
_EXPECTED, _WEIGHT = np.array([0.65, 0.75, 0.06]), np.array([0.10, 0.15, 0.15])
_LEAST, _MOST = np.array([0.0, 0.05, 0.0]), np.array([1.3, 1.5, 0.2])
# Soil: the dust of the road on what is worn, the ground under worn paint on what is carried; most of it on boots.
_DUST, _WORN = np.array([0.26, 0.205, 0.15]), np.array([0.20, 0.15, 0.10])
_CARRIED = Part.SHIELD
_SOILED = {Part.BOOTS: (0.35, 0.65), Part.GREAVES: (0.10, 0.40), Part.TROUSERS: (0.10, 0.40)}
_SOIL_ON_CLOTH = 0.35  # at most
_ROUNDS = 16


def kept_to_palette(request: Request, frame: int, picture: Array) -> Array:
    """A frame with the parts' hues kept to the identity's looks. picture: (H, W, 4) float32, premultiplied ACEScg.

    Alpha and every pixel's luminance stay. Without parts or normals, and of a set, it is the picture itself.
    """
    given = {name: guide[frame] for name, guide in request.guides.given().items()}
    looks = [look for look in request.identity.looks if 0 < look.part < _PARTS]
    told = outline(given)
    if not looks or told is None or not {"parts", "normals"} <= given.keys():
        return picture
    parts = np.where(given["parts"] < _PARTS, given["parts"], 0)
    colour = picture[..., :3].astype(np.float64) / np.maximum(picture[..., 3:], 1e-3)
    bright = np.log(np.maximum(colour @ LUMINANCE, 1e-4))
    levels, gains = _sides(request, given["normals"], parts, inner_pixels(parts, told), colour, bright, looks)
    where = np.flatnonzero(parts)  # a part without a look gains nothing
    number, before = parts.ravel()[where], colour.reshape(-1, 3)[where]
    low, high = levels[:, number]
    across = np.clip((bright.ravel()[where] - low) / np.maximum(high - low, _APART), 0, 1)[:, None]
    moved = before * np.exp((1 - across) * gains[0, number] + across * gains[1, number])
    moved *= (before @ LUMINANCE / np.maximum(moved @ LUMINANCE, 1e-6))[:, None]
    kept = picture.copy()
    kept.reshape(-1, 4)[where, :3] = moved * picture.reshape(-1, 4)[where, 3:]
    return kept


def inner_pixels(parts: Array, told: Array) -> Array:
    """(H, W) whether a pixel is whole and its four neighbours show the same part: those at its edges are mixtures.

    parts: (H, W) ids. told: (H, W) coverage 0..1.
    """
    ringed = np.pad(parts, 1, constant_values=-1)
    inner = (told > 0.99) & (parts > 0)
    for neighbours in (ringed[:-2, 1:-1], ringed[2:, 1:-1], ringed[1:-1, :-2], ringed[1:-1, 2:]):
        inner &= neighbours == parts
    return inner


def _sides(
    request: Request, normals: Array, parts: Array, inner: Array, colour: Array, bright: Array, looks: list[PartLook]
) -> tuple[Array, Array]:
    """Of each part's darker and brighter side: log luminance (2, _PARTS), and log gain (2, _PARTS, 3)."""
    number, level = parts[inner], bright[inner]
    metallic = np.zeros(_PARTS)
    metallic[[look.part for look in looks]] = [look.metallic for look in looks]
    sun, around = lights_on(normals[inner][None], request.light, metallic[number][None])
    turned = (1 - np.clip(-normals[inner][:, 2], 0, 1)) ** 3
    count = np.bincount(number, minlength=_PARTS)
    middle = _means(level, number, np.ones(len(level)))
    spread = np.sqrt(_means((level - middle[number]) ** 2, number, np.ones(len(level)))) + 1e-3
    share = np.clip(0.5 + (level - middle[number]) / (3 * spread[number]), 0, 1)
    known = np.clip((count - _FEWEST_PX) / (_ENOUGH_PX - _FEWEST_PX), 0, 1)[:, None]
    columns = (level, *colour[inner].T, *sun[0].T, *around[0].T, turned)
    means = np.array([[_means(column, number, weight) for column in columns] for weight in (1 - share, share)])
    levels, (said, lit, lent) = means[:, 0], (means[:, k : k + 3].transpose(0, 2, 1) for k in (1, 4, 7))
    fitted = _nearest(said, lit, lent, means[:, 10, :, None], looks)
    gain = fitted / np.maximum(said, 1e-4) * ((said @ LUMINANCE) / np.maximum(fitted @ LUMINANCE, 1e-6))[..., None]
    return levels, known * np.log(np.clip(gain, 1 / _MOST_GAIN, _MOST_GAIN))


def _means(values: Array, number: Array, weight: Array) -> Array:
    """(_PARTS,) weighted means by part."""
    total = np.bincount(number, weight, _PARTS)
    return np.asarray(np.bincount(number, values * weight, _PARTS) / np.maximum(total, 1e-9))


def _nearest(said: Array, lit: Array, lent: Array, edges: Array, looks: list[PartLook]) -> Array:
    """(2, _PARTS, 3) the colour nearest to what was `said` that each part can send; what has no look says it itself.

    lit, lent: (2, _PARTS, 3) light of the sun and of sky and ground on it. edges: (2, _PARTS, 1) how much of it turns away.
    Least squares within bounds by coordinate descent, a fixed number of rounds.
    """
    rows = [look.part for look in looks]
    albedo, lit, lent = np.array([look.albedo for look in looks]), lit[:, rows], lent[:, rows]
    matte = np.array([look.metallic == 0 for look in looks])[:, None]
    direct = (albedo + _SHEEN * matte) * lit
    around = (albedo + _EDGE * matte * edges[:, rows]) * lent
    carried = np.array(rows) >= _CARRIED
    soil = (np.where(carried[:, None], _WORN, _DUST) - albedo) * (0.6 * lit + 0.7 * lent)
    expected, most = np.tile(_EXPECTED, (len(rows), 1)), np.tile(_MOST, (len(rows), 1))
    most[~carried, 2] = _SOIL_ON_CLOTH
    for row, part in enumerate(rows):
        if part in _SOILED:
            expected[row, 2], most[row, 2] = _SOILED[Part(part)]
    basis, scale = np.stack([direct, around, soil], axis=2), _FLOOR + 0.6 * direct + 0.7 * around
    seen = basis / scale[:, :, None]
    curve = seen @ seen.swapaxes(-1, -2) + np.diag(_WEIGHT)
    pull = (seen @ (said[:, rows] / scale)[..., None])[..., 0] + _WEIGHT * expected
    shares = np.broadcast_to(expected, pull.shape).copy()
    for _ in range(_ROUNDS):
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            free = (pull[..., k] - curve[..., k, i] * shares[..., i] - curve[..., k, j] * shares[..., j]) / curve[
                ..., k, k
            ]
            shares[..., k] = np.minimum(np.maximum(free, _LEAST[k]), most[:, k])
    nearest = said.copy()
    nearest[:, rows] = np.maximum((shares[..., None, :] @ basis)[..., 0, :], 1e-4)
    return nearest
