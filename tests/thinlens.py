"""A thin lens by brute force: flat figures at several depths, seen from many points of the iris and averaged.

Nothing of ours is used: the truth that depth of field is held against. The optical axis goes through the middle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Card:
    """An ellipse at depth z_m: middle and half axes in metres, colour, waves of its pattern per metre."""

    z_m: float
    middle: tuple[float, float]
    half: tuple[float, float]
    colour: tuple[float, float, float]
    waves: float

    def seen(self, x: Array, y: Array) -> tuple[NDArray[np.bool_], Array]:
        inside = ((x - self.middle[0]) / self.half[0]) ** 2 + ((y - self.middle[1]) / self.half[1]) ** 2 <= 1
        pattern = 0.6 + 0.4 * np.sin(x * self.waves) * np.sin(y * self.waves * 1.3)
        return inside, pattern[..., None] * np.array(self.colour)


@dataclass(frozen=True)
class ThinLens:
    cards: tuple[Card, ...]
    width: int
    height: int
    focal_px: float
    focus_m: float
    iris_m: float  # radius

    def pinhole(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(H, W, 4) premultiplied and (H, W) nearest depth through the middle of the lens."""
        rgba, depth = self._from(0.0, 0.0, 4)
        return rgba.astype(np.float32), depth.astype(np.float32)

    def truth(self, opening: Callable[[int], Array], count: int) -> Array:
        """(H, W, 4) seen through `count` points (x, y) of an opening of radius 1."""
        return sum(self._from(x, y, 2)[0] for x, y in self.iris_m * opening(count)) / count

    def radius_px(self, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        return (self.focal_px * self.iris_m * (1 / self.focus_m - 1 / depth_m)).astype(np.float32)

    def _from(self, aside: float, down: float, samples: int) -> tuple[Array, Array]:
        rows, columns = np.mgrid[0 : self.height * samples, 0 : self.width * samples] + 0.5
        x = (columns / samples - self.width / 2) * self.focus_m / self.focal_px
        y = (rows / samples - self.height / 2) * self.focus_m / self.focal_px
        rgba, depth = np.zeros((*x.shape, 4)), np.full(x.shape, np.inf)
        for card in sorted(self.cards, key=lambda c: -c.z_m):  # a ray from the iris meets the focus where all do
            share = card.z_m / self.focus_m
            inside, colour = card.seen(aside + (x - aside) * share, down + (y - down) * share)
            rgba[inside] = np.concatenate([colour, np.ones((*x.shape, 1))], axis=2)[inside]
            depth[inside] = card.z_m
        blocks = (self.height, samples, self.width, samples)
        return rgba.reshape(*blocks, 4).mean(axis=(1, 3)), depth.reshape(blocks).min(axis=(1, 3))


def disc(count: int) -> Array:
    """(count, 2) even over the unit disc: Vogel's spiral."""
    k = np.arange(count) + 0.5
    radius, turn = np.sqrt(k / count), k * 2.399963229728653
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
