"""Fronts of houses: storeys of bays with recessed doors and windows, sills, shutters, timbers, a storey that juts out.

A front is a shell of blocks before the house's core, left open where a window or a door is; so its recesses are real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assets.providers.request import SetPart
from assets.sets.site import Frame, Site

SHELL_M = 0.24  # how deep windows and doors lie
_BEAM_M, _PROUD_M = 0.17, 0.05  # a timber's width, and how far it stands before the wall


@dataclass(frozen=True, slots=True)
class Front:
    """What a front is built to: the house's frontage and depth, floor and eaves (heights in the piece's axes)."""

    frontage: float
    depth: float
    bottom: float  # of its foundation
    floor: float
    eaves: float
    storeys: int
    jutting: float  # how far all storeys above the first stand out
    below: SetPart  # what the first is faced with
    above: SetPart
    timbered: bool


@dataclass(frozen=True, slots=True)
class _Opening:
    """left, right along the front; sill, head in height; whether it is a door."""

    left: float
    right: float
    sill: float
    head: float
    door: bool = False


def front(site: Site, frame: Frame, shape: Front, luck: Callable[[str], float]) -> None:
    """The house's walls: core and front, storey by storey, up to the eaves."""
    half, high = shape.frontage / 2, (shape.eaves - shape.floor) / shape.storeys
    bays = max(2, round(shape.frontage / 2.1))
    entrance = int(luck("entrance") * bays)
    for storey in range(shape.storeys):
        y0, y1 = shape.floor + storey * high, shape.floor + (storey + 1) * high
        face = shape.jutting if storey else 0.0
        part = shape.above if storey else shape.below
        core = frame.rectangle((-half, half), (-shape.depth, face - SHELL_M))
        site.mason.prism(core, y0 if storey else shape.bottom, y1, part, part)
        openings = [
            _opening(shape, storey, bay, bays, entrance, luck)
            for bay in range(bays)
            if (storey == 0 and bay == entrance) or luck(f"blind {storey} {bay}") > 0.16
        ]
        _shell(site, frame, (-half, half), (y0, y1), face, part, openings)
        for opening in openings:
            _filled(site, frame, face, opening, luck(f"shutters {opening.left:.2f} {storey}") < 0.45)
        if shape.timbered and (storey or shape.below != SetPart.WALL):
            _timbers(site, frame, (-half, half), (y0, y1), face, openings)
        if storey == 1 and shape.jutting:
            for i in range(6):
                u = -half + 0.2 + i * (shape.frontage - 0.4) / 5
                _block(site, frame, (u - 0.09, u + 0.09), (-0.3, face - 0.03), (y0 - 0.2, y0 + 0.01), SetPart.WOOD)
    _sides(site, frame, shape, luck)
    _steps(site, frame, shape.floor, -half + (entrance + 0.5) * shape.frontage / bays)


def _sides(site: Site, frame: Frame, shape: Front, luck: Callable[[str], float]) -> None:
    """Windows in the side walls, flush with them: between neighbours nobody sees them, at a row's end the wall is not blank."""
    high = (shape.eaves - shape.floor) / shape.storeys
    for side in (-1.0, 1.0):
        wall = Frame(frame.at(side * shape.frontage / 2, -shape.depth / 2), side * frame.along)
        for storey in range(shape.storeys):
            for share in (-0.24, 0.22):
                if luck(f"side {side} {storey} {share}") < 0.45:
                    continue
                at, sill, head = share * shape.depth, *(shape.floor + (storey + v) * high for v in (0.38, 0.78))
                _block(site, wall, (at - 0.42, at + 0.42), (-0.1, 0.02), (sill, head), SetPart.WOOD)
                for y in (sill - 0.12, head):
                    _block(site, wall, (at - 0.52, at + 0.52), (-0.1, 0.08), (y, y + 0.13), SetPart.TOP)


def _opening(
    shape: Front, storey: int, bay: int, bays: int, entrance: int, luck: Callable[[str], float]
) -> _Opening:  # fmt: skip
    high, wide = (shape.eaves - shape.floor) / shape.storeys, shape.frontage / bays
    middle, y0 = -shape.frontage / 2 + (bay + 0.5) * wide, shape.floor + storey * high
    if storey == 0 and bay == entrance:
        half = min(0.3 * wide, 0.62)
        return _Opening(middle - half, middle + half, y0, y0 + min(0.8 * high, 2.1), door=True)
    half = min((0.19 + 0.07 * luck(f"window {storey}")) * wide, 0.6)
    tall = (0.40 + 0.08 * luck(f"tall {storey}")) * high
    return _Opening(middle - half, middle + half, y0 + 0.36 * high, y0 + 0.36 * high + tall)


