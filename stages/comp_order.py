"""Which stands before the other, set or crowd, pixel by pixel. No stage."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stages.comp_inputs import LEAST_ALPHA, Placed

SET, CROWD = "set", "crowd"
_NEARER_M = 0.3  # a set piece hides who stands behind its surface by more: a figure's card has no depth of its own


@dataclass(frozen=True, slots=True)
class Order:
    """The layers, farthest first, and as they stand in the picture: the crowd without what set pieces hide of it.

    before: (H, W) bool, where a set piece stands before somebody; None where nowhere.
    """

    placed: list[Placed]
    seen: list[Placed]
    before: np.ndarray | None


def order_of(placed: list[Placed]) -> Order:
    """Of layers after holdouts."""
    before = _set_before_crowd(placed)
    return Order(placed, placed if before is None else _held_by_set(placed, before), before)


def _set_before_crowd(placed: list[Placed]) -> np.ndarray | None:
    layers = {layer.name: layer for layer in placed}
    if SET not in layers or CROWD not in layers:
        return None
    built, people = layers[SET], layers[CROWD]
    before = (built.rgba[..., 3] > 0) & (people.rgba[..., 3] > 0) & (built.depth_m < people.depth_m - _NEARER_M)
    return before if before.any() else None


def _held_by_set(placed: list[Placed], before: np.ndarray) -> list[Placed]:
    built = next(layer for layer in placed if layer.name == SET)
    left = np.where(before, 1 - np.clip(built.rgba[..., 3], 0, 1), np.float32(1))
    return [_held(layer, left) if layer.name == CROWD else layer for layer in placed]


def _held(layer: Placed, left: np.ndarray) -> Placed:
    rgba = layer.rgba * left[..., None]
    rgba[rgba[..., 3] < LEAST_ALPHA] = 0
    alpha = rgba[..., 3]
    ids = np.where(alpha >= 0.5, layer.numbers, np.uint32(0))
    return replace(layer, rgba=rgba, depth_m=np.where(alpha > 0, layer.depth_m, np.float32(np.inf)), ids=ids)
