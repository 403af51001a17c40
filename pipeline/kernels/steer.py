"""One step of a crowd: everybody walks towards a moving slot, avoids the others, and halts before an enemy.

Equal bytes whoever computes it: members are sorted by place first (cell, then x, then z), so sums run in an order that
neither threads nor numbering change; each reads the old step and writes itself alone.

Sources: van den Berg, Guy, Lin and Manocha, "Reciprocal n-Body Collision Avoidance", ISRR 2011; van den Berg, Snape,
Guy and Manocha, "Reciprocal Collision Avoidance with Acceleration-Velocity Obstacles", ICRA 2011 (the lag between the
velocity chosen and the one walked); Müller et al., "Position Based Dynamics", JVCIR 2007 (pushing overlaps apart).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from pipeline.kernels.crowding import TOUCHES, band, nearest_foes, part, sort_cells
from pipeline.kernels.detour import Walls, nearest_wall, way_round
from pipeline.kernels.halts import approach, held_back, pace_behind, shortened
from pipeline.kernels.orca import allowed_velocity, half_plane

FREE = 250  # `level` of who is held back by nobody; n: by an enemy through n comrades
# Who stands, stands: below these nobody stops or starts, and what is wanted lies between two bounds, so nobody dithers.
_HALT_MPS, _KEEP_MPS, _START_MPS = 0.12, 0.06, 0.2
_HALT_RAD, _START_RAD = 0.06, 0.3
_CLOSE = 0.5  # of the reach: nearer to an enemy than this one steps back
_BLOCK = 64  # members that share scratch memory; changes speed, never values
_WALL_PLANES = 4
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
    heads: np.ndarray  # (N,) rad: where the slot last went


def advance(
    flock: Flock,
    slots: np.ndarray,
    next_slots: np.ndarray,
    radii: np.ndarray,
    sides: np.ndarray,
    walls: Walls,
    rules: Rules,
    step_s: float,
) -> Flock:
    """The flock `step_s` later. slots, next_slots: (N, 2) where each would like to be now and then; radii (N,) metres;
    sides (N,) int64, 0 = no enemies, else an enemy of every other side but 0. Raises ValueError on another shape."""
    count = len(flock.places)
    for name, array, shape in (("slots", slots, (count, 2)), ("next_slots", next_slots, (count, 2)),
                               ("radii", radii, (count,)), ("sides", sides, (count,))):  # fmt: skip
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"{name} is {array.shape}; wanted finite {shape}.")
    if count == 0:
        return flock
    order, bounds, grid = sort_cells(flock.places, _CELL * rules.look_m)
    places, velocities, levels, fronts = (
        a.take(order, axis=0) for a in (flock.places, flock.velocities, flock.levels, flock.fronts)
    )
    radii, sides, touching = radii.take(order), sides.take(order), flock.touching.take(order)
    slot_paces, lost = (next_slots - slots).take(order, axis=0) / step_s, flock.lost.take(order, axis=0)
    wishes, owns = np.empty_like(places), slot_paces.copy()
    _wish(places, slots.take(order, axis=0) - lost, owns, walls, rules, wishes)
    foes = nearest_foes(places, sides, _sights(wishes + owns, velocities, rules), rules.sight_m / 2)
    now = Flock(np.empty_like(places), np.empty_like(places), flock.yaws[order], flock.turns[order],
                 np.empty_like(levels), np.empty_like(fronts), np.empty_like(touching), flock.moving[order], lost, flock.heads[order])  # fmt: skip
    touches = np.empty((count, TOUCHES), np.int32)
    slack = min(2 * rules.fastest_mps * step_s + 0.1, rules.look_m)
    _steer(
        places, velocities, wishes, owns, lost, radii, sides, levels, fronts, touching, foes, bounds, grid, walls, rules, step_s,
        slack, now.moving, now.velocities, now.levels, now.fronts, now.touching, touches,
    )  # fmt: skip
    moved = places + now.velocities * step_s
    now.places[:] = part(moved, radii, touches, now.moving, walls, rules.passes)
    now.velocities[:] = (now.places - places) / step_s
    _turn(now.velocities, slot_paces, now.levels, now.fronts, now.heads, now.yaws, now.turns, now.moving, rules, step_s)
    back = np.empty_like(order)
    back[order] = np.arange(count)
    return Flock(*(getattr(now, name).take(back, axis=0) for name in Flock.__dataclass_fields__))


def _sights(wanted: np.ndarray, velocities: np.ndarray, rules: Rules) -> np.ndarray:
    """(N,) metres within which an enemy could make each brake: nobody else's enemies need to be looked for."""
    fastest2 = np.maximum(*(v[:, 0] ** 2 + v[:, 1] ** 2 for v in (wanted, velocities)))
    pace = 0.3 + 1.25 * np.sqrt(fastest2)
    gap = np.maximum(pace * rules.hold_s, pace**2 / (2 * rules.brake_mps2))
    return np.minimum(rules.sight_m, rules.reach_m * 1.4 + 2 * gap)