def _shell(
    site: Site, frame: Frame, across: tuple[float, float], up: tuple[float, float], face: float, part: SetPart,
    openings: list[_Opening],
) -> None:  # fmt: skip
    """Blocks around the openings of one storey, which go from left to right."""
    deep, at = (face - SHELL_M, face), across[0]
    for opening in openings:
        _block(site, frame, (at, opening.left), deep, up, part)
        if not opening.door:
            _block(site, frame, (opening.left, opening.right), deep, (up[0], opening.sill), part)
        _block(site, frame, (opening.left, opening.right), deep, (opening.head, up[1]), part)
        at = opening.right
    _block(site, frame, (at, across[1]), deep, up, part)


def _filled(site: Site, frame: Frame, face: float, opening: _Opening, shutters: bool) -> None:
    """The leaf or pane at the back of a recess, the sill under and the lintel over it, shutters folded back."""
    across, back = (opening.left, opening.right), (face - SHELL_M - 0.1, face - SHELL_M + 0.03)
    up = (opening.sill, opening.head)
    _block(site, frame, across, back, up, SetPart.WOOD)
    wide = (opening.left - 0.1, opening.right + 0.1)
    _block(site, frame, wide, (face - 0.1, face + 0.03), (opening.head, opening.head + 0.16), SetPart.TOP)
    if opening.door:
        return
    _block(site, frame, wide, (face - 0.1, face + 0.09), (opening.sill - 0.12, opening.sill), SetPart.TOP)
    middle, half = (opening.left + opening.right) / 2, (opening.right - opening.left) / 2
    _block(site, frame, (middle - 0.03, middle + 0.03), (face - SHELL_M + 0.02, face - 0.12), up, SetPart.WOOD)
    if shutters:
        for edge in (opening.left - 0.95 * half, opening.right):
            _block(site, frame, (edge, edge + 0.95 * half), (face - 0.02, face + 0.05), up, SetPart.WOOD)


def _timbers(
    site: Site,
    frame: Frame,
    across: tuple[float, float],
    up: tuple[float, float],
    face: float,
    openings: list[_Opening],
) -> None:
    """Sills and plates, posts beside the openings and at the corners, and a brace where there is room."""
    deep, wood = (face - 0.05, face + _PROUD_M), SetPart.WOOD
    for y in (up[0], up[1] - _BEAM_M):
        _block(site, frame, across, deep, (y, y + _BEAM_M), wood)
    edges = [across[0] + _BEAM_M, *(u for o in openings for u in (o.left, o.right)), across[1] - _BEAM_M]
    low, high = up[0] + _BEAM_M, up[1] - _BEAM_M
    for i, u in enumerate(edges):
        post = (u - _BEAM_M, u) if i % 2 == 0 else (u, u + _BEAM_M)
        _block(site, frame, (post[1] - _BEAM_M, post[1]) if i else (across[0], edges[0]), deep, (low, high), wood)
    for i, (left, right) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        if right - left > 0.75:
            a, b = (left, right) if i % 2 else (right, left)
            _brace(site, frame, (a, b), (low, high), deep)


def _brace(
    site: Site, frame: Frame, across: tuple[float, float], up: tuple[float, float], deep: tuple[float, float]
) -> None:  # fmt: skip
    (a, b), (low, high) = across, up
    reach = np.clip(b - a, -1.1, 1.1)
    wide = np.sign(b - a) * 0.16
    plan = ((a, low), (a + wide, low), (a + reach, high), (a + reach - wide, high))
    rings = []
    for d in (deep[0], deep[1] - 0.01):
        places = [(frame.at(float(u), d), y) for u, y in plan]
        rings.append([(x, y, z) for (x, z), y in places])
    site.mason.skin(np.array(rings, np.float64), SetPart.WOOD)


def _steps(site: Site, frame: Frame, floor: float, middle: float) -> None:
    """Steps from the lane up to a door, as many as the ground leaves to climb."""
    x, z = frame.at(middle, 0.5)
    ground = float(site.foot(x, z))
    for i in range(1, 9):
        top = floor - 0.2 * (i - 1) - 0.02
        if top < ground + 0.02 and i > 1:
            break
        _block(site, frame, (middle - 0.75, middle + 0.75), (-0.1, 0.08 + 0.3 * i), (ground - site.sink_m, top),
               SetPart.TOP)  # fmt: skip


def _block(
    site: Site, frame: Frame, across: tuple[float, float], deep: tuple[float, float], up: tuple[float, float], part: int
) -> None:
    if across[1] - across[0] > 1e-3 and up[1] - up[0] > 1e-3:
        site.mason.prism(frame.rectangle(across, deep), up[0], up[1], part, part)
