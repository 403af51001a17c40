"""What is known of each layer's grade and of the plate's exposure over time, to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from calibration.look.follow import Stray
from calibration.look.match import Match
from calibration.look.tonestats import Tones
from pipeline.errors import StoreError
from pipeline.frames import FrameRange
from pipeline.io.files import write_bytes
from pipeline.kernels.color import RGB


@dataclass(frozen=True, slots=True)
class Measured:
    """matches: by layer. stray: of the frames `frames`. black: of the plate, without its air; None: it shows none."""

    matches: Mapping[str, Match]
    stray: Stray
    frames: FrameRange
    black: RGB | None = None

    def of(self, layer: str) -> Tones:
        """A layer's grade; a layer that was not measured has none."""
        return self.matches[layer].tones if layer in self.matches else Tones()

    def stops(self, frame: int) -> tuple[float, float, float]:
        """By how many stops each channel strays on a frame."""
        red, green, blue = self.stray.stops[self.frames.index(frame)]
        return float(red), float(green), float(blue)


def write_grades(path: Path, measured: Measured) -> None:
    content = {
        "layers": {name: asdict(match) for name, match in measured.matches.items()},
        "black": measured.black,
        "stray": {
            "first": measured.frames.first,
            "last": measured.frames.last,
            "stops": measured.stray.stops.round(5).tolist(),
            "note": measured.stray.note,
        },
    }
    write_bytes(path, json.dumps(content, indent=1, sort_keys=True).encode())


def read_grades(path: Path) -> Measured:
    """Read what write_grades wrote. Raises StoreError when the file is missing or not one."""
    try:
        content = json.loads(path.read_text())
        matches = {
            name: Match(Tones(**told.pop("tones")), Tones(**told.pop("doubt")), **told)
            for name, told in content["layers"].items()
        }
        black = content["black"]
        stray = content["stray"]
        frames = FrameRange(stray["first"], stray["last"])
        stops = np.array(stray["stops"], np.float64).reshape(len(frames), 3)
        return Measured(matches, Stray(stops, stray["note"]), frames, None if black is None else tuple(black))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: holds no grades ({error}). Run fit_grades again.") from error
