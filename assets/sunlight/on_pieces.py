"""What set pieces lose of the sun to each other and to the crowd: the share of it that each of their surfaces gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.sunlight.share import Sunlight
from pipeline.kernels.sunmap import DepthMap, add_hidden

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
_LIFT = 2.5  # cells of a piece's own map, by which its surface is looked at from before itself


@dataclass(frozen=True, slots=True, eq=False)
class LightOnPieces:
    """crowd: of each piece that people may throw a shadow on, by number, these people as the sun sees them."""

    sunlight: Sunlight
    crowd: Mapping[int, DepthMap]

    def left(self, points: Array, normals: Floats, number: int, across: Array, down: Array) -> Floats:
        """(K, 3) of the light of a piece's surface at world points (K, 3) with unit normals (K, 3), 1 where nothing else is before
        the sun. across, down: (K, 3) as SunMaps.hidden has them.

        A piece's own shadow on itself is the painter's: where that is, nothing more is lost.
        """
        maps = self.sunlight.maps
        facing = np.asarray(normals @ maps.to_sun)
        out = np.ones((len(points), 3), np.float32)
        faced = np.flatnonzero(facing > 0)
        taken = self._taken(points[faced], across[faced], down[faced], number)
        faced, taken = faced[taken > 0], taken[taken > 0]
        if len(faced):
            lift = _LIFT * maps.maps[maps.numbers.index(number)].cell_m
            lifted = points[faced] + lift * normals[faced]
            taken = taken * (1 - maps.hidden(lifted, across[faced], down[faced], only=(number,)))
            left = self.sunlight.left_of(facing[faced], normals[faced, 1])
            out[faced] = 1 - taken[:, None] * (1 - left)
        return out

    def _taken(self, points: Array, across: Array, down: Array, number: int) -> Floats:
        maps = self.sunlight.maps
        taken = maps.hidden(points, across, down, only=[other for other in maps.numbers if other != number])
        if number in self.crowd:
            places, right, below = (np.ascontiguousarray(each, np.float32) for each in (points, across, down))
            add_hidden(places, right, below, self.crowd[number], maps.softness, taken)
        return np.minimum(taken, np.float32(1))
