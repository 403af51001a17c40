"""What velocity everybody chooses: towards his slot, past his neighbours, not through walls, not into the enemy.

Sources: van den Berg, Guy, Lin and Manocha, "Reciprocal n-Body Collision Avoidance", ISRR 2011; van den Berg, Snape,
Guy and Manocha, "Reciprocal Collision Avoidance with Acceleration-Velocity Obstacles", ICRA 2011 (the lag between the
velocity chosen and the one walked).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from pipeline.kernels.crowding import TOUCHES, band, pieces, stretch
from pipeline.kernels.detour import nearest_wall
from pipeline.kernels.halts import START_MPS, approach, held_back, lost_after, pace_behind, taken_up
from pipeline.kernels.orca import allowed_velocity, half_plane
from pipeline.kernels.wishes import FREE

# Columns of the members' table: all that others read of a member lies in one line of the cache.
VX, VZ, RADIUS, SIDE, LEVEL, FRONT_X, FRONT_Z, PACE = range(8)
OWN_X, OWN_Z, BACK_X, BACK_Z = range(4)  # of the table of wishes: the slot's own velocity, what brings him back to it
_CLOSE = 0.5  # of the reach: nearer to an enemy than this one steps back
_BATCH = 64  # members of a row that are looked at together
_WALL_PLANES = 4
_SPARE_M = 0.1  # pushes of others may bring two together who would not have met


@njit(parallel=True, cache=True, error_model="numpy")
def choose(order, places, members, wishes, foes, bounds, grid, walls, rules, step_s, ahead_s, old_lost, steps,
           touched_before, lost, levels, fronts, touching, paces, bends, losing, moving, moved, touches):  # fmt: skip
    """Everybody's next velocity, of N members sorted by cells; each reads the old step and writes himself alone.

    order, bounds, grid: of crowding.sort_cells. places (N, 2), members (N, 8), wishes (N, 4), foes (N, 3) of
    foes.nearest_foes or (0, 3): sorted. ahead_s: until when this choice and `touches` must hold. All else as the flock
    numbers its members. In: old_lost, steps (N,) who moves. Out: lost, levels, fronts, touching, paces, bends, losing; moving
    (N,) bool, moved (N, 2) where they come to in step_s, touches (N, TOUCHES) int32, -1 after the last.
    """
    for piece in prange(pieces(len(places))):
        first, last = stretch(piece, len(places))
        _choose(first, last, order, places, members, wishes, foes, bounds, grid, walls, rules, step_s, ahead_s, old_lost,
                steps, touched_before, lost, levels, fronts, touching, paces, bends, losing, moving, moved, touches)  # fmt: skip


@njit(cache=True, error_model="numpy")
def _choose(begin, past, order, places, members, wishes, foes, bounds, grid, walls, rules, step_s, ahead_s, old_lost, steps,
            touched_before, lost, levels, fronts, touching, paces, bends, losing, moving, moved, touches):  # fmt: skip
    near, near_d2 = np.empty(rules.neighbours, np.int64), np.empty(rules.neighbours)
    planes = np.empty((rules.neighbours + _WALL_PLANES + 1, 3))
    spare = np.empty_like(planes)
    batch, batch_d2 = np.empty(_BATCH, np.uintp), np.empty(_BATCH)
    grid_x, grid_z, columns, cell = grid[0], grid[1], int(grid[2]), grid[3]
    lines, look2 = (len(bounds) - 1) // columns, rules.look_m * rules.look_m
    look_rows = int(np.ceil(rules.look_m / cell))
    ease = 1.0 - math.exp(-step_s / rules.lag_s)
    turned = 1.0 - math.exp(-ahead_s / rules.lag_s)
    slack = _SPARE_M + rules.strongest_mps2 * ahead_s * ahead_s  # two who start at each other
    for i in range(np.uintp(begin), np.uintp(past)):
        mine = np.uintp(order[i])
        x, z, vx, vz = places[i, 0], places[i, 1], members[i, VX], members[i, VZ]
        own_x, own_z, back_x, back_z = wishes[i, OWN_X], wishes[i, OWN_Z], wishes[i, BACK_X], wishes[i, BACK_Z]
        first_x, first_z = own_x + back_x, own_z + back_z
        front_x, front_z = members[i, FRONT_X], members[i, FRONT_Z]
        level, touched, hard = FREE, False, 0
        if len(foes) and foes[i, 0] < np.inf:
            nx, nz = foes[i, 1], foes[i, 2]
            gap = 0.5 * (foes[i, 0] - rules.reach_m)
            gap -= min(max(vx * nx + vz * nz, 0.0) * rules.decide_s, max(gap, 0.0))  # when he next decides
            pace = approach(gap, rules.hold_s, rules.brake_mps2)
            over = first_x * nx + first_z * nz - pace
            own_x, own_z, back_x, back_z = held_back(own_x, own_z, back_x, back_z, nx, nz, pace)
            touched = foes[i, 0] < rules.reach_m * (1.4 if touched_before[mine] else 1.2)
            if _CLOSE * rules.reach_m < foes[i, 0] < rules.reach_m + 0.1:
                own_x, own_z, back_x, back_z = 0.0, 0.0, 0.0, 0.0  # here he fights, and goes neither round nor back
            if over > 0.0 or touched:
                level, front_x, front_z = 0, nx, nz
            planes[hard, 0], planes[hard, 1], planes[hard, 2] = -nx, -nz, -max(pace, 0.0)
            hard += 1
        free_x, free_z = own_x + back_x - vx, own_z + back_z - vz
        change = 2.0 * math.sqrt(free_x * free_x + free_z * free_z) + 0.3
        met, seen, calm = 0, 0, not steps[mine]
        row = int(np.floor(z / cell) - grid_z)
        for line in range(max(row - look_rows, 0), min(row + look_rows + 1, lines)):
            low, high = band(x, z, look2, line, grid_x, grid_z, cell)
            low, high = max(low, 0), min(high, columns - 1)
            if low > high:
                continue
            first, last = bounds[line * columns + low], bounds[line * columns + high + 1]
            while first < last:
                end, found = min(first + _BATCH, last), 0
                for k in range(first, end):  # without a branch: who is near enough is anybody's guess
                    j = np.uintp(k)
                    dx, dz = places[j, 0] - x, places[j, 1] - z
                    d2 = dx * dx + dz * dz
                    batch[np.uintp(found)], batch_d2[np.uintp(found)] = j, d2
                    found += (d2 < look2) & (j != i)
                first = end
                for k in range(found):
                    j, d2 = batch[np.uintp(k)], batch_d2[np.uintp(k)]
                    reach = members[i, RADIUS] + members[j, RADIUS]
                    rx, rz = vx - members[j, VX], vz - members[j, VZ]
                    closing = math.sqrt(rx * rx + rz * rz)
                    near_by = reach + slack + ahead_s * closing
                    if met < TOUCHES and d2 < near_by * near_by:
                        touches[mine, np.uintp(met)] = order[j]
                        met += 1
                    if members[i, SIDE] != 0.0 and members[j, SIDE] != 0.0:
                        if members[i, SIDE] != members[j, SIDE]:
                            continue  # enemies halt before each other; they do not step aside
                        if members[j, LEVEL] < FREE - 1:
                            nx, nz = members[j, FRONT_X], members[j, FRONT_Z]
                            pace = pace_behind(
                                places[j, 0] - x, places[j, 1] - z, nx, nz, vx, vz, members[j, VX], members[j, VZ],
                                members[j, PACE], rules,
                            )  # fmt: skip
                            if pace < np.inf:
                                # Against the first wish: who holds him nearest to the enemy must not hang on the order.
                                over = first_x * nx + first_z * nz - pace
                                own_x, own_z, back_x, back_z = held_back(own_x, own_z, back_x, back_z, nx, nz, pace)
                                if over > 0.0 and members[j, LEVEL] + 1 < level:
                                    level, front_x, front_z = int(members[j, LEVEL]) + 1, nx, nz
                    # The cone of velocities that collide begins at this speed: nobody's choice will come so far.
                    far = reach + 2.0 * rules.berth_m + rules.horizon_s * (closing + change)
                    if d2 > far * far:
                        continue
                    calm = calm and members[j, VX] == 0.0 and members[j, VZ] == 0.0
                    at = min(seen, rules.neighbours - 1)
                    if seen == rules.neighbours and d2 >= near_d2[at]:
                        continue
                    while at > 0 and near_d2[at - 1] > d2:
                        near_d2[at], near[at] = near_d2[at - 1], near[at - 1]
                        at -= 1
                    near_d2[at], near[at] = d2, j
                    seen = min(seen + 1, rules.neighbours)
        for k in range(met, TOUCHES):
            touches[mine, np.uintp(k)] = -1
        for k in range(len(walls.starts) - 1):
            d, nx, nz = nearest_wall(x, z, walls.corners, walls.starts[k], walls.starts[k + 1])
            room = d - members[i, RADIUS]
            if hard < _WALL_PLANES and room < rules.fastest_mps * rules.horizon_s:
                planes[hard, 0], planes[hard, 1] = nx, nz
                planes[hard, 2] = -approach(room, rules.contact_s, rules.brake_mps2)
                hard += 1
        wish_x, wish_z = own_x + back_x, own_z + back_z
        if calm and wish_x * wish_x + wish_z * wish_z <= START_MPS * START_MPS:
            seen, hard = 0, 0  # he stands, so do those around him, and nothing calls him
        rows = hard
        for k in range(seen):
            j = np.uintp(near[k])
            # Who stands nearer to the enemy yields to nobody behind him: pressure would push him along the line.
            share = 0.5
            if members[i, LEVEL] != members[j, LEVEL]:
                share = 1.0 if members[i, LEVEL] > members[j, LEVEL] else 0.0
            if share == 0.0:
                continue
            ux, uz, nx, nz = half_plane(
                places[j, 0] - x, places[j, 1] - z, vx - members[j, VX], vz - members[j, VZ],
                members[i, RADIUS] + members[j, RADIUS] + 2.0 * rules.berth_m, rules.horizon_s, rules.contact_s,
            )  # fmt: skip
            if nx != 0.0 or nz != 0.0:
                planes[rows, 0], planes[rows, 1] = nx, nz
                planes[rows, 2] = nx * (vx + share * ux) + nz * (vz + share * uz)
                rows += 1
        new_x, new_z = allowed_velocity(planes, hard, rows, rules.fastest_mps, wish_x, wish_z, spare)
        moving[mine], vx, vz = taken_up(vx, vz, new_x, new_z, steps[mine], ease, rules.strongest_mps2 * step_s)
        bends[mine, 0], bends[mine, 1] = new_x - first_x, new_z - first_z
        losing[mine, 0], losing[mine, 1] = wishes[i, OWN_X] - own_x, wishes[i, OWN_Z] - own_z
        moved[mine, 0], moved[mine, 1] = x + vx * step_s, z + vz * step_s
        levels[mine], touching[mine], paces[mine] = level, touched, new_x * front_x + new_z * front_z
        lost[mine, 0], lost[mine, 1] = lost_after(
            old_lost[mine, 0], old_lost[mine, 1], losing[mine, 0], losing[mine, 1], level < FREE, rules.hurry_mps, step_s,
        )  # fmt: skip
        if members[i, LEVEL] < FREE:  # another enemy may be nearest now: turn to him, do not jump
            front_x = members[i, FRONT_X] + turned * (front_x - members[i, FRONT_X])
            front_z = members[i, FRONT_Z] + turned * (front_z - members[i, FRONT_Z])
        size = math.sqrt(front_x * front_x + front_z * front_z)
        fronts[mine, 0], fronts[mine, 1] = (front_x / size, front_z / size) if size > 1e-6 else (0.0, 0.0)
