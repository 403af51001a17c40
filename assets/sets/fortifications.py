"""Fortifications: fortress, wall, tower, keep and gate, of coursed stone; walls step with the ground, bay by bay."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from assets.providers.request import SetPart
from assets.sets.masonry import Array, Hole, arch, ring, slit, turned
from assets.sets.site import Site

BAY_M = 6.5  # a wall steps with the ground once a bay
THICKNESS_M = 2.4
BATTER = 0.07  # how far a wall leans out at its foot, as a share of its height
MERLON_M, CRENEL_M = 1.5, 1.0
PARAPET_M, MERLON_HEIGHT_M = 0.9, 1.0
CROWN_M = PARAPET_M + MERLON_HEIGHT_M  # from wall walk to the merlons' tops
DRUM_SIDES = 16
LOST_MERLONS = 0.06  # share that time has taken


def fortress(site: Site, width: float, height: float) -> None:
    """A walled enclosure: bent front wall with a gatehouse, corner and flank towers, a keep and its turret behind."""
    radius = float(np.clip(0.05 * width, 1.8, 6.0))
    walk = 0.4 * height - 0.5 * CROWN_M  # of the front wall
    tower_height, depth = 0.54 * height - 0.5 * CROWN_M, min(0.62 * width, 70.0)
    x = width / 2 - 1.1 * radius  # a drum's foot is wider than the drum
    corners = [(-x, -0.04 * depth), (0.12 * x, 0.0), (x, -0.09 * depth), (0.86 * x, -depth), (-0.9 * x, -0.93 * depth)]
    gate = np.array(corners[1])
    plan = [np.array(corner) for corner in corners]
    half_gate = min(0.13 * width, 8.5)
    for i, (a, b) in enumerate(zip(plan, plan[1:] + plan[:1], strict=True)):
        stops = [a, b]
        if i <= 1:  # the gate's two neighbours end at its drums
            opening = 0.7 * half_gate * (b - a) / np.linalg.norm(b - a)
            stops = [a + i * opening, a + (0.48 + 0.04 * i) * (b - a), b - (1 - i) * opening]
        for p, q in pairwise(stops):
            curtain(site, p, q, walk, bays_from=100 * i)
        if i <= 1:
            drum(site, stops[1], 0.72 * radius, tower_height * (0.84 + 0.06 * site.luck(i, "flank")), number=50 + i)
    for i, corner in enumerate(plan):
        if i != 1:
            drum(site, corner, radius, tower_height * (0.95 + 0.15 * site.luck(i, "corner")), number=i)
    gatehouse(site, gate, half_gate, 0.58 * height)
    side = float(np.clip(0.2 * width, 5.0, 24.0))
    keep(site, np.array([-0.48 * x, -0.42 * depth]), side, height, turn_rad=0.16)


def wall(site: Site, width: float, height: float) -> None:
    """A straight curtain wall across the whole width."""
    half = width / 2
    curtain(site, np.array([-half, 0.0]), np.array([half, 0.0]), height - CROWN_M, bays_from=0)


def lone_tower(site: Site, width: float, height: float) -> None:
    """A round tower."""
    drum(site, np.zeros(2), width / 2 / 1.12, height - CROWN_M, number=0)


def lone_keep(site: Site, width: float, height: float) -> None:
    """A square great tower with a turret."""
    keep(site, np.zeros(2), width / 1.2, height, turn_rad=0.0)


def gate(site: Site, width: float, height: float) -> None:
    """A gatehouse by itself, as a fortress has one in its front."""
    drum_m = 0.3 * width / 2
    half = width / 2 - 0.12 * drum_m  # a drum's crown and foot reach beyond the drum
    gatehouse(site, np.zeros(2), half, height - CROWN_M)


def curtain(site: Site, a: Array, b: Array, height: float, *, bays_from: int) -> None:
    """Wall from a to b (2,), left to right for who stands outside; its walk is `height` above the ground's mean."""
    count = max(1, round(float(np.linalg.norm(b - a)) / BAY_M))
    for i in range(count):
        p, q = a + (b - a) * (i / count), a + (b - a) * ((i + 1) / count)
        ends = np.stack([p, q])
        bottom, top = site.lowest(ends), site.level(ends) + height
        lean = BATTER * (top - bottom)
        share = (top - bottom - height) / (top - bottom)  # of the face, buried or below the bay's mean ground
        hole = slit(0.05, share + 0.5 * (1 - share), share + 0.72 * (1 - share)) if height > 4 else None
        _run(site, p, q, bottom, top, (THICKNESS_M / 2, -THICKNESS_M / 2), SetPart.WALL, lean=lean, hole=hole)
        _battlements(site, p, q, top, THICKNESS_M / 2, number=bays_from + i)
        _talus(site, p, q, bottom, THICKNESS_M / 2 + lean, number=bays_from + i)


