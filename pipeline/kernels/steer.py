"""One step of a crowd: everybody walks towards a moving slot, avoids the others, and halts before an enemy.

Equal bytes whoever computes it: members are sorted by place first (cell, then x, then z), so sums run in an order that
neither threads nor numbering change; each reads the old step and writes itself alone.

Nobody decides anew on every step: between two choices all go on as they chose, and only who touches is pushed apart.

choose.py holds what each chooses, wishes.py what he wants and how he goes on, foes.py who stands before him, crowding.py how overlaps are pushed apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from pipeline.kernels.choose import (
    BACK_X,
    BACK_Z,
    FRONT_X,
    FRONT_Z,
    LEVEL,
    OWN_X,
    OWN_Z,
    PACE,
    RADIUS,
    SIDE,
    VX,
    VZ,
    choose,
)
from pipeline.kernels.crowding import TOUCHES, part, pieces, sort_cells, stretch
from pipeline.kernels.detour import Walls
from pipeline.kernels.foes import nearest_foes
from pipeline.kernels.wishes import FREE, carry_on, wish

_HALT_RAD, _START_RAD = 0.06, 0.3
_GOES_MPS = 0.2  # a slot that goes slower leads nobody's look
_CELL = 1.0  # of the distance that people look: finer cells find fewer who are too far, coarser ones are fewer to visit


class Rules(NamedTuple):
    """What everybody keeps to. Metres, seconds; assets.crowd.simulation.Steering says what each means."""

    fastest_mps: float
    hurry_mps: float
    follow_s: float
    lag_s: float
    decide_s: float
    strongest_mps2: float
    brake_mps2: float
    look_m: float
    horizon_s: float
    berth_m: float
    contact_s: float
    neighbours: int
    passes: int
    reach_m: float
    sight_m: float
    close_up_m: float
    lane_m: float
    link_m: float
    hold_s: float
    turn_s: float
    fastest_turn: float


def _nothing() -> np.ndarray:
    return np.empty((0, 2))


@dataclass(slots=True, eq=False)
class Flock:
    """N members at one moment. places, velocities (N, 2) x, z; yaws (N,) rad, turns (N,) rad/s; levels (N,) int64, FREE
    or how many comrades are between a member and the enemy that halts him; fronts (N, 2) unit way to that enemy."""

    places: np.ndarray
    velocities: np.ndarray
    yaws: np.ndarray
    turns: np.ndarray
    levels: np.ndarray
    fronts: np.ndarray
    touching: np.ndarray  # (N,) bool: an enemy is within reach
    moving: np.ndarray  # (N,) bool: he steps; else he stands, and neither his place nor his yaw changes
    lost: np.ndarray  # (N, 2) metres that the slot went on while he was halted: he follows slot - lost
    ways: np.ndarray  # (N, 2) of any length: where the slot last went
    paces: np.ndarray  # (N,) m/s along `fronts` that he means to go: comrades behind him read it
    # What he chose last, and when; no `touches`: everybody chooses now.
    bends: np.ndarray = field(default_factory=_nothing)  # (N, 2) m/s: the velocity chosen less the one wished for
    losing: np.ndarray = field(default_factory=_nothing)  # (N, 2) m/s by which `lost` grows
    touches: np.ndarray = field(default_factory=lambda: np.empty((0, TOUCHES), np.int32))  # who may meet since
    age_s: np.ndarray = field(default_factory=lambda: np.zeros(()))  # seconds since


class Room:
    """What a step of N members is worked out in, kept from step to step: fresh memory costs more than many a loop."""

    def __init__(self, count: int) -> None:
        self.places, self.members, self.wishes = np.empty((count, 2)), np.empty((count, 8)), np.empty((count, 4))
        self.sides, self.sights = np.empty(count, np.int64), np.empty(count)
        self.moved, self.spare = np.empty((count, 2)), np.empty((count, 2))
        self.moving, self.touches = np.empty(count, np.bool_), np.empty((count, TOUCHES), np.int32)
        self._flocks = [
            Flock(
                np.empty((count, 2)), np.empty((count, 2)), np.empty(count), np.empty(count), np.empty(count, np.int64),
                np.empty((count, 2)), np.empty(count, np.bool_), np.empty(count, np.bool_), np.empty((count, 2)),
                np.empty((count, 2)), np.empty(count), np.empty((count, 2)), np.empty((count, 2)),
            ) for _ in range(2)
        ]  # fmt: skip

    def other(self, flock: Flock) -> Flock:
        """A flock of the room's own to write to, not this one."""
        return self._flocks[flock is self._flocks[0]]


