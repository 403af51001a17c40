"""Values of a frame as its files hold them, in tiles: what a player shows of the pixel under the pointer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pipeline.frames import FrameRange
from pipeline.screening.media.child import Told
from pipeline.screening.media.footage import Footage
from pipeline.screening.media.views import stored

Array = np.ndarray[Any, Any]

TILE_PX = 32  # on a side


@dataclass(frozen=True, slots=True)
class Tile:
    """Some pixels of a view. names: of its channels; values: (H, W, channels) little-endian float64, row by row."""

    names: tuple[str, ...]
    values: bytes


def make(_tell: Told, footage: Footage, view: str, frame: int, x: int, y: int) -> Tile:
    """The tile whose first pixel is x, y from the top left: TILE_PX on a side, less at the picture's end, nothing beyond it.

    Raises FormatError where the frame cannot be read.
    """
    names, values = _held(footage, view, frame, footage.state(FrameRange(frame, frame)))
    part = values[y : y + TILE_PX, x : x + TILE_PX]
    return Tile(names, np.ascontiguousarray(part, dtype="<f8").tobytes())


@lru_cache(maxsize=2)  # A and B: the pointer moves on, the frame stays
def _held(footage: Footage, view: str, frame: int, _state: str) -> tuple[tuple[str, ...], Array]:
    return stored(footage, view, frame)
