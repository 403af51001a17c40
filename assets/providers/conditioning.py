"""What the built-in model sees: a request's guides, looks and light as channels, tokens and one vector; and back.

The model never sees light in linear numbers. A colour is encoded as log2(1 + 16 L) / log2(17): 0 is black, 1 is white, a lamp of
8 is 1.7, nothing is clamped. It paints the difference from a flat drawing of the identity in the shot's mean light, so a
change of light is a shift, whatever the colour, and colours survive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.providers.request import Color, Identity, Light, Request, SetPart

Array = np.ndarray[Any, Any]
CHANNELS = 18  # of the guides: coverage, depth, normals 3, facing the sun, albedo 3, metal, roughness, pose 3, code 4
TOKENS = 24  # looks read, at most
TOKEN_SIZE = 13  # of one look
PALETTE_PARTS = 40  # part ids told by the palette, where no part map tells them
OUTLINE = 11  # of the light vector: what kind of outline there is
LIGHT_SIZE = 12 + 4 * PALETTE_PARTS
RESIDUAL_SCALE = 5.0  # brings the painted difference near unit variance, as the noise has
DEPTH_PX = 32.0  # relief is told in units of so many pixels, so that scale plays no part
PERSON_METRES_PER_PX = 2.7 / 128
_SPREAD = 16.0
# The model learnt masonry alone. What else sets are made of is told by the code of the part whose paint suits it, with its own
# colour: measured on all, none drifts, and these keep most of the light.
_PAINTED_AS = np.arange(64)
_PAINTED_AS[[SetPart.CLOTH, SetPart.PLASTER]] = SetPart.ROOF
_PAINTED_AS[SetPart.ROCK] = SetPart.TOP
_PAINTED_AS[SetPart.LEAF] = SetPart.GROUND


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One frame of one request, as the model reads it; all float32.

    channels: (CHANNELS, H, W). tokens: (TOKENS, TOKEN_SIZE). light: (LIGHT_SIZE,). base: (3, H, W), the encoded flat
    drawing, of one mean colour when the parts are not told. room: (H, W), how much of each pixel may be painted: the
    outline (see `outline`), or 1 when nothing tells it.
    """

    channels: Array
    tokens: Array
    light: Array
    base: Array
    room: Array


def encode(linear: Array) -> Array:
    """Scene-linear light to the model's numbers; negative light (out of gamut) is kept as mirrored."""
    return np.asarray(np.sign(linear) * np.log2(1 + _SPREAD * np.abs(linear)) / np.log2(1 + _SPREAD), np.float32)


def decode(encoded: Array) -> Array:
    """The inverse of `encode`, float32."""
    grown = np.exp2(np.abs(encoded.astype(np.float32)) * np.float32(np.log2(1 + _SPREAD))) - 1
    return np.asarray(np.sign(encoded) * grown / _SPREAD, np.float32)


def condition(request: Request, frame: int = 0) -> Condition:
    """What the model reads of one frame. A guide that is not given is seen as empty, and `light` says what kind of
    outline there is."""
    given = {name: guide[frame] for name, guide in request.guides.given().items()}
    width, height = request.size_px
    empty = np.zeros((height, width, 3), np.float32)
    parts = given.get("parts")
    told = outline(given)
    coverage, room = (empty[..., 0], empty[..., 0] + 1) if told is None else (told, told)
    depth = given.get("depth", empty[..., 0]) / (request.metres_per_px * DEPTH_PX)
    normals = given.get("normals", empty).astype(np.float32)
    sun = np.array(request.light.sun_direction, np.float32)
    if parts is None:
        albedo, surface, codes = empty, empty[..., :2], np.zeros((height, width, 4), np.float32)
        flat = np.broadcast_to(mean_albedo(request.identity), empty.shape)
    else:
        albedo, surface = paint_flat(parts, request.identity)
        flat, codes = albedo, part_codes(parts)
    inside = (room > 0)[..., None]
    base = encode(flat * mean_light(request.light)) * inside
    channels = np.concatenate(
        [
            coverage[..., None],
            np.arcsinh(depth)[..., None],
            normals,
            (normals @ (sun / np.linalg.norm(sun)))[..., None],
            encode(albedo) * inside,
            surface * inside,
            given.get("pose", empty),
            codes * inside,
        ],
        axis=-1,
    )
    return Condition(
        channels=np.ascontiguousarray(channels.transpose(2, 0, 1), np.float32),
        tokens=look_tokens(request.identity, parts),
        light=light_vector(request),
        base=np.ascontiguousarray(base.transpose(2, 0, 1), np.float32),
        room=room,
    )


def outline(given: Mapping[str, Array]) -> Array | None:
    """(H, W) float32, how much of each pixel the thing fills: the coverage, else 1 wherever depth, parts or normals show
    something; None when only a pose map (or nothing) is given. given: guides of one frame, by name.
    """
    if "coverage" in given:
        return given["coverage"].astype(np.float32)
    shown = [given[name] != 0 for name in ("depth", "parts") if name in given]
    shown += [given["normals"].any(axis=-1)] if "normals" in given else []
    return np.any(shown, axis=0).astype(np.float32) if shown else None