def drum(site: Site, centre: Array, radius: float, height: float, *, number: int) -> None:
    """Round tower: a leaning drum, a string course, a corbelled crown with merlons; walk at `height`."""
    plan = ring(centre, radius, DRUM_SIDES)
    bottom, top = site.lowest(ring(centre, 1.12 * radius, DRUM_SIDES)), site.level(plan) + height
    site.mason.prism(ring(centre, 1.12 * radius, DRUM_SIDES), bottom, top, SetPart.WALL, SetPart.TOP, plan)
    course = bottom + 0.62 * (top - bottom)
    site.mason.prism(ring(centre, 1.08 * radius, DRUM_SIDES), course, course + 0.35, SetPart.TOP, SetPart.TOP)
    crown = ring(centre, 1.12 * radius, DRUM_SIDES)
    corbels = top - 0.16 * min(height, 9.0)
    site.mason.prism(plan, corbels - 0.6, corbels, SetPart.WALL, SetPart.WALL, crown)
    site.mason.prism(crown, corbels, top + PARAPET_M, SetPart.WALL, SetPart.TOP)
    merlons = max(6, round(2 * math.pi * radius / (MERLON_M + CRENEL_M)))
    for i in range(merlons):
        if site.luck(1000 * number + i, "drum merlon") >= LOST_MERLONS:
            turn = 2 * math.pi * i / merlons
            block = ((-0.5 * MERLON_M, 1.1 * radius - 0.7), (0.5 * MERLON_M, 1.1 * radius))
            _turned_block(site, centre, block, turn, top + PARAPET_M - 0.05, top + CROWN_M, SetPart.TOP)
    for i in range(0, DRUM_SIDES, 4):
        turn = 2 * math.pi * (i + number % 3) / DRUM_SIDES
        loop = ((-0.14, 0.0), (0.14, 1.08 * radius))  # a dark slab for an arrow slit
        _turned_block(site, centre, loop, turn, course - 2.0, course - 0.5, SetPart.WOOD)


def gatehouse(site: Site, centre: Array, half: float, height: float) -> None:
    """Two drums and between them a block with a round-headed gate; walk at `height` less the crown."""
    radius = 0.3 * half
    for i, side in enumerate((-1, 1)):
        drum(site, centre + np.array([side * (half - radius), 0.8]), radius, height, number=20 + i)
    inner = half - 1.2 * radius
    p, q = centre + np.array([-inner, 0.8]), centre + np.array([inner, 0.8])
    bottom, top = site.lowest(np.stack([p, q])), site.level(np.stack([p, q])) + 0.86 * height - CROWN_M
    ground = (site.sink_m + 0.02) / (top - bottom)
    door = arch(0.62, ground + 0.38 * (1 - ground), ground + 0.58 * (1 - ground), 0.3)
    _run(site, p, q, bottom, top, (1.2, -5.0), SetPart.WALL, hole=door)
    _battlements(site, p, q, top, 1.2, number=900)


