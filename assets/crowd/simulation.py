"""People who walk to moving slots without running into each other, into walls, or through an enemy's line.

Plan x, z in metres; a yaw turns about Y: 0 looks to +Z, pi/2 to +X. Heights are the stage's business. A walk is a pure
function of what comes in: run it for frames 1001-1049, and again from the moment it ended on, and the bytes are those of
one run. The order of the people changes nothing, nor does the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from pipeline.errors import AssetError
from pipeline.kernels.crowding import settle
from pipeline.kernels.detour import build_walls
from pipeline.kernels.steer import FREE, Flock, Room, Rules, advance

Array = npt.NDArray[np.float64]
STANDING, MOVING, IN_CONTACT = 0, 1, 2  # Walked.states


@dataclass(frozen=True, slots=True)
class Steering:
    """How people walk in a crowd. The defaults suit men on foot who march at 1.4 and charge at up to 5 m/s."""

    fastest_mps: float = 6.0  # nobody is faster, whatever his slot does
    hurry_mps: float = 1.2  # a straggler walks at most so much faster than his slot
    follow_s: float = 0.7  # he would be back in his slot in about this time
    lag_s: float = 0.22  # from wanting another velocity to having it: this is what smooths the paths
    decide_s: float = 0.13  # nobody changes his mind sooner than this; between, he goes on as he meant to
    strongest_mps2: float = 5.0  # the hardest that anybody starts, stops or turns of his own will
    brake_mps2: float = 2.5  # how hard he means to brake before an enemy or a wall
    look_m: float = 2.0  # how far people look for others to avoid
    horizon_s: float = 1.2  # collisions later than this do not bother them
    berth_m: float = 0.04  # room that everybody likes to keep around himself
    contact_s: float = 0.5  # those who have come too close step apart in this time
    neighbours: int = 10  # how many of the nearest are avoided
    passes: int = 24  # the most rounds of pushing overlaps apart in one step; it ends earlier when all is well
    reach_m: float = 1.6  # enemies halt at this distance, from middle to middle
    sight_m: float = 8.0  # enemies are seen at this distance; braking from a charge takes about 5 m
    close_up_m: float = 0.9  # ranks behind a halted man close up to this distance
    lane_m: float = 0.6  # a comrade this far to the side is still in front
    link_m: float = 1.6  # a halted comrade this far to the side is a line to dress to
    hold_s: float = 0.8  # how gently the last of the way to an enemy or a halted rank is walked
    turn_s: float = 0.15  # how slowly people turn round; larger is slower
    fastest_turn_deg: float = 200.0  # a second
    longest_step_s: float = 0.045  # frames longer than this are walked in several steps

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0) and field.name != "berth_m":
                raise AssetError(f"steering: {field.name} is {value}, must be above 0. Change it.")
        if not 0 <= self.berth_m <= 0.5:
            raise AssetError(f"steering: berth_m is {self.berth_m}, must be 0 to 0.5. Change it.")

    def rules(self) -> Rules:
        """What the compiled loops read."""
        own = {name: getattr(self, name) for name in Rules._fields if name != "fastest_turn"}
        return Rules(**own, fastest_turn=math.radians(self.fastest_turn_deg))


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """F frames of N people. plan (F, N, 2) x, z metres; yaws (F, N) rad, continuous; speeds (F, N) m/s; states (F, N)
    uint8: MOVING, STANDING, or IN_CONTACT who stands with an enemy within reach. Who stands on two frames has neither
    moved nor turned between them. end: the moment of the last frame, to go on from."""

    plan: Array
    yaws: Array
    speeds: Array
    states: npt.NDArray[np.uint8]
    end: Flock


def simulate(
    starts: npt.ArrayLike,
    slots: npt.ArrayLike,
    radii: npt.ArrayLike,
    times_s: npt.ArrayLike,
    settings: Steering | None = None,
    keep_out: Sequence[npt.ArrayLike] = (),
    foes: npt.ArrayLike | None = None,
    *,
    yaws: npt.ArrayLike | None = None,
    since: Flock | None = None,
) -> Walked:
    """Walk N people through F frames.

    starts: (N, 2) x, z metres on the first frame; whoever overlaps there is pushed apart first. slots: (F, N, 2) where
    each would like to be. radii: (N,) metres of the space that a body keeps to itself. times_s: (F,) rising. keep_out:
    polygons (P, 2) that nobody enters. foes: (N,) side of each, 0 = at peace with all. yaws: (N,) radians on the first
    frame; else people look where their slot goes, or to +Z. since: the `end` of an earlier walk whose last frame is
    this one's first; starts and yaws are then read from it.

    Raises AssetError when shapes disagree, a number is not finite, or people start inside a keep-out area's reach.
    """
    rules = (settings or Steering()).rules()
    begin, goals, sizes, times = (np.ascontiguousarray(a, np.float64) for a in (starts, slots, radii, times_s))
    _check(begin, goals, sizes, times)
    count = len(begin)
    sides = np.zeros(count, np.int64) if foes is None else np.asarray(foes).astype(np.int64)
    if sides.shape != (count,):
        raise AssetError(f"crowd walk: foes is {sides.shape}, must be ({count},). Give one side per person.")
    try:
        berth = float(sizes.max(initial=0.0)) + 2 * rules.berth_m
        walls = build_walls([np.asarray(p, np.float64) for p in keep_out], berth)
    except ValueError as error:
        raise AssetError(f"crowd walk: {error} Draw it with three corners or more that span an area.") from None
    if since is None:
        begin = settle(begin, sizes, walls, 100)
        flock = _first_moment(begin, goals, times, yaws, rules)
    else:
        flock = since
    walked = Walked(
        np.empty((len(times), count, 2)), np.empty((len(times), count)), np.empty((len(times), count)),
        np.empty((len(times), count), np.uint8), flock,
    )  # fmt: skip
    _record(flock, walked, 0)
    longest, room = (settings or Steering()).longest_step_s, Room(count)
    for f in range(1, len(times)):
        steps = max(1, math.ceil((times[f] - times[f - 1]) / longest - 1e-9))
        step_s = (times[f] - times[f - 1]) / steps
        for k in range(steps):
            here, there = (_between(goals[f - 1], goals[f], n / steps) for n in (k, k + 1))
            flock = advance(flock, here, there, sizes, sides, walls, rules, step_s, room)
        _record(flock, walked, f)
    return replace(walked, end=flock)


def _between(a: Array, b: Array, share: float) -> Array:
    if share in (0.0, 1.0):  # a step per frame, as a rule: nothing to compute
        return b if share else a
    return a + (b - a) * share


def _first_moment(places: Array, slots: Array, times: Array, yaws: npt.ArrayLike | None, rules: Rules) -> Flock:
    """At the first frame everybody already walks as his slot does: a shot may begin in the middle of a march."""
    count = len(places)
    velocities = np.zeros_like(places)
    if len(times) > 1:
        velocities = (slots[1] - slots[0]) / (times[1] - times[0])
        paces = np.hypot(velocities[:, 0], velocities[:, 1])
        velocities = velocities * np.minimum(1, rules.fastest_mps / np.maximum(paces, 1e-9))[:, None]
    moving = np.hypot(velocities[:, 0], velocities[:, 1]) > 0.15
    looks = np.where(moving, np.arctan2(velocities[:, 0], velocities[:, 1]), 0.0)
    if yaws is not None:
        looks = np.array(np.broadcast_to(np.asarray(yaws, np.float64), (count,)))
    return Flock(places, velocities, looks, np.zeros(count), np.full(count, FREE, np.int64),
                 np.zeros((count, 2)), np.zeros(count, bool), moving, np.zeros((count, 2)),
                 np.stack([np.sin(looks), np.cos(looks)], axis=1), np.zeros(count))  # fmt: skip


def _record(flock: Flock, walked: Walked, row: int) -> None:
    walked.plan[row], walked.yaws[row] = flock.places, flock.yaws
    np.sqrt(flock.velocities[:, 0] ** 2 + flock.velocities[:, 1] ** 2, out=walked.speeds[row])
    walked.states[row] = np.where(flock.moving, MOVING, np.where(flock.touching, IN_CONTACT, STANDING))


def _check(starts: Array, slots: Array, radii: Array, times: Array) -> None:
    count, frames = len(starts), len(times)
    wanted = {"starts": (count, 2), "slots": (frames, count, 2), "radii": (count,), "times_s": (frames,)}
    for (name, shape), array in zip(wanted.items(), (starts, slots, radii, times), strict=True):
        if array.shape != shape:
            raise AssetError(f"crowd walk: {name} is {array.shape}, must be {shape}. Give one per person and frame.")
        if not np.isfinite(array).all():
            raise AssetError(f"crowd walk: {name} holds a number that is not finite. Look where it comes from.")
    if frames < 1 or (np.diff(times) <= 0).any():
        raise AssetError("crowd walk: times_s must rise from frame to frame. Sort the frames.")
    if (radii <= 0).any() or (radii > 1).any():
        raise AssetError("crowd walk: radii must be above 0 and at most 1 m. Change them.")