def paint_flat(parts: Array, identity: Identity) -> tuple[Array, Array]:
    """Albedo (H, W, 3), and metallic and roughness (H, W, 2), of a part map; a part without a look is grey cloth."""
    table = np.full((max(64, int(parts.max(initial=0)) + 1), 5), (0.18, 0.18, 0.18, 0.0, 1.0), np.float32)
    for look in identity.looks:
        table[look.part] = (*look.albedo, look.metallic, look.roughness)
    flat = table[parts]
    return flat[..., :3], flat[..., 3:]


def mean_albedo(identity: Identity) -> Array:
    """(3,) the mean of the looks, for where parts are not told; mid grey of an identity without looks."""
    return np.array([look.albedo for look in identity.looks] or [(0.18, 0.18, 0.18)], np.float32).mean(axis=0)


def mean_light(light: Light) -> Array:
    """(3,) light that a surface of a figure gets on average: most of the sky, less than half of the sun."""
    return 0.4 * np.array(light.sun_rgb, np.float32) + 0.6 * np.array(light.sky_rgb, np.float32)


def ground_light(light: Light) -> Color:
    """What dry ground sends up: a fifth of what falls on it, warmer."""
    falling = max(-light.sun_direction[1], 0.0) * np.array(light.sun_rgb) + np.array(light.sky_rgb)
    red, green, blue = (float(value) for value in falling * (0.22, 0.185, 0.15))
    return red, green, blue


def part_codes(parts: Array) -> Array:
    """(..., 4) code of each part id: points on two circles, by the golden angle, so that ids lie far apart."""
    angle = _PAINTED_AS[parts].astype(np.float32)[..., None] * np.float32(2.3999632) * np.array([1.0, 2.7], np.float32)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=-1)


def look_tokens(identity: Identity, parts: Array | None) -> Array:
    """One token per look: its colour, metal, part code, and how much of the picture it fills (0 of all: not told)."""
    tokens, seen = np.zeros((TOKENS, TOKEN_SIZE), np.float32), np.zeros(64)
    if parts is not None:
        seen = np.bincount(parts.ravel(), minlength=64) / max(1, int((parts > 0).sum()))
    for row, look in zip(tokens, identity.looks, strict=False):
        row[:3] = encode(np.array(look.albedo))
        row[3:10] = (look.metallic, look.roughness, *part_codes(np.array(look.part)), float(look.part >= 32))
        row[10:] = (np.sqrt(seen[look.part]), float(seen[look.part] > 0), 1.0)
    return tokens


def light_vector(request: Request) -> Array:
    """(LIGHT_SIZE,) the light, the scale, whether it is a set, its outline, and the palette.

    Outline: 1 told, 0.5 without its soft edges, 0 to be found. Palette: of each part id its colour and whether it is
    there; all 0 when parts are given, since the flat drawing shows them in place.
    """
    light = request.light
    scale = np.log2(request.metres_per_px / PERSON_METRES_PER_PX) / 4
    is_set = float(any(look.part >= 32 for look in request.identity.looks))
    given = set(request.guides.given())
    outlined = 1.0 if "coverage" in given else 0.5 if given & {"depth", "parts", "normals"} else 0.0
    colours = *encode(np.array(light.sun_rgb)), *encode(np.array(light.sky_rgb))
    palette = np.zeros((PALETTE_PARTS, 4), np.float32)
    if "parts" not in given:
        for look in request.identity.looks[::-1]:  # the part that the model knows is told last
            palette[_PAINTED_AS[look.part]] = (*encode(np.array(look.albedo)), 1)
    return np.array([*light.sun_direction, *colours, scale, is_set, outlined, *palette.ravel()], np.float32)


def painted(condition: Condition, prediction: Array) -> Array:
    """The model's (4, H, W) numbers as RGBA (H, W, 4), scene-linear, premultiplied.

    Alpha is the outline times the model's alpha: it can wear an edge away, never paint outside its guides. With a pose
    map alone, alpha is the model's own.
    """
    straight = np.maximum(decode(condition.base + prediction[:3] / RESIDUAL_SCALE), 0)
    alpha = condition.room * own_alpha(prediction)
    return np.ascontiguousarray(np.concatenate([straight * alpha, alpha[None]]).transpose(1, 2, 0), np.float32)


def own_alpha(prediction: Array) -> Array:
    """(H, W) alpha 0..1 that the model itself says in its (4, H, W) numbers."""
    return np.asarray(np.clip(prediction[3] * 0.5 + 0.5, 0, 1))


def painting_target(condition: Condition, truth: Array) -> Array:
    """The inverse of `painted`: what the model should say, (4, H, W), for a true RGBA (H, W, 4) picture."""
    alpha = truth[..., 3]
    straight = truth[..., :3] / np.maximum(alpha, 1e-3)[..., None]
    seen = ((alpha > 0.02) & (condition.room > 0))[None]
    residual = (encode(straight).transpose(2, 0, 1) - condition.base) * RESIDUAL_SCALE * seen
    share = np.clip(alpha / np.maximum(condition.room, 1e-3), 0, 1) * (condition.room > 0)
    return np.concatenate([residual, (share * 2 - 1)[None]]).astype(np.float32)