def advance(
    flock: Flock,
    slots: np.ndarray,
    next_slots: np.ndarray,
    radii: np.ndarray,
    sides: np.ndarray,
    walls: Walls,
    rules: Rules,
    step_s: float,
    room: Room | None = None,
) -> Flock:
    """The flock `step_s` later, in `room` where that is given: the step after the next writes over it.

    slots, next_slots: (N, 2) where each would like to be now and then; radii (N,) metres; sides (N,) int64, 0 = no
    enemies, else an enemy of every other side but 0. Raises ValueError on another shape."""
    count = len(flock.places)
    for name, array, shape in (("slots", slots, (count, 2)), ("next_slots", next_slots, (count, 2)),
                               ("radii", radii, (count,)), ("sides", sides, (count,))):  # fmt: skip
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"{name} is {array.shape}; wanted finite {shape}.")
    if count == 0:
        return flock
    room = room or Room(count)
    now = room.other(flock)
    if len(flock.touches) and flock.age_s + step_s <= rules.decide_s + 1e-9:
        now.touches, now.age_s = flock.touches, flock.age_s + step_s
        carry_on(flock.places, flock.velocities, flock.moving, flock.lost, flock.levels, flock.fronts, flock.touching,
                 flock.paces, flock.bends, flock.losing, slots, next_slots, walls, rules, step_s, now.lost, now.levels, now.fronts,
                 now.touching, now.paces, now.bends, now.losing, room.moving, room.moved)  # fmt: skip
    else:
        now.touches, now.age_s = room.touches, np.array(step_s)
        _choose_anew(flock, now, slots, next_slots, radii, sides, walls, rules, step_s, room)
    moved = part(room.moved, room.spare, radii, now.touches, room.moving, walls, rules.passes)
    _turn(flock.places, moved, slots, next_slots, flock.ways, flock.yaws, flock.turns, now.levels, now.fronts, rules,
          step_s, now.places, now.velocities, now.ways, now.yaws, now.turns, now.moving)  # fmt: skip
    return now


def _choose_anew(
    flock: Flock, now: Flock, slots: np.ndarray, next_slots: np.ndarray, radii: np.ndarray, sides: np.ndarray,
    walls: Walls, rules: Rules, step_s: float, room: Room,
) -> None:  # fmt: skip
    order, bounds, grid = sort_cells(flock.places, _CELL * rules.look_m)
    _gather(order, flock.places, flock.velocities, flock.levels, flock.fronts, flock.paces, flock.lost, slots,
            next_slots, radii, sides, walls, rules, step_s, room.places, room.members, room.wishes, room.sides,
            room.sights)  # fmt: skip
    foes = nearest_foes(room.places, room.sides, room.sights, bounds, grid)
    choose(order, room.places, room.members, room.wishes, foes, bounds, grid, walls, rules, step_s,
           max(rules.decide_s, step_s), flock.lost, flock.moving, flock.touching, now.lost, now.levels, now.fronts, now.touching,
           now.paces, now.bends, now.losing, room.moving, room.moved, now.touches)  # fmt: skip


@njit(parallel=True, cache=True, error_model="numpy")
def _gather(order, at, velocities, levels, fronts, paces, lost, slots, next_slots, radii, sides, walls, rules, step_s,
            places, members, wishes, sorted_sides, sights):  # fmt: skip
    """Members in the order of cells, with what each wants: his slot's own velocity, and what brings him back to it."""
    for piece in prange(pieces(len(order))):
        first, last = stretch(piece, len(order))
        _gather_some(first, last, order, at, velocities, levels, fronts, paces, lost, slots, next_slots, radii, sides,
                     walls, rules, step_s, places, members, wishes, sorted_sides, sights)  # fmt: skip


