"""One step of a crowd: everybody walks towards a moving slot, avoids the others, and halts before an enemy.

Equal bytes whoever computes it: members are sorted by place first (cell, then x, then z), so sums run in an order that
neither threads nor numbering change; each reads the old step and writes itself alone.

choose.py holds what each chooses, foes.py who stands before him, crowding.py how overlaps are pushed apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from pipeline.kernels.choose import (
    BACK_X,
    BACK_Z,
    FREE,
    FRONT_X,
    FRONT_Z,
    LEVEL,
    OWN_X,
    OWN_Z,
    RADIUS,
    SIDE,
    TOUCHING,
    VX,
    VZ,
    choose,
)
from pipeline.kernels.crowding import TOUCHES, part, pieces, sort_cells, stretch
from pipeline.kernels.detour import Walls, way_round
from pipeline.kernels.foes import nearest_foes
from pipeline.kernels.halts import shortened

_HALT_RAD, _START_RAD = 0.06, 0.3
_GOES_MPS = 0.2  # a slot that goes slower leads nobody's look
_CELL = 1.0  # of the distance that people look: finer cells find fewer who are too far, coarser ones are fewer to visit


class Rules(NamedTuple):
    """What everybody keeps to. Metres, seconds; assets.crowd.simulation.Steering says what each means."""

    fastest_mps: float
    hurry_mps: float
    follow_s: float
    lag_s: float
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


class Room:
    """What a step of N members is worked out in, kept from step to step: fresh memory costs more than many a loop."""

    def __init__(self, count: int) -> None:
        self.places, self.members, self.wishes = np.empty((count, 2)), np.empty((count, 8)), np.empty((count, 4))
        self.radii, self.sides, self.sights = np.empty(count), np.empty(count, np.int64), np.empty(count)
        self.velocities, self.moved, self.spare = (np.empty((count, 2)) for _ in range(3))
        self.moving, self.touches = np.empty(count, np.bool_), np.empty((count, TOUCHES), np.int32)
        self._flocks = [
            Flock(
                np.empty((count, 2)), np.empty((count, 2)), np.empty(count), np.empty(count), np.empty(count, np.int64),
                np.empty((count, 2)), np.empty(count, np.bool_), np.empty(count, np.bool_), np.empty((count, 2)),
                np.empty((count, 2)),
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
    order, bounds, grid = sort_cells(flock.places, _CELL * rules.look_m)
    room = room or Room(count)
    now, places, members, wishes = room.other(flock), room.places, room.members, room.wishes
    _gather(order, flock.places, flock.velocities, flock.levels, flock.fronts, flock.touching, flock.moving, flock.lost,
            slots, next_slots, radii, sides, walls, rules, step_s, places, members, wishes, room.moving, room.radii,
            room.sides, room.sights)  # fmt: skip
    foes = nearest_foes(places, room.sides, room.sights, bounds, grid)
    slack = min(2 * rules.fastest_mps * step_s + 0.1, rules.look_m)
    choose(order, places, members, wishes, foes, bounds, grid, walls, rules, step_s, slack, flock.lost, room.moving,
           now.lost, now.levels, now.fronts, now.touching, room.velocities, room.moved, room.touches)  # fmt: skip
    moved = part(room.moved, room.spare, room.radii, room.touches, room.moving, walls, rules.passes)
    _turn(order, places, moved, slots, next_slots, flock.ways, flock.yaws, flock.turns, now.levels, now.fronts, rules,
          step_s, now.places, now.velocities, now.ways, now.yaws, now.turns, now.moving)  # fmt: skip
    return now


@njit(parallel=True, cache=True, error_model="numpy")
def _gather(order, at, velocities, levels, fronts, touching, steps, lost, slots, next_slots, radii, sides, walls, rules,
            step_s, places, members, wishes, moving, sorted_radii, sorted_sides, sights):  # fmt: skip
    """Members in the order of cells, with what each wants: his slot's own velocity, and what brings him back to it."""
    for piece in prange(pieces(len(order))):
        first, last = stretch(piece, len(order))
        _gather_some(first, last, order, at, velocities, levels, fronts, touching, steps, lost, slots, next_slots, radii,
                     sides, walls, rules, step_s, places, members, wishes, moving, sorted_radii, sorted_sides, sights)  # fmt: skip


