"""A camp: rows of ridge tents and bell tents with sagging cloth, poles and ropes, an aisle up to the pavilion."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assets.crowd.formations import chance
from assets.providers.request import SetPart
from assets.sets.masonry import Array, turned
from assets.sets.site import Site

DEPTH = 0.7  # of the camp, as a share of its width
_CELL = 2.7  # of a tent with its ropes and the way around it, in heights of a usual tent
_USUAL = 0.68  # a usual tent's height, as a share of the pavilion's
_AISLE = 1.0  # width of the middle aisle, in heights of a usual tent
_SAG = 0.10  # of the ridge between its poles
_HANG = 0.22  # how hollow a side hangs
_WALL = 0.16  # height of the upright cloth above the ground, as a share of a tent's height


@dataclass(frozen=True, slots=True)
class Tent:
    """One tent: its middle in plan, heading (0: its door looks at +z), height in metres, what it is, and its seed."""

    middle: tuple[float, float]
    heading_rad: float
    height: float
    bell: bool
    seed: int

    def luck(self, what: str) -> float:
        return float(chance(self.seed, "tent", [0], what)[0])


def camp(site: Site, width: float, height: float) -> None:
    """Tents in rows, doors to the aisles, the pavilion at the end of the middle one; `height` is the pavilion's."""
    for tent in tents(site, width, height):
        pitch(site, tent)


def tents(site: Site, width: float, height: float) -> list[Tent]:
    """The tents of a camp, row by row from its front; each cell's tent is decided by its place and the seed alone."""
    usual = _USUAL * height
    cell, aisle = _CELL * usual, _AISLE * usual
    columns = max(1, int((width - aisle) / 2 / cell))
    inner, outer = aisle / 2 + cell / 2, width / 2 - 1.1 * usual  # of a half row's first and last tent
    places = np.linspace(inner, max(inner, outer), columns)
    rows = max(2, int(DEPTH * width / cell))
    depth = rows * cell
    made = [Tent((0.0, 0.85 * usual - depth), 0.0, height, True, site.seed * 7907 + 1)]
    for row in range(rows):
        for column in range(-columns, columns):
            number = 1000 * (row + 1) + 500 + column
            if site.luck(number, "no tent") < 0.08:
                continue
            side = 1 if column >= 0 else -1
            x = side * float(places[int(abs(column + 0.5))])
            near_edge = column in (-columns, columns - 1)
            x += 0.12 * usual * (site.luck(number, "aside") - 0.5) * (not near_edge)
            z = -(row + 0.5) * cell + 0.16 * usual * (site.luck(number, "back") - 0.5)
            if row == rows - 1 and abs(x) < 1.35 * height + cell / 2:
                continue  # the pavilion's
            turn = 0.0 if row % 2 == 0 or row == 0 else math.pi
            turn += 0.14 * (site.luck(number, "turn") - 0.5)
            tall = usual * (0.84 + 0.2 * site.luck(number, "tall"))
            made.append(Tent((x, z), turn, tall, site.luck(number, "bell") < 0.28, site.seed * 7907 + number))
    return made


def pitch(site: Site, tent: Tent) -> None:
    """Build a tent on its ground."""
    (_bell if tent.bell else _ridge_tent)(site, tent)


def _placed(site: Site, tent: Tent, plan: Array, above: Array) -> Array:
    """Corners (..., 3) of plan (..., 2) in the tent's axes and heights above the ground: the cloth's edge follows
    the ground, its ridge stands upright over the tent's middle."""
    flat = turned(plan.reshape(-1, 2), tent.heading_rad) + np.array(tent.middle)
    ground, middle = site.foot(flat[:, 0], flat[:, 1]), float(site.foot(*tent.middle))
    share = np.clip(above.ravel() / tent.height, 0, 1)
    y = ground * (1 - share) + middle * share + above.ravel()
    return np.stack([flat[:, 0], y, flat[:, 1]], axis=1).reshape(*above.shape, 3)


