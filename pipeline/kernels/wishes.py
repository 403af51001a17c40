"""What everybody wants by himself, and how he goes on between two choices (choose.py)."""

from __future__ import annotations

import math

from numba import njit, prange

from pipeline.kernels.detour import way_round
from pipeline.kernels.halts import lost_after, shortened, taken_up

FREE = 250  # a level: held back by nobody; n: by an enemy through n comrades


@njit(inline="always")
def wish(x, z, slot_x, slot_z, next_x, next_z, lost_x, lost_z, hulls, hull_starts, rules, step_s):
    """(own x, z, back x, z) m/s: the slot's own velocity, and what brings him from (x, z) back to it."""
    own_x, own_z = (next_x - slot_x) / step_s, (next_z - slot_z) / step_s
    back_x, back_z = slot_x - lost_x - x, slot_z - lost_z - z
    turned = False
    if len(hull_starts) > 1:
        to_x, to_z, turned = way_round(x, z, x + back_x, z + back_z, hulls, hull_starts)
        back_x, back_z = to_x - x, to_z - z
    return _brought_back(own_x, own_z, back_x, back_z, turned, rules)


@njit(inline="always")
def _brought_back(own_x, own_z, way_x, way_z, turned, rules):
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
def carry_on(places, velocities, steps, old_lost, old_levels, old_fronts, old_touching, old_paces, old_bends, old_losing, slots,
             next_slots, walls, rules, step_s, lost, levels, fronts, touching, paces, bends, losing, moving, moved):  # fmt: skip
    """One step of N members who do not choose anew: each wants what he wanted, bent as he bent it when he last chose.

    Who is held back slows down as halts.approach would have him. In: the flock's arrays, slots (N, 2). Out: the next
    flock's, moving (N,) bool, moved (N, 2) where they come to.
    """
    ease, most = 1.0 - math.exp(-step_s / rules.lag_s), rules.strongest_mps2 * step_s
    for i in prange(len(places)):
        x, z = places[i, 0], places[i, 1]
        own_x, own_z, back_x, back_z = wish(
            x, z, slots[i, 0], slots[i, 1], next_slots[i, 0], next_slots[i, 1], old_lost[i, 0], old_lost[i, 1],
            walls.hulls, walls.hull_starts, rules, step_s,
        )  # fmt: skip
        to_x, to_z = own_x + back_x + old_bends[i, 0], own_z + back_z + old_bends[i, 1]
        cut_x, cut_z, slower, nx, nz = 0.0, 0.0, 0.0, old_fronts[i, 0], old_fronts[i, 1]
        pace = to_x * nx + to_z * nz
        if old_levels[i] < FREE and pace > 0.0:
            slower = min(pace / rules.hold_s, rules.brake_mps2) * step_s
            cut_x, cut_z = slower * nx, slower * nz
        to_x, to_z = shortened(to_x - cut_x, to_z - cut_z, rules.fastest_mps)
        vx, vz, moves = 0.0, 0.0, False
        if steps[i]:  # who stands has no reason to start before he chooses anew
            moves, vx, vz = taken_up(velocities[i, 0], velocities[i, 1], to_x, to_z, True, ease, most)
        moving[i], moved[i, 0], moved[i, 1] = moves, x + vx * step_s, z + vz * step_s
        levels[i], touching[i], paces[i] = old_levels[i], old_touching[i], old_paces[i] - slower
        fronts[i, 0], fronts[i, 1] = nx, nz
        bends[i, 0], bends[i, 1] = old_bends[i, 0] - cut_x, old_bends[i, 1] - cut_z
        losing[i, 0], losing[i, 1] = old_losing[i, 0] + cut_x, old_losing[i, 1] + cut_z
        lost[i, 0], lost[i, 1] = lost_after(
            old_lost[i, 0], old_lost[i, 1], losing[i, 0], losing[i, 1], old_levels[i] < FREE, rules.hurry_mps, step_s
        )
