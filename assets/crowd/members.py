"""The members of one body of people: who each is, where it stands, how it faces, what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from assets.crowd.formations import Body, chance, gauss, places
from assets.crowd.shapes import Array, headings, middle
from pipeline.crowd_sections import Override, Zone
from pipeline.errors import AssetError

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
ID_BLOCK = 100_000  # ids of zone k, counted from 1, are k * ID_BLOCK + 1, 2, ...: another zone's size changes none
SPACING_M = 1.1
CLOSEST_M = 0.45  # shoulder to shoulder
OWN_NOSE = ("loose", "ring")  # formations whose members go where they look; ranks go where the body goes


@dataclass(frozen=True, slots=True)
class Variety:
    """How much members of a body differ. Spreads are standard deviations, cut at 3.5, unless another word is used."""

    untidiness: float = 0.1  # of the spacing: how far, at most, a member of a formation strays from its slot
    facing_spread_deg: float = 3.0  # in ranks; a loose mob five times as much
    size_spread: float = 0.02  # of body height; 6% at most
    step_spread: float = 0.16  # cycles between those who march in ranks; a loose mob is out of step altogether
    pace_spread: float = 0.05  # of the speed, in a loose mob; ranks keep theirs
    sway_m: float = 0.05  # how far a marcher falls behind and catches up
    late_s: float = 0.3  # how late, at most, one follows a cue

    def __post_init__(self) -> None:
        limits = (("untidiness", 0.45), ("size_spread", 0.2), ("pace_spread", 0.25), ("sway_m", 0.5), ("late_s", 5.0))
        for name, most in limits:
            if not 0 <= getattr(self, name) <= most:
                raise AssetError(f"crowd: {name} is {getattr(self, name)}, must be 0 to {most:g}. Change it.")
        if not 0 <= self.facing_spread_deg <= 180 or not 0 <= self.step_spread <= 1:
            raise AssetError("crowd: facing_spread_deg must be 0 to 180 and step_spread 0 to 1. Change them.")


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A zone's words on the ground, plan metres: polygon (P, 2), path (K, 2), either may be empty; the body's heading,
    radians; the first frame's camera (2,); keep-out polygons; where a ripple starts (2,)."""

    polygon_m: Array
    heading_rad: float
    camera_m: Array
    path_m: Array = field(default_factory=lambda: np.zeros((0, 2)))
    keep_out: tuple[Array, ...] = ()
    ripple_m: Array | None = None
    start_s: float = 0.0  # from the shot's first frame to the zone's start_frame

    @property
    def outline_m(self) -> Array:
        """(P, 2): what a wave enters."""
        return self.polygon_m if len(self.polygon_m) else self.path_m


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """N members. numbers (N,) of their places, from 0; starts (N, 2): x, z when they begin; yaws (N,) radians; scales
    (N,) of body height; seeds (N,); moved (N, 2): by hand, on top; own_way (N,): go where they look, whatever the body
    does."""

    numbers: Ints
    starts: Array
    characters: list[str]
    motions: list[str]
    yaws: Array
    scales: Array
    seeds: Ints
    moved: Array
    own_way: Flags


def muster(zone: Zone, site: Site, seed: int, variety: Variety) -> Members:
    """Call up a zone's members. Raises AssetError when they do not fit or their characters have no weight."""
    body = Body(
        zone.name,
        zone.formation,
        site.polygon_m,
        site.heading_rad,
        zone.count,
        spacing_of(zone),
        seed,
        variety.untidiness,
        density=zone.density or 0.0,
        ranks=zone.ranks,
        path_m=site.path_m,
        keep_out=site.keep_out,
    )
    found = places(body)
    numbers = found.numbers
    loose = zone.formation == "loose"
    spread = np.radians(variety.facing_spread_deg) * (5 if loose else 1)
    sizes = np.clip(variety.size_spread * gauss(seed, zone.name, numbers, "size"), -0.06, 0.06)
    return Members(
        numbers=numbers,
        starts=found.plan,
        characters=_drawn(zone, "character", zone.characters, seed, numbers),
        motions=_drawn(zone, "motion", zone.weights, seed, numbers),
        yaws=_faced(zone, site, found.plan, found.headings) + spread * gauss(seed, zone.name, numbers, "facing"),
        scales=1 + sizes,
        seeds=(chance(seed, zone.name, numbers, "member") * 2**31).astype(np.int64),
        moved=np.zeros((len(numbers), 2)),
        own_way=np.full(len(numbers), zone.formation in OWN_NOSE and not len(site.path_m)),
    )


def spacing_of(zone: Zone) -> float:
    """Metres between neighbours: as told, or as the density needs it: a mob thrown at random fills less closely."""
    if zone.spacing_m is not None:
        return zone.spacing_m
    if zone.density is None:
        return SPACING_M
    if zone.formation == "loose":
        return min(SPACING_M, (0.6 / zone.density) ** 0.5)
    return float(zone.density**-0.5)


def overridden(members: Members, changes: Mapping[int, Override]) -> Members:
    """Members with the changes of some, by their place's number; nobody else's anything is touched."""
    rows = {int(number): row for row, number in enumerate(members.numbers)}
    characters, motions = list(members.characters), list(members.motions)
    yaws, scales, moved = (a.copy() for a in (members.yaws, members.scales, members.moved))
    own = members.own_way.copy()
    stay = np.ones(len(members.numbers), bool)
    for number, change in changes.items():
        row = rows[number]
        stay[row] = not change.remove
        moved[row] = change.move_m
        characters[row] = change.character or characters[row]
        motions[row] = change.motion or motions[row]
        if change.facing_deg is not None:
            yaws[row], own[row] = np.radians(change.facing_deg), True
        if change.scale is not None:
            scales[row] = change.scale
    return replace(
        members,
        numbers=members.numbers[stay],
        starts=members.starts[stay],
        characters=[name for name, kept in zip(characters, stay, strict=True) if kept],
        motions=[name for name, kept in zip(motions, stay, strict=True) if kept],
        yaws=yaws[stay],
        scales=scales[stay],
        seeds=members.seeds[stay],
        moved=moved[stay],
        own_way=own[stay],
    )


def _faced(zone: Zone, site: Site, plan: Array, natural: Array) -> Array:
    """(N,) headings before anyone's own spread."""
    if zone.facing_deg is not None:
        return np.full(len(plan), site.heading_rad)
    if zone.facing in ("centre", "outward"):
        towards = middle(site.outline_m) - plan
        return headings(towards if zone.facing == "centre" else -towards)
    if zone.facing == "camera" and zone.formation in ("loose", "ring", "path"):
        return headings(site.camera_m - plan)
    return natural


def _drawn(zone: Zone, what: str, weights: Mapping[str, float], seed: int, numbers: Ints) -> list[str]:
    """Each member's name, drawn by weight."""
    names, shares = list(weights), np.array(list(weights.values()), np.float64)
    if not len(names) or not (shares >= 0).all() or not shares.sum() > 0:
        raise AssetError(f"crowd zone {zone.name}: the weights of its {what}s add up to 0. Give one a weight above 0.")
    if len(names) == 1:
        return names * len(numbers)
    edges = np.cumsum(shares) / shares.sum()
    drawn = np.searchsorted(edges, chance(seed, zone.name, numbers, what), side="right")
    return [names[i] for i in np.minimum(drawn, len(names) - 1)]
