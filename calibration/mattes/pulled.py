"""What a matte's file holds, and how the people of the plate stand before layers without a rim of what was behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.io import exr
from pipeline.kernels.bounds import around
from pipeline.kernels.color import LUMINANCE

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_LEAST = 1e-3  # of alpha: under half a code value of an 8-bit matte nothing is there


@dataclass(frozen=True, eq=False)
class Pulled:
    """Of one frame, at plate size, scene-linear ACEScg, premultiplied.

    alpha: (H, W). front: (H, W, 3), people alone, with the plate's grain, without a screen's light. Only of a key, else
    empty (0, 0, 3) and (0, 0): behind: (H, W, 3), what shows of the screen; returned: (H, W) luminance that went with the
    screen's light and comes back in the colour of what replaces the screen; screen: (H, W) 0..1 how much of it shows.
    """

    alpha: Floats
    front: Floats
    behind: Floats = field(default_factory=lambda: np.zeros((0, 0, 3), np.float32))
    returned: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    screen: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def keyed(self) -> bool:
        return self.screen.size > 0

    def channels(self) -> dict[str, npt.NDArray[np.float16]]:
        """Half planes for the matte's file."""
        planes = {"A": self.alpha, **{c: self.front[..., k] for k, c in enumerate("RGB")}}
        if self.keyed:
            planes |= {f"behind.{c}": self.behind[..., k] for k, c in enumerate("RGB")}
            planes |= {"returned.Y": self.returned, "screen.A": self.screen}
        return {name: exr.half(plane) for name, plane in planes.items()}

    @property
    def despilled(self) -> Bools:
        """(H, W): where a screen's light was taken off people, or an edge holds some of the screen."""
        return (self.returned > 0) | self.soft if self.keyed else np.zeros(self.alpha.shape, np.bool_)

    @property
    def soft(self) -> Bools:
        """(H, W): where people cover a part of the pixel."""
        return (self.alpha > _LEAST) & (self.alpha < 1)

    def despill(self, picture: Floats, surroundings: Floats) -> Floats:
        """The plate's `picture` (H, W, 3) with `surroundings` (3,), light of luminance 1, on people instead of the screen's.

        Pixels that are not `despilled` keep their bits.
        """
        where, out = self.despilled, picture.copy()
        out[where] = self._lit(where, surroundings) + self.behind[where]
        return out

    def before(self, picture: Floats, covered: Floats, held: Floats, surroundings: Floats) -> Floats:
        """`picture` (H, W, 3) with people's own colour on their soft edges, where a layer is about to be laid behind them.

        covered: (H, W) 0..1, how much of what is behind people the layer covers; held: (H, W) 0..1, how much it is behind
        them and not before them. A layer laid over the result by covered * (1 - alpha) leaves people's own light whole and
        covers nothing but what shone through beside it. Other pixels keep their bits.
        """
        where = self.soft & (covered > 0) & (held > 0)
        alpha, share = self.alpha[where][:, None], covered[where][:, None]
        front, out = self._lit(where, surroundings), picture.copy()
        through = np.maximum(picture[where] - front, 0)
        own = (front + (1 - share) * through) / np.maximum(1 - (1 - alpha) * share, _LEAST)
        out[where] += held[where][:, None] * (own - picture[where])
        return out

    def _lit(self, where: Bools, surroundings: Floats) -> Floats:
        front = self.front[where]
        return front + self.returned[where][:, None] * surroundings if self.keyed else front


def read_pulled(channels: Mapping[str, npt.NDArray[Any]]) -> Pulled | None:
    """From a matte's file as exr.read gives it; None when it holds a matte alone."""
    if "R" not in channels:
        return None

    def planes(*names: str) -> Floats:
        return np.stack([channels[n] for n in names], axis=2).astype(np.float32)

    alpha, front = planes("A")[..., 0], planes(*"RGB")
    if "screen.A" not in channels:
        return Pulled(alpha, front)
    behind, rest = planes("behind.R", "behind.G", "behind.B"), planes("returned.Y", "screen.A")
    return Pulled(alpha, front, behind, rest[..., 0], rest[..., 1])


def light_of(layers: list[Floats]) -> Floats:
    """(3,) mean colour of the layers (H, W, 4) of a frame, at luminance 1; half way to white: light bounces. White for none."""
    lit = (layer[around(layer[..., 3] > 0)] for layer in layers)
    colour = sum((part[..., :3].sum(axis=(0, 1), dtype=np.float64) for part in lit), np.zeros(3))
    level = float(colour @ LUMINANCE)
    return np.asarray(0.5 + 0.5 * colour / level if level > 0 else np.ones(3), np.float32)
