"""A street: two rows of houses that face each other over a lane, stepping with the ground; each house by its own seed.

The lane runs back from the piece's front. Plots are laid first and hold all that a house is decided by, so that another
seed for one of them changes that house alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assets.crowd.formations import chance
from assets.providers.request import SetPart
from assets.sets.fronts import Front, front
from assets.sets.masonry import Array
from assets.sets.site import Frame, Site

LENGTH = 2.5  # of the street, as a share of its width
PLOT_M = 6.4  # mean frontage
GAP_M = 0.25  # between neighbours' walls
TALLEST = 4  # the number of the house that is as high as was asked
_ROOF_M = 0.26  # thickness of a roof, upright
_EAVES_M, _VERGE_M = 0.42, 0.3  # how far it reaches beyond walls and gables
_STACK_M = 0.7  # of a chimney above its ridge


@dataclass(frozen=True, slots=True)
class Plot:
    """One house: the middle of its front in plan, where it looks (unit x, z), its sizes in metres, and its seed."""

    middle: tuple[float, float]
    out: tuple[float, float]
    frontage: float
    depth: float
    height: float
    seed: int

    def luck(self, what: str) -> float:
        return float(chance(self.seed, "house", [0], what)[0])


def street(site: Site, width: float, height: float) -> None:
    """Two rows over a lane, LENGTH times as long as the whole is wide."""
    for plot in plots(site, width, height):
        house(site, plot)


def plots(site: Site, width: float, height: float) -> list[Plot]:
    """The plots of a street, from its front backwards, left and right in turn."""
    depth = float(np.clip(0.31 * width, 4.6, 11.0))
    count = max(2, round(LENGTH * width / PLOT_M))
    made = []
    for number in range(2 * count):
        row, side = divmod(number, 2)
        near, far = (PLOT_M * (i + 0.3 * (site.luck(2 * i + side, "boundary") - 0.5)) for i in (row, row + 1))
        back = 0.35 * site.luck(number, "set back")
        share = 1.0 if number == TALLEST else 0.74 + 0.22 * site.luck(number, "height")
        out = 1.0 if side == 0 else -1.0
        made.append(
            Plot(
                (-out * (width / 2 - depth + back), -(near + far) / 2),
                (out, 0.0),
                far - near - GAP_M,
                depth - back - 0.45,  # the roof reaches beyond the wall
                share * height,
                site.seed * 7919 + number,
            )
        )
    return made


def house(site: Site, plot: Plot) -> None:
    """Walls on a stone plinth, a gabled or hipped roof with eaves, a chimney, and a front of its own."""
    frame = Frame(np.array(plot.middle), np.array(plot.out))
    half = plot.frontage / 2
    plan = frame.rectangle((-half, half), (-plot.depth, 0.0))
    brink = frame.rectangle((-half, half), (-0.3, 0.3))
    bottom, crest = site.lowest(plan), site.level(plan) + plot.height
    floor = float(np.max(site.foot(brink[:, 0], brink[:, 1]))) + 0.12
    stack = _STACK_M if plot.luck("chimney") < 0.8 else 0.0
    top = crest - stack
    hipped, gable = plot.luck("hip") < 0.2, plot.luck("gable") < 0.4
    jutting = 0.32 if plot.luck("jetty") < 0.4 else 0.0
    span = plot.frontage if gable else plot.depth + jutting
    pitch = math.radians(40 + 12 * plot.luck("pitch"))
    rise = min(math.tan(pitch) * span / 2, 0.45 * plot.height, top - floor - 2.1)
    eaves = top - rise - _ROOF_M / 2
    storeys = max(1, round((eaves - floor) / 2.7))
    jutting = jutting if storeys > 1 else 0.0
    site.mason.prism(frame.rectangle((-half - 0.06, half + 0.06), (-plot.depth - 0.06, 0.07)), bottom, floor,
                     SetPart.WALL, SetPart.TOP)  # fmt: skip
    stuff = _stuff(plot)
    front(site, frame, Front(plot.frontage, plot.depth, bottom, floor, eaves, storeys, jutting, *stuff), plot.luck)
    roof = _Roof(half, (-plot.depth, jutting), top, rise, gable)
    _roofed(site, frame, roof, hipped, stuff[1])
    if stack:
        _chimney(site, frame, roof, crest, plot.luck)


def _stuff(plot: Plot) -> tuple[SetPart, SetPart, bool]:
    """What the ground floor and the rest are faced with, and whether timbers show."""
    kind = plot.luck("stuff")
    if kind < 0.25:
        return SetPart.WALL, SetPart.WALL, False
    if kind < 0.5:
        return SetPart.PLASTER, SetPart.PLASTER, False
    return (SetPart.WALL if plot.luck("ground floor") < 0.5 else SetPart.PLASTER), SetPart.PLASTER, True


@dataclass(frozen=True, slots=True)
class _Roof:
    """half: of the frontage; reach: back to front; top: the ridge's height; rise above the eaves; whether a gable faces out."""

    half: float
    reach: tuple[float, float]
    top: float
    rise: float
    gable: bool

    @property
    def sizes(self) -> tuple[float, float, float]:
        """Half the span, half the length along the ridge, and the slope."""
        deep = (self.reach[1] - self.reach[0]) / 2
        span, length = (self.half, deep) if self.gable else (deep, self.half)
        return span, length, self.rise / span

    def at(self, frame: Frame, across: float, along: float, y: float) -> Array:
        """A corner, from its places across and along the ridge."""
        middle = (self.reach[0] + self.reach[1]) / 2
        x, z = frame.at(across, middle + along) if self.gable else frame.at(along, middle + across)
        return np.array([x, y, z])


