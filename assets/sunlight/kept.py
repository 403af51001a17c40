"""The sun of set pieces in a file, for those that ask again what they hide."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assets.sets.cards import Card
from assets.sets.projection import Piece
from assets.sunlight.maps import SunMaps
from assets.sunlight.share import Sunlight
from pipeline.io.files import write_bytes
from pipeline.kernels.color import RGB


def write_sun(path: Path, sunlight: Sunlight) -> None:
    """Everything but the pieces, the cards and the colour of shadows; read_sun is the way back."""
    maps = sunlight.maps
    told = {"to_sun": maps.to_sun.tolist(), "softness": maps.softness, "strength": sunlight.strength}
    told["set"] = bool(maps.added)
    write_bytes(path, json.dumps(told, indent=1, sort_keys=True).encode())


def read_sun(path: Path, pieces: Sequence[Piece], left_rgb: RGB, cards: Sequence[Card] = ()) -> Sunlight:
    """left_rgb: as Sunlight has it."""
    told = json.loads(path.read_text("utf-8"))
    thrown = (pieces, cards) if told["set"] else ((), ())
    maps = SunMaps.of(thrown[0], np.array(told["to_sun"]), told["softness"], cards=thrown[1])
    return Sunlight(maps, left_rgb, told["strength"])
