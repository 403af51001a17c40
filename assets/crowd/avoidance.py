"""Bodies that walk round each other, round keep-out areas, and halt before an enemy: slots in, people out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from assets.crowd.cues import first_phases
from assets.crowd.members import Members, Site, Variety, overridden, spacing_of
from assets.crowd.shapes import Array, headings, smoothed
from assets.crowd.simulation import IN_CONTACT, MOVING, STANDING, Walked
from assets.crowd.travel import Travel, travel
from assets.crowd.walks import Walk, straight
from assets.motion.footlock import backs
from assets.motion.motions import load_motion
from assets.sprites.atlas import HELD, loops
from pipeline.crowd_sections import Override, Zone

Numbers = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
RADIUS_M = 0.25  # the space that a body keeps to itself; less where ranks stand closer
STEADY_S = 0.3  # nobody changes what he does for less than so long
LOOK_S = 0.13  # before and after a moment, which tells where somebody goes
ROUND_S = 0.5  # who is turned by hand steps round in so long
STEPS, HASTE = "walk", "run"  # the steps of who stands and is pushed aside, or slows down; and of who must hurry
FAST_MPS, SLOW, HURRY_MPS = (
    1.8,
    0.5,
    2.3,
)  # a run or a charge; under this share of its speed it is walked; above this none is


@dataclass(frozen=True, slots=True, eq=False)
class Marching:
    """One zone's people and what they do. everyone, drill: with those who were removed by hand, nobody recast or turned:
    what the others make way for, so that they do not move when one of them is changed."""

    zone: Zone
    members: Members
    travel: Travel
    everyone: Members
    drill: Travel


def marching(
    zone: Zone,
    site: Site,
    everyone: Members,
    changes: Mapping[int, Override],
    times_s: Array,
    seed: int,
    variety: Variety,
) -> Marching:
    """A zone's people by their formation, with the changes of some by place number. Raises AssetError as
    assets.crowd.travel.travel."""
    members = overridden(everyone, changes)
    told = travel(zone, site, members, times_s, seed, variety)
    if not zone.avoid or not changes:
        return Marching(zone, members, told, members, told)
    everyone = overridden(everyone, {place: Override(c.id, move_m=c.move_m) for place, c in changes.items()})
    return Marching(zone, members, told, everyone, travel(zone, site, everyone, times_s, seed, variety))


def avoided(
    bodies: Sequence[Marching], times_s: Array, keep_out: tuple[Array, ...], walk: Walk = straight
) -> list[Travel]:
    """What the members of the bodies do when they avoid each other; zones that do not ask for it are neither moved nor
    seen.

    Who comes to a halt waits as his zone waits, who has an enemy within reach fights as it fights; a planted foot stays
    planted, as phases follow the way that was really walked. walk: how the walk is computed (assets.crowd.walks.in_parts keeps
    what is done). Raises AssetError as assets.crowd.simulation.simulate.
    """
    asking = [body for body in bodies if body.zone.avoid and len(body.everyone.numbers)]
    if not asking:
        return [body.travel for body in bodies]
    walked = walk(
        np.concatenate([body.drill.plan[0] for body in asking]),
        np.concatenate([body.drill.plan for body in asking], axis=1),
        np.concatenate([_radii(body) for body in asking]),
        times_s,
        keep_out=keep_out,
        foes=np.concatenate([np.full(len(body.everyone.numbers), body.zone.side) for body in asking]),
        yaws=np.concatenate([body.drill.yaws[0] for body in asking]),
    )
    found: list[Travel] = []
    last = 0
    for body in bodies:
        if body not in asking:
            found.append(body.travel)
            continue
        first, last = last, last + len(body.everyone.numbers)
        there = first + np.flatnonzero(np.isin(body.everyone.numbers, body.members.numbers))
        found.append(_walking(body, walked, there, times_s))
    return found


def _radii(body: Marching) -> Array:
    return np.minimum(RADIUS_M * body.everyone.scales, 0.45 * spacing_of(body.zone))


def _walking(body: Marching, walked: Walked, there: Indices, times_s: Array) -> Travel:
    """there: columns of `walked` that are the body's members."""
    zone, told = body.zone, body.travel
    plan, yaws = walked.plan[:, there], walked.yaws[:, there]
    states = _steady(_states(plan, yaws, walked.states[:, there], times_s), times_s)
    steps = _steps(body)
    names = tuple(sorted({*told.motion_names, *steps, STEPS, HASTE, zone.waits, *([zone.fights] if zone.side else [])}))
    doing = np.array([names.index(name) for name in told.motion_names], np.uint8)[told.motions]
    walks = np.array([load_motion(name).speed_mps > 0 for name in names])
    goes_on = np.array([loops(name) for name in names])  # who falls lies where he fell, and does not get up
    stepping = np.array([names.index(name) for name in steps], np.uint8)
    going = states == MOVING
    halted, pushed = walks[doing] & ~going, ~walks[doing] & goes_on[doing] & going
    doing = np.where(halted & (states == IN_CONTACT), names.index(zone.fights) if zone.side else doing, doing)
    doing = np.where(halted & (states == STANDING), names.index(zone.waits), doing)
    doing = np.where(pushed, stepping, doing)
    doing = _paced(doing.astype(np.uint8), names, plan, going, times_s)
    used = np.unique(doing)
    doing, names = np.searchsorted(used, doing).astype(np.uint8), tuple(names[i] for i in used)
    yaws = _faced(body, _looking(plan, yaws, going, times_s), going, times_s)
    made = replace(told, plan=plan, yaws=yaws, motions=doing, motion_names=names)
    return replace(made, phases=_followed(made, body.members.scales, told.phases[0], times_s))


