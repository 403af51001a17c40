"""Velocities that avoid each other: half-planes of allowed velocities, and the allowed one nearest to a wish (ORCA).

A half-plane is (n, c): velocities v with n . v >= c, n of unit length. Sources: van den Berg, Guy, Lin and Manocha,
"Reciprocal n-Body Collision Avoidance", ISRR 2011 (the half-planes, and what to do when none is left); de Berg et al.,
"Computational Geometry", 3rd edition 2008, chapter 4 (linear programs in the plane, one half-plane after the other).
"""

from __future__ import annotations

import math

from numba import njit

_EPS = 1e-9


@njit(cache=True, error_model="numpy")
def half_plane(dx, dz, vx, vz, reach, horizon_s, contact_s):
    """(u x, u z, n x, n z): the least change of relative velocity that avoids a neighbour, and its direction.

    dx, dz: where the neighbour is from here; vx, vz: our velocity less his; reach: the sum of both radii; metres, m/s.
    Those who are already too close part within `contact_s`: the paper's one step makes them jump.
    """
    d2 = dx * dx + dz * dz
    span = horizon_s if d2 > reach * reach else contact_s
    wx, wz = vx - dx / span, vz - dz / span  # from the middle of the cone's round end to the relative velocity
    w2 = wx * wx + wz * wz
    along = wx * dx + wz * dz
    if d2 <= reach * reach or (along < 0.0 and along * along > reach * reach * w2):
        length = math.sqrt(w2)
        if length < _EPS:  # in the very middle: part along the line between both
            d = math.sqrt(d2)
            if d < _EPS:
                return 0.0, 0.0, 0.0, 0.0
            return -dx / d * reach / span, -dz / d * reach / span, -dx / d, -dz / d
        nx, nz = wx / length, wz / length
        change = reach / span - length
        return change * nx, change * nz, nx, nz
    leg = math.sqrt(d2 - reach * reach)
    if dx * wz - dz * wx > 0.0:  # the nearer of the cone's two sides
        lx, lz = (dx * leg - dz * reach) / d2, (dx * reach + dz * leg) / d2
        nx, nz = -lz, lx
    else:
        lx, lz = (dx * leg + dz * reach) / d2, (-dx * reach + dz * leg) / d2
        nx, nz = lz, -lx
    change = -(vx * nx + vz * nz)
    return change * nx, change * nz, nx, nz


@njit(cache=True, error_model="numpy")
def _on_line(planes, k, fastest, wish_x, wish_z, is_way):
    """(found, x, z): best velocity on the edge of half-plane k within planes[:k] and the disc of `fastest`.

    Best is nearest to the wish, or, if `is_way`, farthest along it.
    """
    nx, nz, c = planes[k, 0], planes[k, 1], planes[k, 2]
    room = fastest * fastest - c * c
    if room < 0.0:
        return False, 0.0, 0.0
    dx, dz = -nz, nx
    high = math.sqrt(room)
    low = -high
    for j in range(k):
        slope = planes[j, 0] * dx + planes[j, 1] * dz
        lack = planes[j, 2] - c * (planes[j, 0] * nx + planes[j, 1] * nz)
        if abs(slope) <= _EPS:
            if lack > _EPS:
                return False, 0.0, 0.0
        elif slope > 0.0:
            low = max(low, lack / slope)
        else:
            high = min(high, lack / slope)
    if low > high:
        return False, 0.0, 0.0
    at = wish_x * dx + wish_z * dz
    if is_way:
        at = high if at > 0.0 else low
    at = min(max(at, low), high)
    return True, c * nx + at * dx, c * nz + at * dz


@njit(cache=True, error_model="numpy")
def _nearest(planes, count, fastest, wish_x, wish_z, is_way):
    """(satisfied, x, z): as `_on_line` over the whole plane; satisfied < count names the half-plane that failed."""
    x, z = wish_x, wish_z
    speed = math.sqrt(x * x + z * z)
    if is_way or speed > fastest:
        x, z = x * fastest / speed, z * fastest / speed
    for k in range(count):
        if planes[k, 0] * x + planes[k, 1] * z < planes[k, 2]:
            found, new_x, new_z = _on_line(planes, k, fastest, wish_x, wish_z, is_way)
            if not found:
                return k, x, z
            x, z = new_x, new_z
    return count, x, z


@njit(cache=True, error_model="numpy")
def allowed_velocity(planes, hard, count, fastest, wish_x, wish_z, spare):
    """(x, z): the velocity nearest to the wish in all half-planes and the disc of radius `fastest`.

    planes: (K, 3) float64 rows n x, n z, c; the first `hard` of `count` are walls that never give way. When nothing is
    left, the velocity that breaks the worst of the others least. spare: (K, 3) float64 scratch.
    """
    done, x, z = _nearest(planes, count, fastest, wish_x, wish_z, False)
    if done == count:
        return x, z
    hard = min(hard, done)
    worst = 0.0
    for k in range(done, count):
        nx, nz, c = planes[k, 0], planes[k, 1], planes[k, 2]
        if c - (nx * x + nz * z) <= worst:
            continue
        rows = hard
        for j in range(hard):
            spare[j, :] = planes[j, :]
        for j in range(hard, k):  # where j is broken no more than k
            ax, az = planes[j, 0] - nx, planes[j, 1] - nz
            size = math.sqrt(ax * ax + az * az)
            if size > 1e-6:
                spare[rows, 0], spare[rows, 1], spare[rows, 2] = ax / size, az / size, (planes[j, 2] - c) / size
                rows += 1
        met, new_x, new_z = _nearest(spare, rows, fastest, nx, nz, True)
        if met == rows:
            x, z = new_x, new_z
        worst = c - (nx * x + nz * z)
    return x, z
