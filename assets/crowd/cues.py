"""When each member of a body begins: on a frame, with a wave, a ripple, or by chance; and at which moment of its step."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from assets.crowd.formations import chance
from assets.crowd.shapes import Array, ways
from assets.motion.blending import transition
from assets.motion.motions import load_motion
from assets.sprites.atlas import HELD, loops
from pipeline.crowd_sections import Zone
from pipeline.errors import AssetError

FASTEST_MPS2 = 2.5  # nobody starts to walk or run more briskly
SHORTEST_START_S = 0.6
_MOMENTS = 16


def begins_s(
    zone: Zone,
    starts: Array,
    outline: Array,
    origin: Array | None,
    numbers: npt.NDArray[np.int64],
    seed: int,
    late_s: float,
) -> Array | None:
    """(N,) seconds since the shot's first frame at which each member begins; None when the zone names no cue.

    Frames are counted from `zone.start_frame` by the caller: 0 here is that frame. starts (N, 2) plan metres; outline
    (P, 2): a wave enters where it first meets it; origin (2,): of a ripple. late_s: everyone is up to so much late.
    """
    if zone.start_frame is None and not (zone.wave or zone.ripple or zone.start_spread_s):
        return None
    begin = late_s * chance(seed, zone.name, numbers, "late")
    begin += zone.start_spread_s * chance(seed, zone.name, numbers, "begin")
    if zone.wave:
        way = ways(np.radians(zone.wave.towards_deg))
        begin += np.maximum(starts @ way - (outline @ way).min(), 0) / zone.wave.speed_mps
    if zone.ripple and origin is not None:
        begin += np.linalg.norm(starts - origin, axis=1) / zone.ripple.speed_mps
    return np.asarray(begin)


def under_way_s(since_s: Array, speed_mps: Array) -> Array:
    """Seconds at full speed that lead as far as a start from standing has led after `since_s`; 0 before it."""
    start_s = np.maximum(SHORTEST_START_S, speed_mps / FASTEST_MPS2)
    since = np.maximum(since_s, 0)
    return np.where(since < start_s, since**2 / (2 * start_s), since - start_s / 2)


def first_phases(waits: str, motion: str, waiting: Array) -> Array:
    """(N,) phases at which `motion` begins for those who are at phases `waiting` (N,) of `waits`: the pose most like
    theirs, so that nobody jumps; a clip begins at its beginning."""
    if not loops(motion):
        return np.zeros(len(waiting))
    table = np.array(_entered(waits, motion))
    return np.asarray(table[np.round(waiting * _MOMENTS).astype(int) % _MOMENTS])


def clip_phases(motion: str, since_s: Array) -> Array:
    """Phases of a motion that runs once, from 0, and holds its end."""
    return np.asarray(np.clip(since_s / load_motion(motion).cycle_s, 0, HELD))


def check_waits(zone: Zone) -> None:
    """Raise AssetError unless a zone's people can wait in the motion that it names."""
    if load_motion(zone.waits).speed_mps > 0:
        raise AssetError(
            f"crowd zone {zone.name}: waits = {zone.waits!r} walks away, who waits must stay. "
            'Write waits = "idle", or a start_frame before the shot.'
        )


@lru_cache(maxsize=64)
def _entered(waits: str, motion: str) -> tuple[float, ...]:
    """For each of _MOMENTS phases of one motion, the phase at which the other is entered."""
    here, there = load_motion(waits), load_motion(motion)
    return tuple(transition(here, i / _MOMENTS, there)[0] for i in range(_MOMENTS))