def _ridge_tent(site: Site, tent: Tent) -> None:
    """Two poles, a ridge that sags between them, hollow sides, a door that is left open a little."""
    height, pole = 0.94 * tent.height, tent.height
    half, length = 0.74 * height, (0.95 + 0.15 * tent.luck("length")) * height
    along = np.linspace(-1, 1, 9)
    ridge = height * (1 - _SAG * (1 - along**2) * (0.6 + 0.8 * tent.luck("sag")))
    low = _WALL * height * (1 - 0.12 * np.cos(2 * np.pi * along))  # pulled up where ropes hold it
    shares = np.linspace(0, 1, 6)[1:]  # from the low wall up to the ridge
    rings = []
    for end, top, edge in zip(along, ridge, low, strict=True):
        hollow = shares - _HANG * shares * (1 - shares) * (1 + 0.25 * math.cos(2 * math.pi * end))
        x = np.concatenate([[half, half], half * (1 - shares)])
        y = np.concatenate([[-site.sink_m, edge], edge + hollow * (top - edge)])
        ring_x, ring_y = np.concatenate([-x, x[-2::-1]]), np.concatenate([y, y[-2::-1]])
        plan = np.stack([ring_x, np.full(len(ring_x), end * length)], axis=1)
        rings.append(_placed(site, tent, plan, ring_y))
    site.mason.skin(np.array(rings), SetPart.CLOTH)
    _door(site, tent, (0.24 + 0.1 * tent.luck("door")) * half, (0.45 * height, 0.82 * height), lambda _: length)
    for end in (-1.0, 1.0):
        stake = np.array([[0.0, end * (length + 0.03 * height)]] * 2)
        _rod(site, tent, stake, (-0.3, pole), 0.022 * height)
        _rope(site, tent, (0.0, end * length, 0.98 * height), (0.0, end * (length + 0.75 * height)))
    for end in (-0.98, -0.35, 0.35, 0.98):
        for side in (-1.0, 1.0):
            _rope(site, tent, (side * half, end * length, _WALL * height), (side * 1.5 * half, end * 1.05 * length))


def _bell(site: Site, tent: Tent) -> None:
    """A round tent on one pole: an upright wall, a hollow cone scalloped between its ropes."""
    height, sides = 0.95 * tent.height, 24
    radius = (0.9 + 0.1 * tent.luck("radius")) * height
    turns = 2 * np.pi * np.arange(sides) / sides
    scallop = 0.5 - 0.5 * np.cos(turns * 12)  # 1 between two ropes
    wall = 0.26 * height
    profile = [(1.0, np.full(sides, -site.sink_m)), (1.0, wall - 0.03 * height * scallop)]
    for share in (0.82, 0.64, 0.46, 0.3, 0.15, 0.0):
        up = (1 - share) * (1 - _HANG * 0.8 * share)
        profile.append((share, wall + up * (height - wall) - 0.03 * height * scallop * share * (1 - share)))
    around = np.stack([np.sin(turns), np.cos(turns)], axis=1)
    rings = np.array([_placed(site, tent, r * radius * around, y) for r, y in profile])
    site.mason.skin(rings, SetPart.CLOTH)
    heights, radii = np.array([float(y.max()) for _, y in profile]), np.array([r * radius for r, _ in profile])
    _door(
        site,
        tent,
        0.17 * radius,
        (0.97 * wall, wall + 0.34 * height),
        lambda y: float(np.interp(y, heights[1:], radii[1:])),
    )
    _rod(site, tent, np.zeros((2, 2)), (0.8 * height, tent.height), 0.03 * height)
    for turn in turns[1::4]:
        out = np.array([math.sin(turn), math.cos(turn)])
        eave, peg = radius * out, 1.34 * radius * out
        _rope(site, tent, (eave[0], eave[1], wall), (peg[0], peg[1]))


def _door(
    site: Site, tent: Tent, half: float, heights: tuple[float, float], away: Callable[[float], float]
) -> None:  # fmt: skip
    """The opening, dark, upright to a shoulder and from there a point, with one flap thrown back beside it.

    heights: of shoulder and point. away: the cloth's distance from the middle, of a height.
    """
    shoulder, tip = heights

    def leaf(corners: list[tuple[float, float]], proud: float, part: SetPart) -> None:
        plans = [np.array([[x, away(max(y, 0.0)) + z] for x, y in corners]) for z in (-0.06 * tip, proud)]
        above = np.array([y for _, y in corners])
        site.mason.skin(np.array([_placed(site, tent, plan, above) for plan in plans]), part)

    leaf([(-half, -0.2), (half, -0.2), (0.8 * half, shoulder), (-0.8 * half, shoulder)], 0.02 * tip, SetPart.WOOD)
    leaf([(-0.8 * half, shoulder), (0.8 * half, shoulder), (0.0, tip)], 0.02 * tip, SetPart.WOOD)
    leaf([(half, -0.2), (1.7 * half, -0.1), (1.4 * half, shoulder), (0.8 * half, shoulder)], 0.04 * tip, SetPart.CLOTH)


def _rope(site: Site, tent: Tent, eave: tuple[float, float, float], peg: tuple[float, float]) -> None:
    x, z, y = eave
    _rod(site, tent, np.array([[x, z], peg]), (y, -0.1), max(0.006 * tent.height, 0.012))
    _rod(site, tent, np.array([peg, peg]), (-0.25, 0.1 * tent.height), 0.012 * tent.height)


def _rod(site: Site, tent: Tent, plan: Array, above: tuple[float, float], radius: float) -> None:
    a, b = _placed(site, tent, plan, np.array(above))
    site.mason.rod(a, b, radius, SetPart.WOOD)
