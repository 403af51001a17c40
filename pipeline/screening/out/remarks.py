"""A note as it is handed on: whose, on which frames, what it says, what was drawn, who answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import ReviewRefused

MOST_STROKES, MOST_POINTS = 500, 20_000  # of one drawing
WIDEST = 0.1  # of a stroke, of the picture's width


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line drawn on a frame. colour: sRGB; width: of the picture's width; points: x, y 0..1 of its sides."""

    colour: tuple[int, int, int]
    width: float
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """One note with its answers. frame_out: last frame of a range, or None; strokes: what was drawn on `frame`."""

    shot: str
    version: int
    frame: int
    author: str
    text: str
    created: datetime
    frame_out: int | None = None
    strokes: tuple[Stroke, ...] = ()
    resolved: datetime | None = None
    answers: tuple[Remark, ...] = ()
    id: int = 0

    @property
    def where(self) -> str:
        """ "bp_010_0010 v003 1017", with its last frame where it has one."""
        last = f"-{self.frame_out}" if self.frame_out and self.frame_out != self.frame else ""
        return f"{self.shot} v{self.version:03d} {self.frame}{last}"


def read_drawing(text: str) -> tuple[Stroke, ...]:
    """The strokes of a note's `drawing`: {"strokes": [{"colour": "#ff5a36", "width": 0.004, "points": [[x, y], ...]}]}.

    An empty text has none. Raises ReviewRefused, in one line, for anything that is no drawing or larger than is read.
    """
    if not text:
        return ()
    try:
        strokes = json.loads(text)["strokes"]
        if not isinstance(strokes, list) or len(strokes) > MOST_STROKES:
            raise ValueError(f"more than {MOST_STROKES} strokes")
        made = tuple(_stroke(each) for each in strokes)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ReviewRefused(f"drawing: cannot be read ({error}). Draw again.") from error
    if sum(len(stroke.points) for stroke in made) > MOST_POINTS:
        raise ReviewRefused(f"drawing: has more than {MOST_POINTS} points. Draw less, or write two notes.")
    return made


def _stroke(stroke: dict[str, object]) -> Stroke:
    colour, width, points = str(stroke["colour"]), stroke["width"], stroke["points"]
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError("a colour is written #rrggbb")
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width <= WIDEST:
        raise ValueError(f"a stroke's width is above 0, at most {WIDEST}")
    if not isinstance(points, list) or not points:
        raise ValueError("a stroke has points")
    made = tuple((float(x), float(y)) for x, y in points)
    if not all(-1 <= value <= 2 for point in made for value in point):
        raise ValueError("points are 0 to 1 of the picture")
    return Stroke((int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)), float(width), made)
