"""[world] of the shot file: up, ground, metres, origin and direction, where somebody knows better than the plate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.errors import ConfigError

Mark = tuple[int, float, float]  # frame, x, y: a pixel of the plate
LineMark = tuple[int, float, float, float, float]  # frame, x, y of one end and of the other


@dataclass(frozen=True, slots=True)
class SurveyPoint:
    """[[world.points]]: a point that was surveyed, and where a frame shows it."""

    name: str
    at_m: tuple[float, float, float]
    frame: int
    px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Distance:
    """[[world.distances]]: a length between two points that a frame shows."""

    name: str
    metres: float
    frame: int
    a_px: tuple[float, float]
    b_px: tuple[float, float]

    def __post_init__(self) -> None:
        _positive(f"distance {self.name}: metres", self.metres)


@dataclass(frozen=True, slots=True)
class Person:
    """[[world.people]]: somebody who stands upright on the ground."""

    name: str
    height_m: float
    frame: int
    head_px: tuple[float, float]
    foot_px: tuple[float, float]

    def __post_init__(self) -> None:
        _positive(f"person {self.name}: height_m", self.height_m)


@dataclass(frozen=True, slots=True)
class WorldFacts:
    """[world]: what is left out is found in the plate. Pixels are the plate's, 0, 0 its top left corner.

    points: at least 3 not in a line: the world is the survey's. survey_up: which of its axes points up. ground_px: pixels of
    the ground; 3 or more make it, fewer say how high it lies. upright_px: at least 2 lines that are vertical in the world.
    origin_px: a pixel of the ground that becomes the origin. ahead_px: from its first end to its second lies -Z.
    """

    points: tuple[SurveyPoint, ...] = ()
    survey_up: str = "Y"
    ground_px: tuple[Mark, ...] = ()
    upright_px: tuple[LineMark, ...] = ()
    distances: tuple[Distance, ...] = ()
    people: tuple[Person, ...] = ()
    origin_px: Mark | None = None
    ahead_px: LineMark | None = None

    def __post_init__(self) -> None:
        if self.survey_up not in ("Y", "Z"):
            raise ConfigError(f"survey_up is {self.survey_up!r}, must be Y or Z. Change it.")
        if 0 < len(self.points) < 3:
            raise ConfigError(
                f"points: {len(self.points)} surveyed, at least 3 are needed. Add some, or write a distance."
            )
        if len(self.upright_px) == 1:
            raise ConfigError(
                "upright_px: one line does not say up, at least 2 are needed, apart in the picture. Add one."
            )
        names = [p.name for p in self.points] + [d.name for d in self.distances] + [p.name for p in self.people]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigError(f"{twice!r} is the name of two things. Give each its own.")


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{name} is {value:g}, must be above 0. Change it.")
