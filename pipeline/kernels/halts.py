"""How men halt: braking before an enemy, closing up behind a comrade who was halted, dressing to his line."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# Who stands, stands: below these nobody stops or starts, and what is wanted lies between two bounds, so nobody dithers.
_HALT_MPS, _KEEP_MPS, START_MPS = 0.12, 0.06, 0.2


@njit(inline="always")
def shortened(x, z, most):
    """(x, z) cut to a length of at most `most`."""
    size = math.sqrt(x * x + z * z)
    return (x * most / size, z * most / size) if size > most else (x, z)


@njit(inline="always")
def taken_up(vx, vz, to_x, to_z, moving, ease, most):
    """(moves, x, z): the velocity after a step towards (to_x, to_z), at most `most` m/s from the one before."""
    add_x, add_z = shortened((to_x - vx) * ease, (to_z - vz) * ease, most)
    new_x, new_z, wanted2 = vx + add_x, vz + add_z, to_x * to_x + to_z * to_z
    if moving:
        moves = new_x * new_x + new_z * new_z > _HALT_MPS * _HALT_MPS or wanted2 > _KEEP_MPS * _KEEP_MPS
    else:
        moves = wanted2 > START_MPS * START_MPS
    return moves, new_x if moves else 0.0, new_z if moves else 0.0


@njit(inline="always")
def lost_after(lost_x, lost_z, losing_x, losing_z, held, hurry_mps, step_s):
    """What the slot is ahead of who is held back by an enemy; else it is caught up with."""
    if held:
        return lost_x + losing_x * step_s, lost_z + losing_z * step_s
    back_x, back_z = shortened(lost_x, lost_z, 0.5 * hurry_mps * step_s)
    return lost_x - back_x, lost_z - back_z


@njit(inline="always")
def approach(gap_m, hold_s, brake_mps2):
    """The speed from which one can still halt within a gap; slowly back when the gap is negative."""
    if gap_m <= 0.0:
        return max(gap_m / hold_s, -0.3)
    return min(gap_m / hold_s, math.sqrt(2.0 * brake_mps2 * gap_m))


@njit(inline="always")
def held_back(own_x, own_z, back_x, back_z, nx, nz, pace):
    """(own x, z, back x, z): a wish whose part along n is at most `pace`. The slot's own velocity is scaled, not
    bent: a man who halts does not slide round the enemy's flank."""
    over = (own_x + back_x) * nx + (own_z + back_z) * nz - pace
    if over > 0.0:
        own = own_x * nx + own_z * nz
        if own > 0.0:
            share = max(1.0 - over / own, 0.0)
            own_x, own_z = own_x * share, own_z * share
        rest = (own_x + back_x) * nx + (own_z + back_z) * nz - pace
        if rest > 0.0:
            back_x, back_z = back_x - rest * nx, back_z - rest * nz
    return own_x, own_z, back_x, back_z


@njit(inline="always")
def pace_behind(dx, dz, nx, nz, own_vx, own_vz, vx, vz, meant, rules):
    """The most speed along the front (nx, nz) of a halted comrade, who is (dx, dz) away, goes at (vx, vz) and means to go
    at `meant` along it; inf when he is not in the way.

    Who reads what the man before him means to do, and the gap there will be when he next decides, brakes with him: from
    where that man has come to alone, each rank brakes later and harder than the one before.
    """
    ahead, aside = dx * nx + dz * nz, abs(dx * nz - dz * nx)
    if aside > rules.link_m or ahead < (0.0 if aside < rules.lane_m else -0.5 * rules.close_up_m):
        return np.inf
    # Behind him: close up. Beside him: dress to his line. Between the two: something between.
    beside = min(max((aside - rules.lane_m) / (0.5 * rules.lane_m), 0.0), 1.0)
    gap = ahead + 0.3 * beside - rules.close_up_m * (1.0 - beside)
    if gap < 0.0:  # only who is much too close steps back; nobody does so to dress: the line would creep to the rear
        return max((gap + 0.2) / rules.hold_s, -0.3) * (1.0 - beside) if gap < -0.2 else 0.0
    pace = vx * nx + vz * nz
    gap -= min(max(own_vx * nx + own_vz * nz - pace, 0.0) * rules.decide_s, gap)
    return max(min(pace, meant), 0.0) + approach(gap, rules.hold_s, rules.brake_mps2)
