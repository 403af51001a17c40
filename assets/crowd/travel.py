"""Where the members of one body are on every frame, in which motion, at which moment of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.crowd.cues import begins_s, check_waits, clip_phases, first_phases, under_way_s
from assets.crowd.formations import chance, gauss
from assets.crowd.members import Members, Site, Variety, spacing_of
from assets.crowd.shapes import Array, Rail, axes, headings, ways
from assets.crowd.slots import ROUND_M
from assets.motion.motions import load_motion
from assets.sprites.atlas import loops
from pipeline.crowd_sections import Zone
from pipeline.errors import AssetError

SWAY_PERIOD_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """plan (F, N, 2) x, z metres; yaws (F, N) radians; phases (F, N) cycles in [0, 1) of the motion of that frame, which
    is motion_names[motions (F, N)]."""

    plan: Array
    yaws: Array
    phases: Array
    motions: npt.NDArray[np.uint8]
    motion_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """begins (N,) seconds after the first frame, since (F, N) seconds after that; told: whether anything names a cue."""

    begins: Array
    since: Array
    told: bool


def travel(zone: Zone, site: Site, members: Members, times_s: Array, seed: int, variety: Variety) -> Travel:
    """What members do at `times_s` (F,), seconds since the first frame.

    Who waits for a cue stands in `zone.waits`; then a walker starts as fast as people do, at the step nearest to how it
    stood. A moving member's phase is the distance that it has gone over its own stride, so a planted foot stays put
    whatever the speed. A clip that does not loop begins with the cue, else with the shot, and holds its end; where it
    leads somewhere, it goes the clip's own way, standing and stepping with it.
    Raises AssetError for motions that do not go together with the zone's speed, path or waiting.
    """
    speeds = _speeds(zone, site, members)
    timing = _timing(zone, site, members, times_s, seed, variety)
    gone = _gone(zone, members, speeds, timing, seed, variety)
    if len(site.path_m) and (speeds > 0).any():
        plan, yaws = _led(zone, site, members, gone)
        steps = np.linalg.norm(np.diff(plan, axis=0), axis=-1)
        gone = gone[:1] + np.concatenate([np.zeros((1, len(speeds))), np.cumsum(steps, axis=0)])
    else:
        way = np.where(members.own_way[:, None], ways(members.yaws), axes(site.heading_rad)[0])
        plan = members.starts + gone[..., None] * way
        yaws = np.broadcast_to(members.yaws, gone.shape)
    return _moments(zone, members, timing, plan, yaws, gone, times_s, seed, variety)


def _timing(zone: Zone, site: Site, members: Members, times_s: Array, seed: int, variety: Variety) -> Timing:
    begins = begins_s(zone, members.starts, site.outline_m, site.ripple_m, members.numbers, seed, variety.late_s)
    if begins is None:
        return Timing(np.zeros(len(members.numbers)), times_s[:, None] + np.zeros(len(members.numbers)), told=False)
    check_waits(zone)
    begins = begins + site.start_s
    return Timing(begins, times_s[:, None] - begins, told=True)


def _speeds(zone: Zone, site: Site, members: Members) -> Array:
    """(N,) metres per second under way; 0 for those whose motion stays on the spot."""
    own = {name: load_motion(name).speed_mps for name in {*zone.weights, *members.motions}}
    still = not any(own.values())
    if zone.speed_mps > 0 and still:
        raise AssetError(
            f"crowd zone {zone.name}: motion {next(iter(zone.weights))!r} stays on the spot, speed_mps "
            f'{zone.speed_mps:g} would slide. Write motion = "march", or speed_mps = 0.'
        )
    if len(site.path_m) and still and zone.formation != "path":
        raise AssetError(
            f"crowd zone {zone.name}: its path is to be walked, its motions stay on the spot. "
            'Write motion = "march", or formation = "path" to stand along it.'
        )
    if len(site.path_m) and not still and (zone.facing not in ("", "path") or zone.facing_deg is not None):
        raise AssetError(
            f"crowd zone {zone.name}: who walks along a path looks along it. Remove facing, or let them stand."
        )
    led = next((name for name in own if own[name] > 0 and not loops(name)), None)
    if led and zone.avoid:
        raise AssetError(
            f"crowd zone {zone.name}: motion {led!r} goes its own way once, and cannot go round others. Remove avoid, or "
            "cut the capture to a loop."
        )
    return np.array([(zone.speed_mps or own[name]) if own[name] > 0 else 0.0 for name in members.motions])


def _gone(zone: Zone, members: Members, speeds: Array, timing: Timing, seed: int, variety: Variety) -> Array:
    """(F, N) metres gone along each one's way."""
    numbers = members.numbers
    full = under_way_s(timing.since, speeds) if timing.told else timing.since
    uneven = variety.pace_spread * gauss(seed, zone.name, numbers, "pace")
    paces = speeds * (1 + np.where(members.own_way | (zone.formation == "loose"), uneven, 0.0))
    turn = 2 * np.pi * chance(seed, zone.name, numbers, "sway")
    sway = np.minimum(variety.sway_m, 0.3 * speeds * SWAY_PERIOD_S / (2 * np.pi))  # never enough to walk backwards
    gone = np.asarray(paces * full + sway * (np.sin(2 * np.pi * full / SWAY_PERIOD_S + turn) - np.sin(turn)))
    for name in {*members.motions}:
        mine, motion = np.array(members.motions) == name, load_motion(name)
        if motion.speed_mps > 0 and not motion.loops:
            phases = _once(zone, name, timing.since[:, mine])
            gone[:, mine] = motion.gone_m(phases) * members.scales[mine]
    return gone