@njit(cache=True, error_model="numpy")
def _gather_some(first, last, order, at, velocities, levels, fronts, touching, steps, lost, slots, next_slots, radii,
                 sides, walls, rules, step_s, places, members, wishes, moving, sorted_radii, sorted_sides, sights):  # fmt: skip
    for k in range(np.uintp(first), np.uintp(last)):
        i = np.uintp(order[k])
        x, z = at[i, 0], at[i, 1]
        places[k, 0], places[k, 1] = x, z
        members[k, VX], members[k, VZ] = velocities[i, 0], velocities[i, 1]
        members[k, RADIUS], members[k, SIDE], members[k, LEVEL] = radii[i], sides[i], levels[i]
        members[k, FRONT_X], members[k, FRONT_Z], members[k, TOUCHING] = fronts[i, 0], fronts[i, 1], touching[i]
        moving[k], sorted_radii[k], sorted_sides[k] = steps[i], radii[i], sides[i]
        own_x, own_z = (next_slots[i, 0] - slots[i, 0]) / step_s, (next_slots[i, 1] - slots[i, 1]) / step_s
        back_x, back_z = slots[i, 0] - lost[i, 0] - x, slots[i, 1] - lost[i, 1] - z
        turned = False
        if len(walls.starts) > 1:
            to_x, to_z, turned = way_round(x, z, x + back_x, z + back_z, walls.hulls, walls.hull_starts)
            back_x, back_z = to_x - x, to_z - z
        own_x, own_z, back_x, back_z = _wish(own_x, own_z, back_x, back_z, turned, rules)
        wishes[k, OWN_X], wishes[k, OWN_Z], wishes[k, BACK_X], wishes[k, BACK_Z] = own_x, own_z, back_x, back_z
        if sides[i] != 0:
            sights[k] = _sight(own_x + back_x, own_z + back_z, velocities[i, 0], velocities[i, 1], rules)


@njit(inline="always")
def _sight(wish_x, wish_z, vx, vz, rules):
    """Metres within which an enemy could make him brake: no others need to be looked for."""
    pace = 0.3 + 1.25 * math.sqrt(max(wish_x * wish_x + wish_z * wish_z, vx * vx + vz * vz))
    gap = max(pace * rules.hold_s, pace * pace / (2.0 * rules.brake_mps2))
    return min(rules.sight_m, rules.reach_m * 1.4 + 2.0 * gap)


@njit(inline="always")
def _wish(own_x, own_z, way_x, way_z, turned, rules):
    """(own x, z, back x, z): what brings a straggler back, (way x, z) away, beside his slot's own velocity; on the way
    round an area (turned), the whole velocity."""
    wish_x, wish_z, most = way_x / rules.follow_s, way_z / rules.follow_s, rules.hurry_mps
    if turned:
        most += math.sqrt(own_x * own_x + own_z * own_z)
        own_x, own_z = 0.0, 0.0
        d = math.sqrt(way_x * way_x + way_z * way_z)
        if d > 0.3:  # a corner is a place to pass, not to slow down at
            wish_x, wish_z = way_x / d * most, way_z / d * most
    wish_x, wish_z = shortened(wish_x, wish_z, most)
    return own_x, own_z, wish_x, wish_z


@njit(parallel=True, cache=True, error_model="numpy")
def _turn(order, before, after, slots, next_slots, old_ways, old_yaws, old_turns, levels, fronts, rules, step_s, places,
          velocities, ways, yaws, turns, moving):  # fmt: skip
    """Everybody is where he came to. Walkers look where they go, the halted at the enemy, those who stand as their slots
    last went; nobody spins. Who stands turns only when he is far off, and then he steps."""
    ease, still2 = 1.0 - math.exp(-step_s / rules.turn_s), _GOES_MPS * _GOES_MPS * step_s * step_s
    for k in prange(len(order)):
        i = np.uintp(order[k])
        vx, vz = (after[k, 0] - before[k, 0]) / step_s, (after[k, 1] - before[k, 1]) / step_s
        places[i, 0], places[i, 1], velocities[i, 0], velocities[i, 1] = after[k, 0], after[k, 1], vx, vz
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
