"""The members of one body of people: who each is, and where and at which moment of its step on every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.formations import Body, axes, chance, gauss, places
from assets.motions import load_motion
from pipeline.errors import AssetError
from pipeline.types import Zone

Array = npt.NDArray[np.float64]
ID_BLOCK = 100_000  # ids of zone k, counted from 1, are k * ID_BLOCK + 1, 2, ...: another zone's size changes none
SWAY_PERIOD_S = 5.0


@dataclass(frozen=True, slots=True)
class Variety:
    """How much members of a body differ. Spreads are standard deviations, cut at 3.5, unless another word is used."""

    untidiness: float = 0.1  # of the spacing: how far, at most, a member of a phalanx or column strays from its slot
    facing_spread_deg: float = 3.0  # in ranks; a loose mob five times as much
    size_spread: float = 0.02  # of body height; 6% at most
    step_spread: float = 0.16  # cycles between those who march in ranks; a loose mob is out of step altogether
    pace_spread: float = 0.05  # of the speed, in a loose mob; ranks keep theirs
    sway_m: float = 0.05  # how far a marcher falls behind and catches up

    def __post_init__(self) -> None:
        for name, most in (("untidiness", 0.45), ("size_spread", 0.2), ("pace_spread", 0.25), ("sway_m", 0.5)):
            if not 0 <= getattr(self, name) <= most:
                raise AssetError(f"crowd: {name} is {getattr(self, name)}, must be 0 to {most:g}. Change it.")
        if not 0 <= self.facing_spread_deg <= 180 or not 0 <= self.step_spread <= 1:
            raise AssetError("crowd: facing_spread_deg must be 0 to 180 and step_spread 0 to 1. Change them.")


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """N members. starts (N, 2): x, z on the first frame; yaws (N,) radians; scales (N,) of body height; seeds (N,)."""

    starts: Array
    characters: list[str]
    yaws: Array
    scales: Array
    seeds: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """plan (F, N, 2) x, z metres; yaws (F, N) radians; phases (F, N) cycles in [0, 1)."""

    plan: Array
    yaws: Array
    phases: Array


def muster(zone: Zone, polygon_m: Array, heading_rad: float, seed: int, variety: Variety) -> Members:
    """Call up a zone's members. Raises AssetError when they do not fit or their characters have no weight."""
    numbers = np.arange(zone.count)
    body = Body(zone.name, zone.formation, polygon_m, heading_rad, zone.count, zone.spacing_m, seed, variety.untidiness)
    spread = np.radians(variety.facing_spread_deg) * (5 if zone.formation == "loose" else 1)
    sizes = np.clip(variety.size_spread * gauss(seed, zone.name, numbers, "size"), -0.06, 0.06)
    return Members(
        starts=places(body),
        characters=_cast(zone, seed, numbers),
        yaws=heading_rad + spread * gauss(seed, zone.name, numbers, "facing"),
        scales=1 + sizes,
        seeds=(chance(seed, zone.name, numbers, "member") * 2**31).astype(np.int64),
    )


def travel(zone: Zone, members: Members, times_s: Array, heading_rad: float, seed: int, variety: Variety) -> Travel:
    """Where members are at `times_s` (F,), seconds since the first frame.

    A moving member's phase is the distance that it has gone over its own stride, so a planted foot stays put whatever
    the speed. Raises AssetError for a motion that cannot move at the zone's speed.
    """
    numbers, loose = np.arange(zone.count), zone.formation == "loose"
    motion = load_motion(zone.motion)
    if zone.speed_mps > 0 and motion.speed_mps == 0:
        raise AssetError(
            f"crowd zone {zone.name}: motion {zone.motion!r} stays on the spot, speed_mps {zone.speed_mps:g} would slide. "
            'Write motion = "march", or speed_mps = 0.'
        )
    start = chance(seed, zone.name, numbers, "phase")
    yaws = np.broadcast_to(members.yaws, (len(times_s), zone.count))
    still = np.broadcast_to(members.starts, (len(times_s), zone.count, 2))
    if motion.speed_mps == 0:
        pace = 1 + 0.12 * (2 * chance(seed, zone.name, numbers, "pace") - 1)
        return Travel(still, yaws, _cycles(start + times_s[:, None] / motion.cycle_s * pace))
    speed = zone.speed_mps or motion.speed_mps
    if not loose:
        start = variety.step_spread * gauss(seed, zone.name, numbers, "phase")
    paces = speed * (1 + variety.pace_spread * gauss(seed, zone.name, numbers, "pace")) if loose else speed
    turn = 2 * np.pi * chance(seed, zone.name, numbers, "sway")
    sway = min(variety.sway_m, 0.3 * speed * SWAY_PERIOD_S / (2 * np.pi))  # never enough to walk backwards
    swung = sway * (np.sin(2 * np.pi * times_s[:, None] / SWAY_PERIOD_S + turn) - np.sin(turn))
    gone = paces * times_s[:, None] + swung
    # Ranks go where the body goes; in a mob everyone follows his own nose.
    ways = np.stack([np.sin(members.yaws), np.cos(members.yaws)], axis=-1) if loose else axes(heading_rad)[0]
    stride = motion.speed_mps * motion.cycle_s * members.scales
    return Travel(still + gone[..., None] * ways, yaws, _cycles(start + gone / stride))


def _cycles(phases: Array) -> Array:
    """Into [0, 1), also after the rounding to float32 that files bring."""
    wrapped = (phases % 1.0).astype(np.float32)
    return np.where(wrapped >= 1, 0, wrapped).astype(np.float64)


def _cast(zone: Zone, seed: int, numbers: npt.NDArray[np.int64]) -> list[str]:
    names, weights = list(zone.characters), np.array(list(zone.characters.values()), np.float64)
    if not len(names) or not (weights >= 0).all() or not weights.sum() > 0:
        raise AssetError(
            f"crowd zone {zone.name}: the weights of its characters add up to 0. Give one a weight above 0."
        )
    edges = np.cumsum(weights) / weights.sum()
    drawn = np.searchsorted(edges, chance(seed, zone.name, numbers, "character"), side="right")
    return [names[i] for i in np.minimum(drawn, len(names) - 1)]
