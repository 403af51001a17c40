"""Where the members of a crowd stand: phalanx, column and loose mob inside a polygon, each number its own place.

The plan of the ground is (x, z) in metres. A heading turns about Y: 0 faces +Z, pi/2 faces +X. Every random number is
a hash of (seed, zone, number, what it is for), never the next one of a generator: so taking one member away, or editing
one zone, moves nobody else.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.errors import AssetError

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FORMATIONS = ("phalanx", "column", "loose")
COLUMN_FILES = 4  # a marching column, as on a Roman road
SHORT_RANK = 0.6  # a rank shorter than this share of the longest is filled last: it is a corner, not a rank
_DARTS_PER_PLACE = 400  # a loose mob is full when so many throws in a row, per place wanted at the end, all missed
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One body of people: what decides its places. polygon_m: (P, 2) corners in plan, metres, either way round."""

    zone: str
    formation: str
    polygon_m: Array
    heading_rad: float
    count: int
    spacing_m: float
    seed: int
    untidiness: float = 0.1  # of the spacing: how far a member strays from its slot, to each side


def chance(seed: int, zone: str, numbers: npt.ArrayLike, what: str) -> Array:
    """Uniform numbers in [0, 1), one per member number: a hash of (seed, zone, number, what), SplitMix64.

    Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    """
    word = np.array(zlib.crc32(f"{zone}\0{what}".encode()), np.uint64)
    with np.errstate(over="ignore"):
        state = _mix(np.asarray(numbers).astype(np.uint64) + _GOLDEN * (word + np.uint64(1)))
        state = _mix(state ^ _mix(np.array(seed % 2**64, np.uint64) * _GOLDEN + word))
    return np.asarray((state >> np.uint64(11)).astype(np.float64) / 2.0**53)


def gauss(seed: int, zone: str, numbers: npt.ArrayLike, what: str) -> Array:
    """Standard normal numbers, one per member number, cut at about 3.5; by Box and Muller, 1958."""
    radius = np.sqrt(-2 * np.log(np.maximum(chance(seed, zone, numbers, what + " radius"), 2e-3)))
    return np.asarray(radius * np.cos(2 * np.pi * chance(seed, zone, numbers, what + " turn")))


def places(body: Body) -> Array:
    """(count, 2) places in plan, metres; row i is member number i. All lie inside the polygon.

    phalanx: ranks along the heading, each in the gaps of the one before, the front rank first, from its middle outwards.
    column: COLUMN_FILES files along the heading through the polygon's middle.
    loose: no two closer than the spacing, otherwise anyhow (dart throwing: Cook, "Stochastic Sampling in Computer
    Graphics", 1986).

    Raises AssetError when the polygon cannot hold the count at the spacing, saying how many fit.
    """
    if body.formation not in FORMATIONS:
        known = ", ".join(FORMATIONS)
        raise AssetError(f"crowd zone {body.zone}: formation {body.formation!r} is not known. Use one of {known}.")
    if body.formation == "loose":
        found = _darts(body)
    else:
        slots = _ranks(body)[: body.count]
        found = _untidy(slots, body) if len(slots) == body.count else slots
    if len(found) < body.count:
        raise AssetError(
            f"crowd zone {body.zone}: its polygon of {area_m2(body.polygon_m):.0f} m2 holds {len(found)} people at "
            f"{body.spacing_m:g} m in formation {body.formation}, the brief asks for {body.count}. "
            "Enlarge the polygon, or lower count or spacing_m."
        )
    return found


