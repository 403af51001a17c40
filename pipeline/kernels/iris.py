"""The opening of a lens as rows of pixels: what a point out of focus becomes, for every radius of blur."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEPS = 16  # radii per pixel
LEAST_RADIUS_PX = 0.25  # of what is blurred at all: under half a pixel across nothing is seen
MOST_RADIUS_PX = 256.0
_FINE = 8193  # samples across the unit opening
_SMALL_PX = 5.0  # up to here the pixel grid's own blur is worth taking off


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """An iris of one shape at the radii 0, 1/STEPS, 2/STEPS ... pixels.

    lows, highs: (J, 2 reach + 1) float64, where the opening begins and ends in each row of pixels, from its middle, x to
    the right; rows from -reach to reach, y down. areas: (J,) pixels covered. What lies nearer than the focus is seen
    through the opening turned by half a turn.
    """

    lows: Array
    highs: Array
    areas: Array

    @property
    def reach(self) -> int:
        return self.lows.shape[1] // 2


def index_of(radius_px: NDArray[np.float32]) -> NDArray[np.int32]:
    """Rows of Spans for radii of any sign; 0 where nothing is blurred, NaN included."""
    size = np.minimum(np.nan_to_num(np.abs(radius_px), nan=0.0, posinf=MOST_RADIUS_PX), MOST_RADIUS_PX)
    return np.where(size < LEAST_RADIUS_PX, 0, np.rint(size * STEPS)).astype(np.int32)


@lru_cache(maxsize=8)
def spans(most: int, blades: int = 0, rotation_deg: float = 0.0) -> Spans:
    """The rows of indices 0 .. most. blades: straight edges, 0 round; rotation_deg: turn of the first corner from right.

    A bladed opening has the area of the round one, as the f-number counts. Small radii are chosen so that the spread of
    what the pixels hold is the iris's own: a disc's quarter of the square of its radius along each axis.
    """
    width, moment, reach = _unit(blades, math.radians(rotation_deg))
    radii = _without_pixel(np.arange(most + 1) / STEPS)
    rows = math.ceil(radii[-1] * reach + 0.5)
    low, high, areas = _strips(radii, rows, width, moment, reach)
    return Spans(low, high, areas)


def _unit(blades: int, turn: float) -> tuple[Array, Array, float]:
    """Integrals over y of the width and of width times middle of an opening of area pi, (_FINE,) from -reach to reach."""
    if not blades:
        reach = 1.0
        y = np.linspace(-reach, reach, _FINE)
        right = np.sqrt(np.maximum(0.0, 1.0 - y * y))
        left = -right
    else:
        reach = math.sqrt(2 * math.pi / (blades * math.sin(2 * math.pi / blades)))
        y = np.linspace(-reach, reach, _FINE)
        left, right = np.full(_FINE, -reach), np.full(_FINE, reach)
        apothem = reach * math.cos(math.pi / blades)
        for side in range(blades):
            angle = turn + (side + 0.5) * 2 * math.pi / blades
            across, up = math.cos(angle), math.sin(angle)
            if abs(across) < 1e-9:
                right = np.where(y * up > apothem, left, right)
                continue
            bound = (apothem - y * up) / across
            left, right = (left, np.minimum(right, bound)) if across > 0 else (np.maximum(left, bound), right)
        right = np.maximum(left, right)
    step = y[1] - y[0]
    width, middle = right - left, (right + left) / 2

    def integral(values: Array) -> Array:
        return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) * (step / 2))])

    scale = math.pi / integral(width)[-1]
    return integral(width) * scale, integral(width * middle) * scale, reach


def _strips(radii: Array, rows: int, width: Array, moment: Array, reach: float) -> tuple[Array, Array, Array]:
    """lows, highs (J, 2 rows + 1), areas (J,) of openings of these radii."""
    edges = np.arange(-rows, rows + 2) - 0.5
    unit = edges[None, :] / np.maximum(radii, 1e-6)[:, None]
    y = np.linspace(-reach, reach, _FINE)
    area = np.diff(np.interp(unit, y, width)) * (radii**2)[:, None]
    turning = np.diff(np.interp(unit, y, moment)) * (radii**3)[:, None]
    middle = turning / np.maximum(area, 1e-12)
    area[radii == 0, rows] = 1.0  # no blur: the pixel itself
    area[area < 1e-9] = 0.0
    return middle - area / 2, middle + area / 2, area.sum(axis=1)


def _without_pixel(radii: Array) -> Array:
    """Radii of discs whose spread, counted in whole pixels, is that of discs of `radii`."""
    width, moment, reach = _unit(0, 0.0)
    tried = np.linspace(0.5, _SMALL_PX, 400)
    lows, highs, areas = _strips(tried, math.ceil(_SMALL_PX + 0.5), width, moment, reach)
    rows = np.arange(lows.shape[1]) - lows.shape[1] // 2
    covered = np.clip(np.minimum(highs[..., None], rows + 0.5) - np.maximum(lows[..., None], rows - 0.5), 0, None)
    share = covered / areas[:, None, None]
    spread = (share * (rows[None, None, :] ** 2 + rows[None, :, None] ** 2)).sum(axis=(1, 2)) / 2
    small = np.interp(radii**2 / 4, np.maximum.accumulate(spread), tried)
    large = np.sqrt(np.maximum(radii**2 - (_SMALL_PX**2 - 4 * spread[-1]) * -1, 0.0))
    return np.where(radii < LEAST_RADIUS_PX, 0.0, np.where(radii**2 / 4 < spread[-1], small, large))