@njit(cache=True, error_model="numpy")
def _gather_some(first, last, order, at, velocities, levels, fronts, paces, lost, slots, next_slots, radii, sides,
                 walls, rules, step_s, places, members, wishes, sorted_sides, sights):  # fmt: skip
    for k in range(np.uintp(first), np.uintp(last)):
        i = np.uintp(order[k])
        x, z = at[i, 0], at[i, 1]
        places[k, 0], places[k, 1] = x, z
        members[k, VX], members[k, VZ] = velocities[i, 0], velocities[i, 1]
        members[k, RADIUS], members[k, SIDE], members[k, LEVEL] = radii[i], sides[i], levels[i]
        members[k, FRONT_X], members[k, FRONT_Z], members[k, PACE] = fronts[i, 0], fronts[i, 1], paces[i]
        sorted_sides[k] = sides[i]
        own_x, own_z, back_x, back_z = wish(
            x, z, slots[i, 0], slots[i, 1], next_slots[i, 0], next_slots[i, 1], lost[i, 0], lost[i, 1],
            walls.hulls, walls.hull_starts, rules, step_s,
        )  # fmt: skip
        wishes[k, OWN_X], wishes[k, OWN_Z], wishes[k, BACK_X], wishes[k, BACK_Z] = own_x, own_z, back_x, back_z
        if sides[i] != 0:
            sights[k] = _sight(own_x + back_x, own_z + back_z, velocities[i, 0], velocities[i, 1], rules)


@njit(inline="always")
def _sight(wish_x, wish_z, vx, vz, rules):
    """Metres within which an enemy could make him brake: no others need to be looked for."""
    pace = 0.3 + 1.25 * math.sqrt(max(wish_x * wish_x + wish_z * wish_z, vx * vx + vz * vz))
    gap = max(pace * rules.hold_s, pace * pace / (2.0 * rules.brake_mps2))
    return min(rules.sight_m, rules.reach_m * 1.4 + 2.0 * gap)


@njit(parallel=True, cache=True, error_model="numpy")
def _turn(before, after, slots, next_slots, old_ways, old_yaws, old_turns, levels, fronts, rules, step_s, places,
          velocities, ways, yaws, turns, moving):  # fmt: skip
    """Everybody is where he came to. Walkers look where they go, the halted at the enemy, those who stand as their slots
    last went; nobody spins. Who stands turns only when he is far off, and then he steps."""
    ease, still2 = 1.0 - math.exp(-step_s / rules.turn_s), _GOES_MPS * _GOES_MPS * step_s * step_s
    for i in prange(len(before)):
        vx, vz = (after[i, 0] - before[i, 0]) / step_s, (after[i, 1] - before[i, 1]) / step_s
        places[i, 0], places[i, 1], velocities[i, 0], velocities[i, 1] = after[i, 0], after[i, 1], vx, vz
        way_x, way_z = next_slots[i, 0] - slots[i, 0], next_slots[i, 1] - slots[i, 1]
        if way_x * way_x + way_z * way_z <= still2:
            way_x, way_z = old_ways[i, 0], old_ways[i, 1]
        ways[i, 0], ways[i, 1] = way_x, way_z
        yaw, turn, pace2 = old_yaws[i], old_turns[i], vx * vx + vz * vz
        if levels[i] < FREE:
            way_x, way_z = fronts[i, 0], fronts[i, 1]
        elif pace2 > 1.0 or (pace2 > 0.3 and vx * math.sin(yaw) + vz * math.cos(yaw) > 0.0):
            way_x, way_z = vx, vz  # a short way to the side or back is stepped
        wanted = math.atan2(way_x, way_z)
        off = wanted - yaw
        off -= 2.0 * math.pi * math.floor(off / (2.0 * math.pi) + 0.5)
        steps = vx != 0.0 or vz != 0.0  # also who was pushed
        moving[i] = steps or abs(off) >= (_HALT_RAD if turn != 0.0 else _START_RAD)
        if moving[i]:
            faster = min(max(off / (2.0 * rules.turn_s), -rules.fastest_turn), rules.fastest_turn)
            turns[i] = turn + (faster - turn) * ease
            yaws[i] = yaw + turns[i] * step_s
        else:
            turns[i], yaws[i] = 0.0, yaw