@njit(parallel=True, cache=True)
def _wish(places, slots, owns, walls, rules, wishes):
    """What brings a straggler back, beside his slot's own velocity; on the way round an area, the whole velocity."""
    for i in prange(len(places)):
        x, z = places[i, 0], places[i, 1]
        to_x, to_z, turned = slots[i, 0], slots[i, 1], False
        if len(walls.starts) > 1:
            to_x, to_z, turned = way_round(x, z, to_x, to_z, walls.hulls, walls.hull_starts)
        most = rules.hurry_mps
        wish_x, wish_z = (to_x - x) / rules.follow_s, (to_z - z) / rules.follow_s
        if turned:
            most += math.sqrt(owns[i, 0] * owns[i, 0] + owns[i, 1] * owns[i, 1])
            owns[i, 0], owns[i, 1] = 0.0, 0.0
            d = math.hypot(to_x - x, to_z - z)
            if d > 0.3:  # a corner is a place to pass, not to slow down at
                wish_x, wish_z = (to_x - x) / d * most, (to_z - z) / d * most
        wishes[i, 0], wishes[i, 1] = shortened(wish_x, wish_z, most)


@njit(parallel=True, cache=True)
def _steer(
    places, velocities, wishes, owns, lost, radii, sides, levels, fronts, touching, foes, bounds, grid, walls, rules, step_s, slack,
    moving, new_velocities, new_levels, new_fronts, new_touching, touches,
):  # fmt: skip
    count = len(places)
    look2 = rules.look_m * rules.look_m
    ease = 1.0 - math.exp(-step_s / rules.lag_s)
    for block in prange((count + _BLOCK - 1) // _BLOCK):
        near, near_d2 = np.empty(rules.neighbours, np.int64), np.empty(rules.neighbours)
        planes = np.empty((rules.neighbours + _WALL_PLANES + 1, 3))
        spare = np.empty_like(planes)
        for i in range(block * _BLOCK, min(block * _BLOCK + _BLOCK, count)):
            x, z, vx, vz = places[i, 0], places[i, 1], velocities[i, 0], velocities[i, 1]
            own_x, own_z, back_x, back_z = owns[i, 0], owns[i, 1], wishes[i, 0], wishes[i, 1]
            first_x, first_z = own_x + back_x, own_z + back_z
            level, front_x, front_z, touched, hard = FREE, fronts[i, 0], fronts[i, 1], False, 0
            if foes[i, 0] < np.inf:
                nx, nz = foes[i, 1], foes[i, 2]
                pace = approach(0.5 * (foes[i, 0] - rules.reach_m), rules.hold_s, rules.brake_mps2)
                over = first_x * nx + first_z * nz - pace
                own_x, own_z, back_x, back_z = held_back(own_x, own_z, back_x, back_z, nx, nz, pace)
                touched = foes[i, 0] < rules.reach_m * (1.4 if touching[i] else 1.2)
                if _CLOSE * rules.reach_m < foes[i, 0] < rules.reach_m + 0.1:
                    own_x, own_z, back_x, back_z = 0.0, 0.0, 0.0, 0.0  # here he fights, and goes neither round nor back
                if over > 0.0 or touched:
                    level, front_x, front_z = 0, nx, nz
                planes[hard, 0], planes[hard, 1], planes[hard, 2] = -nx, -nz, -max(pace, 0.0)
                hard += 1
            free_x, free_z = own_x + back_x - vx, own_z + back_z - vz
            change = 2.0 * math.sqrt(free_x * free_x + free_z * free_z) + 0.3
            met, seen, calm = 0, 0, not moving[i]
            row, rows = int(np.floor(z / grid[3]) - grid[1]), int(np.ceil(rules.look_m / grid[3]))
            for line in range(row - rows, row + rows + 1):
                first, last = band(x, z, look2, line, bounds, grid)
                for j in range(first, last):
                    dx, dz = places[j, 0] - x, places[j, 1] - z
                    d2 = dx * dx + dz * dz
                    if d2 >= look2 or j == i:
                        continue
                    reach = radii[i] + radii[j]
                    if met < TOUCHES and d2 < (reach + slack) * (reach + slack):
                        touches[i, met] = j
                        met += 1
                    if sides[i] != 0 and sides[j] != 0:
                        if sides[i] != sides[j]:
                            continue  # enemies halt before each other; they do not step aside
                        if levels[j] < FREE - 1:
                            pace = pace_behind(dx, dz, j, velocities, fronts, rules)
                            if pace < np.inf:
                                nx, nz = fronts[j, 0], fronts[j, 1]
                                # Against the first wish: who holds him nearest to the enemy must not hang on the order.
                                over = first_x * nx + first_z * nz - pace
                                own_x, own_z, back_x, back_z = held_back(own_x, own_z, back_x, back_z, nx, nz, pace)
                                if over > 0.0 and levels[j] + 1 < level:
                                    level, front_x, front_z = levels[j] + 1, nx, nz
                    # The cone of velocities that collide begins at this speed: nobody's choice will come so far.
                    reach += 2.0 * rules.berth_m
                    rx, rz = vx - velocities[j, 0], vz - velocities[j, 1]
                    far = math.sqrt(d2) - reach - rules.horizon_s * math.sqrt(rx * rx + rz * rz)
                    if far > rules.horizon_s * change:
                        continue
                    calm = calm and velocities[j, 0] == 0.0 and velocities[j, 1] == 0.0
                    at = min(seen, rules.neighbours - 1)
                    if seen == rules.neighbours and d2 >= near_d2[at]:
                        continue
                    while at > 0 and near_d2[at - 1] > d2:
                        near_d2[at], near[at] = near_d2[at - 1], near[at - 1]
                        at -= 1
                    near_d2[at], near[at] = d2, j
                    seen = min(seen + 1, rules.neighbours)
            if met < TOUCHES:
                touches[i, met] = -1
            for k in range(len(walls.starts) - 1):
                d, nx, nz = nearest_wall(x, z, walls.corners, walls.starts[k], walls.starts[k + 1])
                room = d - radii[i]
                if hard < _WALL_PLANES and room < rules.fastest_mps * rules.horizon_s:
                    planes[hard, 0], planes[hard, 1] = nx, nz
                    planes[hard, 2] = -approach(room, rules.contact_s, rules.brake_mps2)
                    hard += 1
            wish_x, wish_z = own_x + back_x, own_z + back_z
            if calm and wish_x * wish_x + wish_z * wish_z <= _START_MPS * _START_MPS:
                seen, hard = 0, 0  # he stands, so do those around him, and nothing calls him
            rows = hard
            for k in range(seen):
                j = near[k]
                # Who stands nearer to the enemy yields to nobody behind him: pressure would push him along the line.
                share = 0.5 if levels[i] == levels[j] else (1.0 if levels[i] > levels[j] else 0.0)
                if share == 0.0:
                    continue
                reach = radii[i] + radii[j] + 2.0 * rules.berth_m
                ux, uz, nx, nz = half_plane(
                    places[j, 0] - x, places[j, 1] - z, vx - velocities[j, 0], vz - velocities[j, 1],
                    reach, rules.horizon_s, rules.contact_s,
                )  # fmt: skip
                if nx != 0.0 or nz != 0.0:
                    planes[rows, 0], planes[rows, 1] = nx, nz
                    planes[rows, 2] = nx * (vx + share * ux) + nz * (vz + share * uz)
                    rows += 1
            new_x, new_z = allowed_velocity(planes, hard, rows, rules.fastest_mps, wish_x, wish_z, spare)
            add_x, add_z = shortened((new_x - vx) * ease, (new_z - vz) * ease, rules.strongest_mps2 * step_s)
            pace2, wanted2 = (vx + add_x) ** 2 + (vz + add_z) ** 2, new_x * new_x + new_z * new_z
            if moving[i]:
                moving[i] = pace2 > _HALT_MPS * _HALT_MPS or wanted2 > _KEEP_MPS * _KEEP_MPS
            else:
                moving[i] = wanted2 > _START_MPS * _START_MPS
            new_velocities[i, 0], new_velocities[i, 1] = (vx + add_x, vz + add_z) if moving[i] else (0.0, 0.0)
            new_levels[i], new_touching[i] = level, touched
            if level < FREE:
                lost[i, 0] += (owns[i, 0] - own_x) * step_s
                lost[i, 1] += (owns[i, 1] - own_z) * step_s
            else:  # nobody in the way any more: the slot is caught up with
                back_x, back_z = shortened(lost[i, 0], lost[i, 1], 0.5 * rules.hurry_mps * step_s)
                lost[i, 0], lost[i, 1] = lost[i, 0] - back_x, lost[i, 1] - back_z
            if levels[i] < FREE:  # another enemy may be nearest now: turn to him, do not jump
                front_x, front_z = (
                    fronts[i, 0] + ease * (front_x - fronts[i, 0]),
                    fronts[i, 1] + ease * (front_z - fronts[i, 1]),
                )
            size = math.sqrt(front_x * front_x + front_z * front_z)
            new_fronts[i, 0], new_fronts[i, 1] = (front_x / size, front_z / size) if size > 1e-6 else (0.0, 0.0)


@njit(parallel=True, cache=True)
def _turn(velocities, slot_paces, levels, fronts, heads, yaws, turns, moving, rules, step_s):
    """Walkers look where they go, the halted at the enemy, those who stand as their slots last went; nobody spins. Who
    stands turns only when he is far off, and then he steps."""
    ease = 1.0 - math.exp(-step_s / rules.turn_s)
    for i in prange(len(yaws)):
        go_x, go_z = slot_paces[i, 0], slot_paces[i, 1]
        if go_x * go_x + go_z * go_z > 0.04:
            heads[i] = math.atan2(go_x, go_z)
        wanted = heads[i]
        vx, vz = velocities[i, 0], velocities[i, 1]
        sin, cos = math.sin(yaws[i]), math.cos(yaws[i])
        if levels[i] < FREE:
            wanted = math.atan2(fronts[i, 0], fronts[i, 1])
        elif vx * vx + vz * vz > (
            0.3 if vx * sin + vz * cos > 0.0 else 1.0
        ):  # a short way to the side or back is stepped
            wanted = math.atan2(vx, vz)
        off = wanted - yaws[i]
        off -= 2.0 * math.pi * math.floor(off / (2.0 * math.pi) + 0.5)
        steps = vx != 0.0 or vz != 0.0  # also who was pushed
        if not steps and abs(off) < (_HALT_RAD if turns[i] != 0.0 else _START_RAD):
            turns[i], moving[i] = 0.0, False
            continue
        moving[i] = True
        turn = min(max(off / (2.0 * rules.turn_s), -rules.fastest_turn), rules.fastest_turn)
        turns[i] += (turn - turns[i]) * ease
        yaws[i] += turns[i] * step_s
