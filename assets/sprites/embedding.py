"""How alike people look to an image encoder: a point for each of a person's motions and sides, and how far points are apart.

What colours and sizes (likeness.py) do not tell: faces, patterns, what is worn how. Distances are 1 - cosine: 0 for the same
picture; what is far depends on the encoder, so the nearest other character of the atlas is told beside.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from assets.people.characters import spoken
from assets.sprites.atlas import VIEWS
from assets.sprites.demand import Wanted

Array = np.ndarray[Any, Any]
Encode = Callable[[Sequence[Array]], Array]  # (H, W, 4) pictures to (N, D) points of unit length
Points = dict[str, str]  # "motion side": a point, half floats as base64
SIDES = 4
_OF_EACH = 2  # sprites of a motion from a side that are looked at
_MOTIONS = 4  # of a person, the first by name


def points_of(wanted: Sequence[Wanted], sprites: Array, encode: Encode) -> dict[tuple[str, str], Points]:
    """By (character as people say it, variant): the mean point of each motion from each side. sprites: (S, H, W, 4)."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    motions: dict[tuple[str, str], list[str]] = {}
    for row, sprite in enumerate(wanted):
        if sprite.change is not None:
            continue
        who = spoken(sprite.character), str(sprite.variant)
        if sprite.motion not in motions.setdefault(who, []):
            motions[who].append(sprite.motion)
        side = round(sprite.view * SIDES / VIEWS) % SIDES
        groups.setdefault((*who, f"{sprite.motion} {side}"), []).append(row)
    shown = {who: sorted(names)[:_MOTIONS] for who, names in motions.items()}
    found: dict[tuple[str, str], Points] = {}
    for (name, variant, key), rows in sorted(groups.items()):
        if key.rpartition(" ")[0] in shown[name, variant]:
            middle = sorted(rows, key=lambda row: (_off_middle(wanted[row].view), wanted[row].phase))[:_OF_EACH]
            mean = encode([np.asarray(sprites[row], np.float32) for row in middle]).mean(axis=0)
            found.setdefault((name, variant), {})[key] = _packed(mean)
    return found


def apart(one: Mapping[str, str], other: Mapping[str, str]) -> float | None:
    """Mean of 1 - cosine over the motions and sides that both have; None where they share none."""
    both = sorted(set(one) & set(other))
    if not both:
        return None
    first, second = (np.stack([_unpacked(points[key]) for key in both]) for points in (one, other))
    if first.shape != second.shape:
        return None
    return float(np.mean(1 - (first * second).sum(axis=1)))


def from_references(points: Mapping[str, str], references: Sequence[str]) -> float | None:
    """Mean over motions and sides of 1 - cosine to the nearest reference picture; None without any."""
    if not points or not references:
        return None
    own, given = (np.stack([_unpacked(point) for point in each]) for each in (list(points.values()), references))
    return float(np.mean(1 - (own @ given.T).max(axis=1)))


def packed_all(points: Array) -> list[str]:
    """Points (N, D) as an index keeps them."""
    return [_packed(point) for point in points]


def _off_middle(view: int) -> float:
    """Views between a sprite and the middle of its side."""
    step = VIEWS / SIDES
    return abs((view + step / 2) % step - step / 2)


def _packed(point: Array) -> str:
    return base64.b64encode(np.asarray(point, "<f2").tobytes()).decode()


def _unpacked(text: str) -> Array:
    point = np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)
    return np.asarray(point / max(float(np.linalg.norm(point)), 1e-9))