def _paced(doing: Numbers, names: tuple[str, ...], plan: Array, going: Flags, times_s: Array) -> Numbers:
    """Motions (F, N) fit for the pace that is really gone: a charge that has come to a crawl is walked, who must hurry to
    keep his place runs. No change is shorter than STEADY_S."""
    if len(times_s) < 2:
        return doing
    pace = smoothed(np.linalg.norm(np.gradient(plan, times_s, axis=0), axis=-1), max(1, _least(times_s) // 2))
    speeds = np.array([load_motion(name).speed_mps for name in names])[doing]
    crawls = going & (speeds > FAST_MPS) & (pace < SLOW * speeds)
    hurries = going & (speeds > 0) & (speeds <= FAST_MPS) & (pace > HURRY_MPS)
    gait = _steady((crawls + 2 * hurries).astype(np.uint8), times_s)
    gait[~going] = 0
    return np.where(gait == 1, names.index(STEPS), np.where(gait == 2, names.index(HASTE), doing)).astype(np.uint8)


def _steps(body: Marching) -> list[str]:
    """In which motion each member steps aside: the one that he walks in, if he walks at all."""
    own = dict(zip(body.everyone.numbers.tolist(), body.everyone.motions, strict=True))
    wanted = [own[number] for number in body.members.numbers.tolist()]
    return [name if load_motion(name).speed_mps > 0 else STEPS for name in wanted]


def _looking(plan: Array, yaws: Array, going: Flags, times_s: Array) -> Array:
    """Yaws (F, N) of walkers turned to where they go. A walk of frames that are all known needs no lag: feet slide by
    less. Who goes slowly, or back, or stands looks as the walk has it."""
    if len(times_s) < 2:
        return yaws
    pace = np.gradient(plan, times_s, axis=0)
    reach = max(1, round(LOOK_S / float(times_s[1] - times_s[0])))
    pace = smoothed(pace, reach)
    off = (headings(pace) - yaws + np.pi) % (2 * np.pi) - np.pi
    share = np.clip((np.linalg.norm(pace, axis=-1) - 0.3) / 0.4, 0, 1) * np.clip((2.6 - np.abs(off)) / 0.4, 0, 1)
    settled = (
        smoothed(going.astype(np.float64), reach) >= 1 - 1e-9
    )  # on the move, and for long enough to be off the spot
    return yaws + np.where(going, smoothed(np.where(settled, share * off, 0.0), reach), 0.0)


def _faced(body: Marching, yaws: Array, going: Flags, times_s: Array) -> Array:
    """Yaws (F, N) with those turned by hand: who walks looks where he goes, and steps round as he comes to a halt."""
    column = {number: k for k, number in enumerate(body.everyone.numbers.tolist())}
    turned, rows = yaws.copy(), np.arange(len(yaws))
    for k, number in enumerate(body.members.numbers.tolist()):
        wanted = body.members.yaws[k]
        if wanted == body.everyone.yaws[column[number]]:
            continue
        stands = np.flatnonzero(~going[:, k])
        if not len(stands):
            continue
        off = (wanted - yaws[stands, k] + np.pi) % (2 * np.pi) - np.pi
        walks = [r for r in rows[going[:, k]] if np.abs(times_s[stands] - times_s[r]).min() >= ROUND_S]
        known = np.concatenate([stands, np.array(walks, int)])
        order = np.argsort(known)
        offsets = np.unwrap(np.concatenate([off, np.zeros(len(walks))])[order])
        turned[:, k] += np.interp(rows, known[order], offsets)
    return turned


def _states(plan: Array, yaws: Array, states: Numbers, times_s: Array) -> Numbers:
    """States (F, N) in which MOVING is everyone who has moved or turned since the frame before, and no halt or step is
    shorter than STEADY_S."""
    going = states == MOVING
    going[1:] |= (np.diff(plan, axis=0) != 0).any(axis=-1) | (np.diff(yaws, axis=0) != 0)
    least = _least(times_s)
    far = len(going) + least
    ahead = np.full(going.shape, far)  # frames until one goes on
    for row in range(len(going) - 2, -1, -1):
        ahead[row] = np.where(going[row + 1], 1, ahead[row + 1] + 1)
    since, lasted = np.where(going[0], 0, far), np.where(going[0], least, 0)
    for row in range(1, len(going)):
        since = np.where(going[row], 0, since + 1)
        going[row] |= (since + ahead[row] <= least) | ((lasted > 0) & (lasted < least))
        lasted = np.where(going[row], lasted + 1, 0)
    return np.where(going, MOVING, states).astype(np.uint8)


def _least(times_s: Array) -> int:
    """Frames in STEADY_S."""
    return max(1, round(STEADY_S / float(times_s[1] - times_s[0]))) if len(times_s) > 1 else 1


def _steady(states: Numbers, times_s: Array) -> Numbers:
    """States (F, N) without changes that do not last: nobody takes to fighting for two frames."""
    least = _least(times_s)
    held = states.copy()
    for row in range(1, len(states)):
        ahead = states[row : row + least]
        lasts = (ahead == ahead[0]).all(axis=0)
        held[row] = np.where(lasts, states[row], held[row - 1])
    return held


def _followed(travel: Travel, scales: Array, first: Array, times_s: Array) -> Array:
    """(F, N) phases of motions that may change on any frame: the way walked turns a walker's, time all others'. Who backs
    walks backwards."""
    motions = [load_motion(name) for name in travel.motion_names]
    strides = np.array([motion.speed_mps * motion.cycle_s for motion in motions])
    cycles = np.array([motion.cycle_s for motion in motions])
    once = np.array([not loops(name) for name in travel.motion_names])
    steps = np.linalg.norm(np.diff(travel.plan, axis=0), axis=-1)
    steps = np.where(backs(travel.plan, travel.yaws)[1:], -steps, steps)
    phases = np.empty(travel.motions.shape)
    phases[0] = first
    for row in range(1, len(phases)):
        before, now = travel.motions[row - 1], travel.motions[row]
        stride = strides[now] * scales
        walked = np.divide(steps[row - 1], stride, out=np.zeros(len(now)), where=stride > 0)
        phase = phases[row - 1] + np.where(stride > 0, walked, (times_s[row] - times_s[row - 1]) / cycles[now])
        for a, b in {*zip(before.tolist(), now.tolist(), strict=True)}:
            if a != b:
                changed = (before == a) & (now == b)
                phase[changed] = first_phases(travel.motion_names[a], travel.motion_names[b], phases[row - 1][changed])
        phases[row] = np.where(once[now], np.minimum(phase, HELD), phase % 1.0)
    whole = phases.astype(np.float32)
    return np.where(whole >= 1, 0, whole).astype(np.float64)
