"""Where the members of a crowd stand: every formation is a list of numbered places, each member has its own.

The plan of the ground is (x, z) in metres. Every random number is a hash of (seed, zone, place number, what it is for),
never the next one of a generator; the list does not depend on how many stand, nor on keep-out areas, which only skip
places: so taking one member away, or editing one zone, moves nobody else.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from assets.crowd.shapes import Array, Rail, area_m2, inside, ways
from assets.crowd.slots import column, line, path, phalanx, ring, wedge
from pipeline.errors import AssetError

Ints = npt.NDArray[np.int64]

FORMATIONS = ("phalanx", "line", "column", "wedge", "ring", "path", "loose")
_IN_POLYGON = {"phalanx": phalanx, "line": line, "column": column, "wedge": wedge, "ring": ring}
_DARTS_PER_PLACE = 400  # a loose mob is full when so many throws in a row, per place wanted at the end, all missed
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One body of people: what decides its places.

    polygon_m: (P, 2) corners in plan, metres, either way round; of formation "path" none, but path_m (K, 2). count None:
    as many as fit, or of a loose mob `density` per m2. ranks: see Zone. keep_out: polygons in which nobody is placed.
    """

    zone: str
    formation: str
    polygon_m: Array
    heading_rad: float
    count: int | None
    spacing_m: float
    seed: int
    untidiness: float = 0.1  # of the spacing: how far a member strays from its slot, to each side
    density: float = 0.0
    ranks: int = 0
    path_m: Array = field(default_factory=lambda: np.zeros((0, 2)))
    keep_out: tuple[Array, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where N members stand. numbers (N,): of the place in the formation, ascending; plan (N, 2); headings (N,) radians."""

    numbers: Ints
    plan: Array
    headings: Array


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


def places(body: Body) -> Places:
    """Everyone's place. All lie inside the polygon and outside the keep-out areas.

    phalanx: ranks along the heading, each in the gaps of the one before, the front rank first, from its middle outwards.
    line: `ranks` (1) deep across the heading through the polygon's middle, from there outwards.
    column: `ranks` (COLUMN_FILES) files along the heading through the polygon's middle.
    wedge: the point ahead, each rank one wider; only whole ranks, or it would be no wedge.
    ring: round the polygon's middle, as wide as fits; at most `ranks` rings, the outer one first, evenly all round.
    path: along a way from its beginning, `ranks` (1) abreast.
    loose: no two closer than the spacing, otherwise anyhow (dart throwing: Cook, "Stochastic Sampling in Computer
    Graphics", 1986).

    Raises AssetError for an unknown formation, or when it cannot hold the count at the spacing, saying how many fit.
    """
    if body.formation not in FORMATIONS:
        known = ", ".join(FORMATIONS)
        raise AssetError(f"crowd zone {body.zone}: formation {body.formation!r} is not known. Use one of {known}.")
    if body.formation == "loose":
        plan = _darts(body)
        facing = np.full(len(plan), body.heading_rad)
    else:
        slots, facing = _slots(body)
        plan = _untidy(slots, facing, body)
    numbers = np.flatnonzero(~kept_out(plan, body.keep_out))
    if body.count is not None:
        if len(numbers) < body.count:
            raise AssetError(_too_many(body, len(numbers)))
        numbers = numbers[: body.count]
    return Places(numbers, plan[numbers], facing[numbers])


def kept_out(points: Array, keep_out: tuple[Array, ...]) -> npt.NDArray[np.bool_]:
    """Which points (N, 2) lie in one of the polygons."""
    found = np.zeros(len(points), bool)
    for polygon in keep_out:
        found |= inside(points, polygon)
    return found


def _slots(body: Body) -> tuple[Array, Array]:
    if body.formation == "path":
        return path(body.path_m, body.spacing_m, body.ranks)
    return _IN_POLYGON[body.formation](body.polygon_m, body.heading_rad, body.spacing_m, body.ranks)


def _untidy(slots: Array, facing: Array, body: Body) -> Array:
    """Nobody stands like a ruler: move each off its slot, but not out of the polygon."""
    numbers = np.arange(len(slots))
    stray = body.untidiness * body.spacing_m
    along, across = (2 * chance(body.seed, body.zone, numbers, f"stray {way}") - 1 for way in ("along", "across"))
    moved = slots + stray * (along[:, None] * ways(facing) + across[:, None] * ways(facing + np.pi / 2))
    if not len(body.polygon_m):
        return moved
    return np.where(inside(moved, body.polygon_m)[:, None], moved, slots)


def _darts(body: Body) -> Array:
    """Throw darts; keep each that lands inside and no closer than the spacing to those kept, until enough may stand."""
    low, high = body.polygon_m.min(axis=0), body.polygon_m.max(axis=0)
    wanted = round(body.density * area_m2(body.polygon_m)) if body.count is None else body.count
    keep_out = body.keep_out if body.count is not None else ()  # by density, those in a keep-out area are left out
    cell = body.spacing_m / math.sqrt(2)
    taken: dict[tuple[int, int], tuple[float, float]] = {}
    kept: list[tuple[float, float]] = []
    batch, thrown, limit, standing = 4096, 0, _DARTS_PER_PLACE * max(wanted, 50), 0
    while standing < wanted and thrown < limit:
        numbers = np.arange(thrown, thrown + batch)
        thrown += batch
        share = np.stack([chance(body.seed, body.zone, numbers, f"dart {axis}") for axis in "xz"], axis=1)
        darts = low + share * (high - low)
        darts = darts[inside(darts, body.polygon_m)]
        for (x, z), out in zip(darts, kept_out(darts, keep_out), strict=True):
            if standing == wanted:
                break
            i, j = int(x // cell), int(z // cell)
            if not _crowded(taken, i, j, x, z, body.spacing_m):
                taken[i, j] = (x, z)
                kept.append((x, z))
                standing += not out
    return np.array(kept).reshape(-1, 2)


def _crowded(taken: dict[tuple[int, int], tuple[float, float]], i: int, j: int, x: float, z: float, gap: float) -> bool:
    for di in range(-2, 3):
        for dj in range(-2, 3):
            near = taken.get((i + di, j + dj))
            if near is not None and (near[0] - x) ** 2 + (near[1] - z) ** 2 < gap * gap:
                return True
    return False


def _too_many(body: Body, fits: int) -> str:
    along = body.formation == "path"
    room = (
        f"path of {Rail.along(body.path_m, 0).length_m:.0f} m"
        if along
        else f"polygon of {area_m2(body.polygon_m):.0f} m2"
    )
    but = ", less its keep-out areas," if body.keep_out else ""
    cure = "Lengthen the path" if along else "Enlarge the polygon"
    return (
        f"crowd zone {body.zone}: its {room}{but} holds {fits} people at {body.spacing_m:g} m in formation "
        f"{body.formation}, the brief asks for {body.count}. {cure}, or lower count or spacing_m."
    )


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
