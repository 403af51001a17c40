"""The tidy places of each formation, in the order in which they are filled; none depends on how many are wanted.

Every function takes a polygon (P, 2) or a path (K, 2) in plan, metres, and the step between neighbours, and returns places
(S, 2) and the headings (S,) that they face of themselves.
"""

from __future__ import annotations

import numpy as np

from assets.crowd.shapes import Array, Rail, axes, edge_distance, inside, middle, ways

Slots = tuple[Array, Array]
COLUMN_FILES = 4  # a marching column, as on a Roman road
SHORT_RANK = 0.6  # a rank shorter than this share of the longest is filled last: it is a corner, not a rank
ROUND_M = 1.5  # a file turns a corner of its path over so much way, and over its own width


def phalanx(polygon: Array, heading_rad: float, step: float, depth: int = 0) -> Slots:
    """Ranks across the heading, each in the gaps of the one before (quincunx), the front rank first, from its middle.

    depth: at most so many ranks; 0: as many as the polygon holds.
    """
    across = polygon @ axes(heading_rad)[1]
    side = int((across.max() - across.min()) / step / 2) + 1
    files = np.asarray(step * np.arange(-side, side + 1), np.float64)
    return _lattice(polygon, heading_rad, step, (across.max() + across.min()) / 2, files, step / 2, depth)


def column(polygon: Array, heading_rad: float, step: float, depth: int = 0) -> Slots:
    """`depth` (COLUMN_FILES) files along the heading through the polygon's middle, the first rank in front."""
    wide = depth or COLUMN_FILES
    files = np.asarray(step * (np.arange(wide) - (wide - 1) / 2), np.float64)
    return _lattice(polygon, heading_rad, step, float(middle(polygon) @ axes(heading_rad)[1]), files, 0.0, 0)


def line(polygon: Array, heading_rad: float, step: float, depth: int = 0) -> Slots:
    """`depth` (1) ranks across the heading through the polygon's middle, filled file by file from there outwards."""
    ahead, left = axes(heading_rad)
    across, centre, deep = polygon @ left, middle(polygon), depth or 1
    side = int((across.max() - across.min()) / step) + 1
    file, rank = (grid.ravel() for grid in np.meshgrid(np.arange(-side, side + 1), np.arange(deep), indexing="ij"))
    beside = step * (file + 0.5 * (rank % 2))
    slots = centre + beside[:, None] * left + step * ((deep - 1) / 2 - rank)[:, None] * ahead
    held = inside(slots, polygon)
    return _facing(slots[held][np.lexsort((rank[held], file[held] < 0, np.abs(file[held])))], heading_rad)


def wedge(polygon: Array, heading_rad: float, step: float, depth: int = 0) -> Slots:
    """The point ahead, each rank one wider than the one before; ends before the first rank that leaves the polygon."""
    ahead, left = axes(heading_rad)
    centre = middle(polygon) @ left
    tip = _last_along(polygon, ahead, left, float(centre)) - step / 2
    ranks: list[Array] = []
    while not depth or len(ranks) < depth:
        wide = len(ranks) + 1
        beside = step * (np.arange(wide) - (wide - 1) / 2)
        beside = beside[np.argsort(np.abs(beside), kind="stable")]
        rank = (tip - len(ranks) * step * 3**0.5 / 2) * ahead + (centre + beside)[:, None] * left
        if not inside(rank, polygon).all():
            break
        ranks.append(rank)
    return _facing(np.concatenate([np.zeros((0, 2)), *ranks]), heading_rad)


def ring(polygon: Array, heading_rad: float, step: float, depth: int = 0) -> Slots:
    """Rings round the polygon's middle, looking inwards, the outer one first; at most `depth`, 0: as many as fit.

    Each ring is filled by halves, quarters, eighths, so any count of people stands all round.
    """
    centre = middle(polygon)
    radius = edge_distance(centre, polygon) - step / 4 if inside(centre[None], polygon)[0] else 0.0
    plans, turns = [np.zeros((0, 2))], [np.zeros(0)]
    while radius > step / 2 and (not depth or len(plans) <= depth):
        around = max(int(np.pi / np.arcsin(min(1.0, step / 2 / radius))), 1)
        turn = heading_rad + 2 * np.pi * _spread(around) / around
        plans.append(centre + radius * ways(turn))
        turns.append(turn + np.pi)
        radius -= step
    return np.concatenate(plans), np.concatenate(turns)


def path(path_m: Array, step: float, depth: int = 0) -> Slots:
    """Along a path from its beginning, `depth` (1) abreast, facing along it."""
    wide = depth or 1
    rail = Rail.along(path_m, max(ROUND_M, wide * step))
    ranks = np.arange(int(rail.length_m / step + 1e-9) + 1) * step
    points, turned = rail.at(np.repeat(ranks, wide))
    beside = np.tile(step * (np.arange(wide) - (wide - 1) / 2), len(ranks))
    return points + beside[:, None] * ways(turned + np.pi / 2), turned


def _lattice(
    polygon: Array, heading_rad: float, step: float, centre: float, files: Array, stagger: float, depth: int
) -> Slots:
    """Every place of ranks and files inside the polygon, rank by rank, each from its middle outwards."""
    ahead, left = axes(heading_rad)
    along = polygon @ ahead
    ranks = along.max() - step * (0.5 + np.arange(int((along.max() - along.min()) / step) + 1))
    rank, file = (grid.ravel() for grid in np.meshgrid(np.arange(len(ranks)), np.arange(len(files)), indexing="ij"))
    beside = files[file] + stagger * (rank % 2)
    slots = ranks[rank, None] * ahead + (centre + beside)[:, None] * left
    held = inside(slots, polygon)
    if depth and held.any():
        held &= rank < rank[held].min() + depth
    rank, slots, off_centre = rank[held], slots[held], np.abs(beside[held])
    width = np.bincount(rank, minlength=len(ranks))[rank]
    short = width < SHORT_RANK * width.max() if len(width) else width > 0
    return _facing(slots[np.lexsort((np.round(off_centre / step, 3), rank, short))], heading_rad)


def _facing(slots: Array, heading_rad: float) -> Slots:
    return slots, np.full(len(slots), heading_rad)


def _last_along(polygon: Array, ahead: Array, left: Array, beside: float) -> float:
    """How far along the heading the polygon reaches on the line that lies `beside` to the left."""
    a, b = polygon, np.roll(polygon, -1, axis=0)
    u, v = a @ left - beside, b @ left - beside
    crossed = (u > 0) != (v > 0)
    share = (u / np.where(crossed, u - v, 1))[crossed]
    met = (a @ ahead)[crossed] + share * ((b - a) @ ahead)[crossed]
    return float(met.max()) if len(met) else float((polygon @ ahead).max())


def _spread(around: int) -> Array:
    """0 .. around - 1 in an order whose every beginning is spread evenly round a circle: halves, quarters, eighths.

    Source: van der Corput, "Verteilungsfunktionen", Proc. Akad. Amsterdam 1935.
    """
    bits = around.bit_length() - 1
    coarse = np.arange(around) * 2**bits // around
    again = np.diff(coarse, prepend=-1) == 0
    mirrored = sum(((coarse >> bit) & 1) << (bits - 1 - bit) for bit in range(bits)) + np.zeros(around)
    return np.lexsort((mirrored, again)).astype(np.float64)