def _once(zone: Zone, motion: str, since: Array) -> Array:
    """Phases of a clip that does not loop; where it leads somewhere, the zone's speed makes it quicker or slower."""
    own_mps = load_motion(motion).speed_mps
    return clip_phases(motion, since * (zone.speed_mps / own_mps if zone.speed_mps and own_mps else 1.0))


def _led(zone: Zone, site: Site, members: Members, gone: Array) -> tuple[Array, Array]:
    """Plan (F, N, 2) and yaws (F, N) along the path: a file follows it man by man, any other body wheels as one."""
    if zone.formation == "path":
        wide = zone.ranks or 1
        rail = Rail.along(site.path_m, max(ROUND_M, wide * spacing_of(zone)))
        base = (members.numbers // wide) * spacing_of(zone)
    else:
        # Spread over the body's own width, a turn never asks the inner flank to walk backwards.
        reach = np.linalg.norm(site.polygon_m - site.path_m[0], axis=1).max()
        rail, base = Rail.along(site.path_m, 2 * float(reach)), np.zeros(len(members.numbers))
    point, facing = rail.at(base)
    offset = members.starts - point
    ahead = (offset * ways(facing)).sum(axis=1)
    beside = (offset * ways(facing + np.pi / 2)).sum(axis=1)
    place, turned = rail.at(base + gone)
    plan = place + ahead[:, None] * ways(turned) + beside[:, None] * ways(turned + np.pi / 2)
    if len(plan) > 1:  # look where one goes: in a wheel the flanks do not go where the middle goes
        speed = np.gradient(plan, axis=0)
        turned = np.where(np.linalg.norm(speed, axis=-1) > 1e-4, headings(speed), turned)
    yaws = turned + (members.yaws - facing)
    own = members.own_way
    plan[:, own] = members.starts[own] + gone[:, own, None] * ways(members.yaws[own])
    yaws[:, own] = members.yaws[own]
    return plan, yaws


def _moments(
    zone: Zone,
    members: Members,
    timing: Timing,
    plan: Array,
    yaws: Array,
    gone: Array,
    times_s: Array,
    seed: int,
    variety: Variety,
) -> Travel:
    """Everyone's motion and phase on every frame."""
    numbers, doing = members.numbers, np.array(members.motions)
    names = tuple(sorted({*members.motions, zone.waits} if timing.told else set(members.motions)))
    start = chance(seed, zone.name, numbers, "phase")
    step = variety.step_spread * gauss(seed, zone.name, numbers, "phase")
    pace = 1 + 0.12 * (2 * chance(seed, zone.name, numbers, "pace") - 1)
    begun = timing.since >= -1e-9 if timing.told else np.ones_like(timing.since, bool)
    phases = np.zeros_like(timing.since)
    for name in np.unique(doing):
        mine, motion = doing == name, load_motion(str(name))
        stays = name == zone.waits  # and goes on as it did
        if not loops(str(name)):
            phases[:, mine] = _once(zone, str(name), timing.since[:, mine])
        elif timing.told and not stays:
            waiting = _standing(zone.waits, start, timing.begins, pace)[mine]
            first = first_phases(zone.waits, str(name), waiting)
            stride = motion.speed_mps * motion.cycle_s * members.scales[mine]
            walked = gone[:, mine] / stride if motion.speed_mps else timing.since[:, mine] / motion.cycle_s * pace[mine]
            phases[:, mine] = first + walked
        elif motion.speed_mps:
            first = start if zone.formation == "loose" else step
            phases[:, mine] = first[mine] + gone[:, mine] / (motion.speed_mps * motion.cycle_s * members.scales[mine])
        else:
            phases[:, mine] = _standing(str(name), start, times_s[:, None], pace)[:, mine]
    index = np.array([names.index(name) for name in members.motions], np.uint8)
    motions = np.broadcast_to(index, phases.shape)
    if timing.told:
        phases = np.where(begun, phases, _standing(zone.waits, start, times_s[:, None], pace))
        motions = np.where(begun, motions, np.uint8(names.index(zone.waits)))
    return Travel(plan + members.moved, yaws, _cycles(phases), motions, names)


def _standing(motion: str, start: Array, times_s: Array, pace: Array) -> Array:
    """Phases of those who do `motion` on the spot all the time; of a clip: its end, held."""
    if not loops(motion):
        return clip_phases(motion, np.full(np.broadcast_shapes(start.shape, np.shape(times_s)), np.inf))
    return np.asarray((start + times_s / load_motion(motion).cycle_s * pace) % 1.0)


def _cycles(phases: Array) -> Array:
    """Into [0, 1), also after the rounding to float32 that files bring."""
    wrapped = (phases % 1.0).astype(np.float32)
    return np.where(wrapped >= 1, 0, wrapped).astype(np.float64)