def _roofed(site: Site, frame: Frame, roof: _Roof, hipped: bool, wall: SetPart) -> None:
    span, length, slope = roof.sizes
    wide = span + _EAVES_M
    low = roof.top - slope * wide
    if hipped:
        ridge, long = max(length - span, 0.0), length + _EAVES_M
        plan = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        rings = [[roof.at(frame, a * wide, b * long, y) for a, b in plan] for y in (low - _ROOF_M, low)]
        rings.append([roof.at(frame, 0.0, b * ridge, roof.top) for _, b in plan])
        site.mason.skin(np.array(rings), SetPart.ROOF)
        return
    under = roof.top - _ROOF_M / 2
    gables = [
        [
            roof.at(frame, a, end * length, y)
            for a, y in ((-span, under - roof.rise), (span, under - roof.rise), (0, under))
        ]
        for end in (-1, 1)
    ]
    site.mason.skin(np.array(gables), wall)
    long = length + _VERGE_M
    for side in (-1.0, 1.0):
        section = ((0.0, roof.top), (side * wide, low), (side * wide, low - _ROOF_M), (0.0, roof.top - _ROOF_M))
        site.mason.skin(np.array([[roof.at(frame, a, e * long, y) for a, y in section] for e in (-1, 1)]), SetPart.ROOF)
        for end in (-1.0, 1.0):  # barge boards along the gables
            rake = (
                (0.0, roof.top - 0.08),
                (side * wide, low - 0.08),
                (side * wide, low - 0.34),
                (0.0, roof.top - 0.34),
            )
            ends = (end * (long - 0.06), end * (long + 0.05))
            site.mason.skin(np.array([[roof.at(frame, a, e, y) for a, y in rake] for e in ends]), SetPart.WOOD)


def _chimney(site: Site, frame: Frame, roof: _Roof, crest: float, luck: Callable[[str], float]) -> None:
    span, length, slope = roof.sizes
    along, across = (0.55 if luck("end") < 0.5 else -0.55) * length, (0.3 * luck("off ridge") - 0.15) * span
    bottom = roof.top - slope * (abs(across) + 0.5) - 0.6

    def plan(half: float) -> Array:
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        return np.array([roof.at(frame, across + a * half, along + b * 1.2 * half, 0.0)[[0, 2]] for a, b in corners])

    site.mason.prism(plan(0.34), bottom, crest - 0.16, SetPart.WALL, SetPart.TOP)
    site.mason.prism(plan(0.42), crest - 0.3, crest - 0.12, SetPart.TOP, SetPart.TOP)
    site.mason.prism(plan(0.2), crest - 0.13, crest, SetPart.ROOF, SetPart.ROOF)
