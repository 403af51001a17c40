"""A trace cut to the round that a crowd repeats, or to what is played once: feet planted, the way taken out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from assets.mocap.clip import Clip
from assets.mocap.cycle import Cycle, find_cycle, resampled
from assets.mocap.planting import SIGNS, Feet, footfalls
from assets.mocap.trace import Trace
from assets.mocap.travel import ahead, contacts, velocity

Array = NDArray[np.float64]

_GOES = 0.25  # leg lengths a second: who is slower stays where he is
_LEAVES = 0.5  # leg lengths: who ends so near to where he began has not gone anywhere
_SWAY_S = 0.2  # within a step the hips go faster and slower: a way is smoothed by so much
_ROWS_A_FRAME = 2.0


def make_clip(name: str, found: Trace, loop: bool | None = None, carry: bool | None = None) -> Clip:
    """The best round of `found`, feet planted, beginning where the left foot lands; all of it when none comes back.

    loop: True takes all of it as one round, its end led into its beginning; False plays all of it once.
    carry: whether weapons are carried as on our march; None: in a motion that goes somewhere.
    """
    found = ahead(found)
    whole = Cycle(0, float(found.frames - 1), bool(loop))
    cycle = find_cycle(found.features(), found.frame_s) if loop is None else whole
    down = contacts(found)
    shift = _even_way(found, cycle) if cycle.loops else _uneven_way(found)
    vectors = dict(found.vectors)
    for place in ("hips", "ankle.L", "ankle.R"):
        vectors[place] = vectors[place] - shift
    samples = max(48, round(cycle.frames * _ROWS_A_FRAME))
    rows = {key: resampled(values, cycle, samples) for key, values in (vectors | found.turns).items()}
    once = replace(cycle, loops=False)  # no seam is spread over flags
    on = {side: resampled(flags[:, None].astype(float), once, samples)[:, 0] > 0.99 for side, flags in down.items()}
    cycle_s, travel = cycle.frames * found.frame_s, _gone(shift, cycle)
    _centre(rows, cycle.loops, travel > 0)
    shares = np.arange(samples + 1) / samples
    if cycle.loops:
        rows, on = _from_strike(rows, on, samples)
    elif travel > 0:
        shares = resampled(shift[:, 2:], once, samples)[:, 0] / travel
    feet = {}
    for side, sign in SIGNS.items():
        steps = np.concatenate([rows[f"ankle.{side}"], rows[f"foot.{side}"]], axis=1)
        falls = footfalls(steps, on[side], sign, travel * shares, found.ball, cycle.loops)
        feet[side] = Feet(sign, steps, falls, travel, shares, cycle.loops)
    carries = travel > 0 if carry is None else carry
    return Clip(name, cycle_s, travel / cycle_s, cycle.loops, rows, feet, carries)


def _even_way(found: Trace, cycle: Cycle) -> Array:
    """(F, 3) leg lengths by which someone who goes in rounds has moved on, at an even speed; zeros for who stays."""
    way = velocity(found)
    if np.linalg.norm(way) >= _GOES:
        way = _velocity_over(found, cycle.start, cycle.frames)
    return np.asarray(way * (way[2] >= _GOES) * (np.arange(found.frames)[:, None] * found.frame_s))


def _uneven_way(found: Trace) -> Array:
    """(F, 3) leg lengths by which someone has moved on who starts, stops or turns; zeros for who ends where he began."""
    hips, wide = found.vectors["hips"][:, 2], min(found.frames - 1, round(4 * _SWAY_S / found.frame_s))
    longer = np.pad(hips, wide, mode="reflect", reflect_type="odd")  # who walks in or out does so before and after, too
    way = np.zeros((found.frames, 3))
    way[:, 2] = gaussian_filter1d(longer, _SWAY_S / found.frame_s)[wide : wide + found.frames]
    way[:, 2] -= way[0, 2]
    return np.asarray(way * (way[-1, 2] >= _LEAVES))


def _gone(shift: Array, cycle: Cycle) -> float:
    """Leg lengths that the ground passes in all."""
    if not cycle.loops:
        return float(shift[-1, 2])
    return float(shift[1, 2] * cycle.frames)


def _velocity_over(found: Trace, start: int, frames: float) -> Array:
    """(3,) leg lengths a second over just the cycle, so that it closes."""
    hips, last = found.vectors["hips"], found.frames - 1
    end = min(start + frames, float(last))
    then = np.array([np.interp(end, np.arange(last + 1), hips[:, axis]) for axis in range(3)])
    return (then - hips[start]) * (1, 0, 1) / ((end - start) * found.frame_s)


def _centre(rows: dict[str, Array], loops: bool, goes: bool) -> None:
    """Put the origin under the hips of who goes, between the feet of who stays: over the cycle, or at a clip's start."""
    places = rows["hips"] if goes else (rows["ankle.L"] + rows["ankle.R"]) / 2
    middle = (places[:-1].mean(axis=0) if loops else places[0]) * (1, 0, 1)
    for place in ("hips", "ankle.L", "ankle.R"):
        rows[place] = rows[place] - middle


def _from_strike(
    rows: dict[str, Array], on: dict[str, NDArray[np.bool_]], count: int
) -> tuple[dict[str, Array], dict[str, NDArray[np.bool_]]]:
    """Begin the cycle where the left foot lands to stay longest."""
    down = on["L"][:-1]
    lands = np.flatnonzero(down & ~np.roll(down, 1))
    stays = [int(np.argmin(np.roll(down, -land))) for land in lands]
    first = int(lands[int(np.argmax(stays))]) if len(lands) else 0
    order = (first + np.arange(count + 1)) % count
    return {name: values[order] for name, values in rows.items()}, {side: flags[order] for side, flags in on.items()}
