"""How alike a character's pictures are: the colour of each part with the light taken out, its body's size, and distances.

A part's colour is the light that its pixels send, over the light that falls on their normals (sun, sky and ground, without
shadows; on metal also what it mirrors of them): sums over all pixels of the part, so that a light from another side changes
little. It is given in CIELAB (D65);
distances are CIE 1976 colour differences: about 2 is just seen side by side, two dyes of one cloth are about 10 apart.
Where two shots are compared, one exposure common to all parts is taken out first and told apart: it is the shot's, not the
character's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.people.parts import Part
from assets.providers.request import Request
from assets.providers.surfaces import light_on
from pipeline.io.color import from_acescg

Array = np.ndarray[Any, Any]
Likeness = dict[str, Any]  # of one person: {"parts": {name: {rgb, lab, spread, px}}, "shape": {motion: {view: [...]}}}
COLUMNS = 9  # of a sprite's sums: pixels, light sent (3), light that fell on them (3), height, area of the figure
LEAST_PX, LEAST_SPRITE_PX = 60, 16  # fewer pixels of a part say nothing of its colour
_PARTS = len(Part)
_HEAD = (Part.SKIN, Part.HAIR, Part.HELMET)
_WHITE = (0.9504559, 1.0, 1.0890578)  # XYZ of ACEScg's white at D65
_XYZ = "CIE XYZ-D65 - Scene-referred"


def sums_of(request: Request, picture: Array, root_m: float) -> Array:
    """(parts, COLUMNS) float64 of one painted sprite. picture: (H, W, 4) premultiplied ACEScg.

    root_m: the ground above the lower edge. Row 0 is of the whole figure: how high its head reaches above the ground, m,
    and its area, m2.
    """
    given = {name: guide[0] for name, guide in request.guides.given().items()}
    whole = (given["coverage"] > 0.99) & (picture[..., 3] > 0.9)
    parts = np.where(whole, given["parts"], 0).astype(np.int64)
    sent = picture[..., :3].astype(np.float64) / np.maximum(picture[..., 3:], 1e-3)
    metallic = np.zeros(max(_PARTS, int(given["parts"].max()) + 1))
    for look in request.identity.looks:
        metallic[look.part : look.part + 1] = look.metallic
    fell = light_on(given["normals"], request.light, metallic[given["parts"]])
    sums = np.zeros((_PARTS, COLUMNS))
    sums[:, 0] = np.bincount(parts.ravel(), minlength=_PARTS)[:_PARTS]
    for k in range(3):
        sums[:, 1 + k] = np.bincount(parts.ravel(), sent[..., k].ravel(), _PARTS)[:_PARTS]
        sums[:, 4 + k] = np.bincount(parts.ravel(), fell[..., k].ravel(), _PARTS)[:_PARTS]
    sums[0] = 0
    rows = np.flatnonzero(np.isin(given["parts"], _HEAD).any(axis=1))
    scale = request.metres_per_px
    sums[0, 7] = (picture.shape[0] - rows[0]) * scale - root_m if len(rows) else 0.0
    sums[0, 8] = float(picture[..., 3].sum()) * scale**2
    return sums


def lab_of(colour: Array) -> Array:
    """(..., 3) CIELAB (D65) of linear ACEScg colours, 1 being white. Source: CIE 15:2004."""
    flat = np.asarray(colour, np.float32).reshape(1, -1, 3)
    xyz = from_acescg(flat, _XYZ).astype(np.float64) / _WHITE
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).reshape(np.shape(colour))


def likeness(sums: Sequence[Array], shown: Sequence[tuple[str, int]]) -> Likeness:
    """What a person looks like over all of his sprites. sums: of each, from `sums_of`; shown: its motion and view.

    rgb: linear ACEScg, the light taken out. spread: how far the part's colour in one sprite is from it, root mean square
    over sprites (views and phases), CIELAB. shape: by motion and view, head height in metres and area in square metres.
    """
    every = np.stack(sums)
    total = every.sum(axis=0)
    parts: dict[str, Any] = {}
    for part in range(1, _PARTS):
        if total[part, 0] < LEAST_PX:
            continue
        lab = lab_of(_colour(total[part]))
        clear = every[every[:, part, 0] >= LEAST_SPRITE_PX, part]
        apart = np.linalg.norm(lab_of(_colour(clear)) - lab, axis=-1) if len(clear) else np.zeros(1)
        parts[Part(part).name.lower()] = {
            "rgb": [round(float(value), 5) for value in _colour(total[part])],
            "lab": [round(float(value), 2) for value in lab],
            "spread": round(float(np.sqrt((apart**2).mean())), 2),
            "px": int(total[part, 0]),
        }
    shape: dict[str, dict[str, list[float]]] = {}
    for motion, view in sorted(set(shown)):
        rows = every[[own == (motion, view) for own in shown], 0]
        size = [round(float(value), 4) for value in np.median(rows[:, 7:9], axis=0)]
        shape.setdefault(motion, {})[str(view)] = size
    return {"parts": parts, "shape": shape}


def _colour(sums: Array) -> Array:
    return np.asarray(sums[..., 1:4] / np.maximum(sums[..., 4:7], 1e-9))


@dataclass(frozen=True, slots=True)
class Distance:
    """How unlike two persons are. delta_e: mean over the parts that both show, by their areas; parts: of each.

    stops: how much brighter the second is as a whole, which delta_e leaves out. only_one: parts that only one of them
    shows enough of. head, area: by which share the second is taller, larger, in motions and views that both have.
    """

    delta_e: float
    parts: dict[str, float]
    stops: float
    only_one: tuple[str, ...]
    head: float
    area: float

    @property
    def worst(self) -> tuple[str, float]:
        """The part that differs most, and by how much."""
        return max(self.parts.items(), key=lambda item: item[1], default=("", 0.0))


def distance(one: Mapping[str, Any], other: Mapping[str, Any]) -> Distance:
    """Between two likenesses, of one character in two shots say."""
    both = sorted(set(one["parts"]) & set(other["parts"]))
    first, second = ({name: own["parts"][name] for name in both} for own in (one, other))
    weights = np.array([min(first[name]["px"], second[name]["px"]) for name in both], np.float64)
    colours = np.array([[own[name]["rgb"] for name in both] for own in (first, second)]).reshape(2, -1, 3)
    stops = 0.0
    if both:
        brightness = np.log2(np.maximum(colours.mean(axis=-1), 1e-6))
        stops = float(np.average(brightness[1] - brightness[0], weights=weights))
    half = np.array([stops / 2, -stops / 2])[:, None, None]
    labs = lab_of(colours * 2.0**half) if both else np.zeros((2, 0, 3))
    apart = np.linalg.norm(labs[0] - labs[1], axis=-1)
    sizes = np.array(
        [
            np.log(np.maximum(other["shape"][motion][view], 1e-6)) - np.log(np.maximum(size, 1e-6))
            for motion, views in one["shape"].items()
            for view, size in views.items()
            if view in other["shape"].get(motion, {})
        ]
    ).reshape(-1, 2)
    head, area = np.expm1(sizes.mean(axis=0)) if len(sizes) else (0.0, 0.0)
    return Distance(
        float(np.average(apart, weights=weights)) if both else 0.0,
        dict(zip(both, apart.tolist(), strict=True)),
        stops,
        tuple(sorted(set(one["parts"]) ^ set(other["parts"]))),
        float(head),
        float(area),
    )
