"""Footfalls to puffs: how dust rises, spreads, drifts, thins and shades itself; far ones gathered into fewer."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from assets.crowd.formations import chance
from assets.dust.footfalls import Footfalls

Array = npt.NDArray[np.float64]
LIFE_S = 4.2  # of the longest-lived
FULL_MPS = 5.0  # the speed whose steps are the measure
MASS_M2 = 0.13  # extinction, summed over its volume, that such a step raises from a dry field
POWER = 1.5  # of the speed
FASTEST = 1.6  # times FULL_MPS: beyond, a step raises no more
RISE_S, KICK_S, GROW_S = 0.8, 0.4, 0.3  # times over which it rises, is thrown back, bursts
APPEARS_S = 0.2
CELL_M = 1.0  # of the columns in which dust shades dust
LOWEST_SUN = 0.25  # sine of its height under which shade grows no longer
SINGLE_M = 40.0  # nearer to the camera each puff stands alone
CELLS = 60.0  # of the distance: how far apart gathered puffs stand


@dataclass(frozen=True, slots=True, eq=False)
class Puffs:
    """N flat Gaussians in the world. middles: (N, 3) metres; wide_m, high_m: (N,) standard deviations across and upwards; masses:
    (N,) m2, extinction (1/m) summed over the volume; lit: (N,) share of the sun that reaches it."""

    middles: Array
    wide_m: Array
    high_m: Array
    masses: Array
    lit: Array


def puffs_of(fallen: Footfalls, ids: npt.NDArray[np.int64], amounts: Array, wind_mps: tuple[float, float]) -> Puffs:
    """A puff for each footfall. ids, amounts: (people,) of the layout; wind_mps: x, z.

    A step raises dust by the power POWER of its speed. It bursts, is thrown back and up, goes with the wind and thins until it
    is gone. How much, where to and how long differs by person and step alone: a person who is moved takes only his own.
    """
    age, way = fallen.ages_s, fallen.ways
    quick = np.clip(np.linalg.norm(way, axis=1) / FULL_MPS, 0, FASTEST)
    numbers = (ids[fallen.agents] << 24) + fallen.steps + (1 << 20)
    draw = {what: chance(11, "dust", numbers, what) for what in ("mass", "life", "size", "turn", "throw", "rise")}
    life = LIFE_S * (0.55 + 0.45 * draw["life"])
    left = np.clip(1 - age / life, 0, 1) ** 2 * _smooth(age / APPEARS_S)
    burst = (0.5 + 0.5 * quick) * (0.75 + 0.5 * draw["size"])
    wide = np.hypot(0.2, burst * (0.32 * _grown(age, GROW_S) + 0.14 * age))
    up = 0.08 + (0.15 + 0.4 * burst * (0.6 + 0.8 * draw["rise"])) * _grown(age, RISE_S)
    turn, reach = 2 * np.pi * draw["turn"], 0.25 * burst * draw["throw"] * _grown(age, KICK_S)
    thrown = reach[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1) - 0.08 * _grown(age, KICK_S)[:, None] * way
    blown = (age - GROW_S * _grown(age, GROW_S))[:, None] * np.array(wind_mps)  # the air at the ground is slower
    plan = thrown + blown
    middles = fallen.places + np.stack([plan[:, 0], up, plan[:, 1]], axis=1)
    masses = MASS_M2 * amounts[fallen.agents] * quick**POWER * (0.5 + draw["mass"]) * left
    some = masses > 0
    return Puffs(middles[some], wide[some], 0.6 * wide[some], masses[some], np.ones(int(some.sum())))


def shaded(puffs: Puffs, to_sun: Array) -> Puffs:
    """The same with the sun's share that other dust leaves: each lies in the middle of the column of dust over its ground."""
    if not len(puffs.masses):
        return puffs
    keys, shares = _corners(puffs.middles, CELL_M)
    columns, back = np.unique(keys.reshape(-1), return_inverse=True)
    back = back.reshape(keys.shape)
    over = np.bincount(back.reshape(-1), (shares * puffs.masses).reshape(-1), len(columns)) / CELL_M**2
    depth = (shares * over[back]).sum(axis=0) / max(float(to_sun[1]), LOWEST_SUN)
    return replace(puffs, lit=np.exp(-0.5 * depth))


def gathered(puffs: Puffs, camera: Array) -> Puffs:
    """Fewer puffs that look the same: far ones are summed into cells that grow with their distance from `camera` (3,).

    A puff gives itself to the four nearest cells, and to two sizes of cell, by how near it is to each: as it drifts, or the
    camera moves, its shares change gradually, so that nothing pops. Each cell keeps mass, middle and spread of what it got.
    """
    far = np.log2(np.maximum(np.linalg.norm(puffs.middles - camera, axis=1) / SINGLE_M, 1e-3))
    parts = [_share(puffs, np.clip(1 - far, 0, 1))]
    for level in range(1, int(np.ceil(max(far.max(initial=0), 0))) + 1):
        mine = _share(puffs, np.clip(1 - np.abs(far - level), 0, 1))
        parts.append(_summed(mine, SINGLE_M * 2.0**level / CELLS))
    return Puffs(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Puffs)}
    )


def _share(puffs: Puffs, shares: Array) -> Puffs:
    some = shares > 0
    found = Puffs(**{field.name: getattr(puffs, field.name)[some] for field in fields(Puffs)})
    return replace(found, masses=found.masses * shares[some])


def _summed(puffs: Puffs, cell_m: float) -> Puffs:
    if not len(puffs.masses):
        return puffs
    keys, shares = _corners(puffs.middles, cell_m)
    cells, back = np.unique(keys.reshape(-1), return_inverse=True)
    weights = (shares * puffs.masses).reshape(-1)
    whole: Array = np.bincount(back, weights, len(cells)).astype(np.float64)

    def mean(values: Array) -> Array:
        """(cells,) of values (N,) by what each gives."""
        return np.bincount(back, weights * np.tile(values, 4), len(cells)) / whole

    middles = np.stack([mean(axis) for axis in puffs.middles.T], axis=1)
    x, y, z = (mean(axis**2) - middles[:, k] ** 2 for k, axis in enumerate(puffs.middles.T))
    wide = np.sqrt(mean(puffs.wide_m**2) + np.maximum(x + z, 0) / 2)
    high = np.sqrt(mean(puffs.high_m**2) + np.maximum(y, 0))
    return Puffs(middles, wide, high, whole, mean(puffs.lit))


def _corners(middles: Array, cell_m: float) -> tuple[npt.NDArray[np.int64], Array]:
    """(4, N) the cells around each middle and the share that each gets, together 1."""
    at = middles[:, [0, 2]] / cell_m
    low = np.floor(at)
    beyond = at - low
    corners = [(i, j) for i in (0, 1) for j in (0, 1)]
    keys = np.stack([((low[:, 0] + i).astype(np.int64) << 32) + (low[:, 1] + j).astype(np.int64) for i, j in corners])
    shares = np.stack([np.abs(1 - i - beyond[:, 0]) * np.abs(1 - j - beyond[:, 1]) for i, j in corners])
    return keys, np.maximum(shares, 1e-12)


def _grown(age: Array, within_s: float) -> Array:
    """From 0 to 1, fast at first."""
    return np.asarray(1 - np.exp(-age / within_s))


def _smooth(share: Array) -> Array:
    held = np.clip(share, 0, 1)
    return np.asarray(held * held * (3 - 2 * held))
