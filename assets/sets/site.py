"""Where a set piece is built: the ground under it, how deep it is founded, its chance, and the mason who builds it.

A piece stands on the origin of its own axes: y up, its front faces +z, its middle is x = 0. What is under it may rise
and fall: `foot` tells the ground's height there, and everything reaches `sink_m` below it, so that no gap shows where a
ground surveyed from afar is a little off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from assets.crowd.formations import chance
from assets.sets.masonry import Array, Mason

Foot = Callable[[npt.ArrayLike, npt.ArrayLike], Array]  # local x, z -> the ground's height, metres


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """What a builder works with: the ground, how deep to found, the seed of chance, and the mason."""

    foot: Foot
    sink_m: float
    seed: int
    mason: Mason = field(default_factory=Mason)

    def lowest(self, plan: Array) -> float:
        """The ground's lowest height under corners (P, 2) and their middle, less the founding depth."""
        points = np.concatenate([plan, plan.mean(axis=0, keepdims=True)])
        return float(np.min(self.foot(points[:, 0], points[:, 1]))) - self.sink_m

    def level(self, plan: Array) -> float:
        """The ground's mean height under corners (P, 2)."""
        return float(np.mean(self.foot(plan[:, 0], plan[:, 1])))

    def luck(self, number: int, what: str) -> float:
        return float(chance(self.seed, "set", [number], what)[0])


def flat(x: npt.ArrayLike, z: npt.ArrayLike) -> Array:
    """Level ground."""
    return np.zeros(np.broadcast_shapes(np.shape(x), np.shape(z)))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Plan axes of a front: its middle (2,), and `out`, the unit direction (2,) in which it looks."""

    middle: Array
    out: Array

    @property
    def along(self) -> Array:
        """The unit direction (2,) to the right for who faces the front."""
        return np.array([self.out[1], -self.out[0]])

    def at(self, across: float, outwards: float) -> Array:
        """x, z of a place `across` to the right for who faces the front, and `outwards` before it."""
        return np.asarray(self.middle + across * self.along + outwards * self.out)

    def rectangle(self, across: tuple[float, float], outwards: tuple[float, float]) -> Array:
        """(4, 2) corners in plan."""
        (left, right), (back, fore) = across, outwards
        return np.stack([self.at(left, fore), self.at(right, fore), self.at(right, back), self.at(left, back)])