def inside(points: Array, polygon: Array) -> npt.NDArray[np.bool_]:
    """Which points (N, 2) lie in the polygon (P, 2), by the even-odd rule."""
    x, y = points[:, 0, None], points[:, 1, None]
    (ax, ay), (bx, by) = polygon.T, np.roll(polygon, -1, axis=0).T
    straddles = (ay > y) != (by > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crosses = straddles & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return np.asarray(crosses.sum(axis=1) % 2 == 1)


def area_m2(polygon: Array) -> float:
    """The polygon's area."""
    (ax, ay), (bx, by) = polygon.T, np.roll(polygon, -1, axis=0).T
    return abs(float((ax * by - bx * ay).sum())) / 2


def middle(polygon: Array) -> Array:
    """(2,) the polygon's centre of area; of a polygon without area, the mean of its corners."""
    (ax, ay), (bx, by) = polygon.T, np.roll(polygon, -1, axis=0).T
    cross = ax * by - bx * ay
    if abs(cross.sum()) < 1e-9:
        return np.asarray(polygon.mean(axis=0))
    return np.array([((ax + bx) * cross).sum(), ((ay + by) * cross).sum()]) / (3 * cross.sum())


def long_axis(polygon: Array) -> Array:
    """(2,) unit vector in plan along which the polygon is longest, by the second moments of its area."""
    centred = polygon - middle(polygon)
    (ax, ay), (bx, by) = centred.T, np.roll(centred, -1, axis=0).T
    cross = ax * by - bx * ay
    xx, yy = (cross * (ax * ax + ax * bx + bx * bx)).sum() / 12, (cross * (ay * ay + ay * by + by * by)).sum() / 12
    xy = (cross * (ax * by + 2 * ax * ay + 2 * bx * by + bx * ay)).sum() / 24
    moments = np.array([[xx, xy], [xy, yy]]) * np.sign(cross.sum() or 1.0)
    return np.asarray(np.linalg.eigh(moments)[1][:, 1])


def axes(heading_rad: float) -> tuple[Array, Array]:
    """Unit vectors in plan: along the heading, and to the left of who faces that way."""
    ahead = np.array([math.sin(heading_rad), math.cos(heading_rad)])
    return ahead, np.array([ahead[1], -ahead[0]])


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _ranks(body: Body) -> Array:
    """Every slot of the lattice inside the polygon, in the order in which slots are filled."""
    ahead, left = axes(body.heading_rad)
    along, across = body.polygon_m @ ahead, body.polygon_m @ left
    step = body.spacing_m
    ranks = along.max() - step * (0.5 + np.arange(int((along.max() - along.min()) / step) + 1))
    if body.formation == "column":
        centre, stagger = float(middle(body.polygon_m) @ left), 0.0
        files = step * (np.arange(COLUMN_FILES) - (COLUMN_FILES - 1) / 2)
    else:
        # Quincunx: each rank stands in the gaps of the one before it.
        centre, stagger = (across.max() + across.min()) / 2, step / 2
        side = int((across.max() - across.min()) / step / 2) + 1
        files = step * np.arange(-side, side + 1)
    rank, file = (grid.ravel() for grid in np.meshgrid(np.arange(len(ranks)), np.arange(len(files)), indexing="ij"))
    beside = files[file] + stagger * (rank % 2)
    slots = ranks[rank, None] * ahead + (centre + beside)[:, None] * left
    held = inside(slots, body.polygon_m)
    rank, slots, off_centre = rank[held], slots[held], np.abs(beside[held])
    width = np.bincount(rank, minlength=len(ranks))[rank]
    short = width < SHORT_RANK * width.max() if len(width) else width > 0
    return slots[np.lexsort((np.round(off_centre / step, 3), rank, short))]


def _untidy(slots: Array, body: Body) -> Array:
    """Nobody stands like a ruler: move each off its slot, but not out of the polygon."""
    numbers = np.arange(len(slots))
    ahead, left = axes(body.heading_rad)
    stray = body.untidiness * body.spacing_m
    along, across = (2 * chance(body.seed, body.zone, numbers, f"stray {way}") - 1 for way in ("along", "across"))
    moved = slots + stray * (along[:, None] * ahead + across[:, None] * left)
    return np.where(inside(moved, body.polygon_m)[:, None], moved, slots)


def _darts(body: Body) -> Array:
    """Throw darts; keep each that lands inside and no closer than the spacing to those kept."""
    low, high = body.polygon_m.min(axis=0), body.polygon_m.max(axis=0)
    cell = body.spacing_m / math.sqrt(2)
    taken: dict[tuple[int, int], tuple[float, float]] = {}
    kept: list[tuple[float, float]] = []
    batch, thrown, limit = 4096, 0, _DARTS_PER_PLACE * max(body.count, 50)
    while len(kept) < body.count and thrown < limit:
        numbers = np.arange(thrown, thrown + batch)
        thrown += batch
        share = np.stack([chance(body.seed, body.zone, numbers, f"dart {axis}") for axis in "xz"], axis=1)
        darts = low + share * (high - low)
        for x, z in darts[inside(darts, body.polygon_m)]:
            if len(kept) == body.count:
                break
            i, j = int(x // cell), int(z // cell)
            if not _crowded(taken, i, j, x, z, body.spacing_m):
                taken[i, j] = (x, z)
                kept.append((x, z))
    return np.array(kept).reshape(-1, 2)


def _crowded(taken: dict[tuple[int, int], tuple[float, float]], i: int, j: int, x: float, z: float, gap: float) -> bool:
    for di in range(-2, 3):
        for dj in range(-2, 3):
            near = taken.get((i + di, j + dj))
            if near is not None and (near[0] - x) ** 2 + (near[1] - z) ** 2 < gap * gap:
                return True
    return False