def keep(site: Site, centre: Array, side: float, height: float, turn_rad: float) -> None:
    """A square great tower with flat buttresses and a roofed turret whose ridge is the highest point."""
    plan = centre + turned(_square(side / 2), turn_rad)
    bottom, top = site.lowest(plan), site.level(plan) + 0.82 * height - CROWN_M
    feet = centre + turned(_square(0.54 * side), turn_rad)
    site.mason.prism(feet, bottom, top, SetPart.WALL, SetPart.TOP, plan)
    for i in range(4):
        p, q = plan[i], plan[(i + 1) % 4]  # plan is clockwise from above: left to right for who stands outside
        _battlements(site, p, q, top, 0.0, number=700 + i)
        for share in (0.08, 0.5, 0.92):
            along = p + share * (q - p)
            _run(site, along - 0.04 * (q - p), along + 0.04 * (q - p), bottom, top - 0.8, (0.55, -0.5), SetPart.WALL,
                 lean=0.5)  # fmt: skip
        for share in (0.29, 0.71):
            along = p + share * (q - p)
            step = 0.35 * (q - p) / side
            _run(site, along - step, along + step, top - 0.34 * height, top - 0.24 * height, (0.34, -0.6), SetPart.WOOD)
    turret = centre + turned(np.array([[0.28 * side, -0.28 * side]]), turn_rad)[0]
    walk = site.level(plan) + 0.9 * height
    site.mason.prism(ring(turret, 0.2 * side, 10), top - 1.0, walk, SetPart.WALL, SetPart.TOP)
    site.mason.cone(turret, 0.24 * side, walk, site.level(plan) + height, 10, SetPart.ROOF)


def _square(half: float) -> Array:
    return np.array([[-half, half], [half, half], [half, -half], [-half, -half]])


def _run(
    site: Site, p: Array, q: Array, bottom: float, top: float, reach: tuple[float, float], part: int,
    *, lean: float = 0.0, hole: Hole | None = None,
) -> None:  # fmt: skip
    """A straight solid from p to q, left to right from outside, `reach` = outer and inner face beyond the line."""
    along = (q - p) / np.linalg.norm(q - p)
    out = np.array([-along[1], along[0]])
    corners = np.empty((2, 2, 2, 3))
    for level, (y, leaning) in enumerate(((bottom, lean), (top, 0.0))):
        for side, end in enumerate((p, q)):
            for face, distance in enumerate((reach[0] + leaning, reach[1])):
                x, z = end + distance * out
                corners[level, side, face] = (x, y, z)
    site.mason.hexahedron(corners, part, SetPart.TOP if part == SetPart.WALL else part, hole)


def _battlements(site: Site, p: Array, q: Array, walk: float, outer: float, *, number: int) -> None:
    """Parapet and merlons along p to q on the outer edge of a wall walk."""
    _run(site, p, q, walk - 0.25, walk + PARAPET_M, (outer + 0.12, outer - 0.5), SetPart.WALL)
    length = float(np.linalg.norm(q - p))
    count = max(1, round(length / (MERLON_M + CRENEL_M)))
    for i in range(count):
        if site.luck(1000 * number + i, "merlon") >= LOST_MERLONS:
            middle, half = (i + 0.5) / count, 0.5 * MERLON_M / (MERLON_M + CRENEL_M) / count
            tall = MERLON_HEIGHT_M * (1 - 0.12 * site.luck(1000 * number + i, "worn"))
            ends = (p + (middle - half) * (q - p), p + (middle + half) * (q - p))
            foot, head = walk + PARAPET_M - 0.05, walk + PARAPET_M + tall
            _run(site, *ends, foot, head, (outer + 0.12, outer - 0.5), SetPart.TOP)


def _talus(site: Site, p: Array, q: Array, bottom: float, outer: float, *, number: int) -> None:
    """Rubble heaped against a wall's foot: an uneven wedge."""
    rise = bottom + site.sink_m + 0.4 + 1.2 * site.luck(number, "rubble")
    heap = 1.2 + 1.6 * site.luck(number, "heap")
    _run(site, p, q, bottom, rise, (outer - 0.3, outer - 0.9), SetPart.GROUND, lean=heap)


def _turned_block(
    site: Site, centre: Array, block: tuple[tuple[float, float], tuple[float, float]], turn: float, y0: float, y1: float,
    part: int,
) -> None:  # fmt: skip
    (x0, z0), (x1, z1) = block
    plan = centre + turned(np.array([[x0, z0], [x0, z1], [x1, z1], [x1, z0]]), turn)
    site.mason.prism(plan, y0, y1, part, part)
