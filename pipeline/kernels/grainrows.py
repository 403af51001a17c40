"""Grain along one row of a block that lies in the cache: hashed noise, its filter, and the size that a picture lacks.

Planes (3, columns) float32 in C order. No fastmath: it makes isnan() lie, and NaN is how a broken render shows.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numba.np.unsafe.ndarray import to_fixed_tuple

from pipeline.kernels.exponent import fma
from pipeline.kernels.noiselanes import COLUMNS, ROWS, TAPS, WIDE_TAPS, filter_lanes

BENDS = 5  # of a curve, that one pass over a row adds up


# Every product is cast back: numba widens uint32 arithmetic to 64 bits, which would change the hash.
@njit(inline="always")
def _hash(value):
    """Chris Wellons' low-bias 32-bit mixer ("Prospecting for Hash Functions", 2018)."""
    value = np.uint32(value ^ (value >> np.uint32(16)))
    value = np.uint32(value * np.uint32(0x7FEB352D))
    value = np.uint32(value ^ (value >> np.uint32(15)))
    value = np.uint32(value * np.uint32(0x846CA68B))
    return np.uint32(value ^ (value >> np.uint32(16)))


@njit(cache=True)
def planes_of(sources):
    """How many planes of white noise a block needs: one for each source, two where noise lies over some source's filtered one."""
    count = sources[0].shape[0]
    return 2 * count if (sources[2] > 0).any() else count


@njit(cache=True)
def fill_white(white, y0, x0, sources, hashed):
    """White noise of one block, planes (3 to 8, rows, columns), from absolute pixel positions; three sources are blended."""
    planes, rows, columns = white.shape
    table, key = hashed
    blend = sources[1]
    bound = _off_diagonal(blend)
    left, golden = np.uint32(x0 & 0xFFFFFFFF), np.uint32(0x9E3779B9)
    seen = np.empty(columns, np.uint32)
    for j in range(rows):
        row_key = _hash(np.uint32(key + np.uint32((y0 + j) & 0xFFFFFFFF)))
        for p in range(0, planes, 2):  # two values of each hash
            if p == 0:
                for i in range(columns):  # apart from the look-ups, which would keep the hashes from being vectorised
                    seen[i] = _hash(np.uint32(row_key ^ np.uint32(left + np.uint32(i))))
            else:
                for i in range(columns):
                    seen[i] = _hash(np.uint32(seen[i] + golden))
            _pick(white[p, j], table, seen, np.uint32(20))
            if p + 1 < planes:
                _pick(white[p + 1, j], table, seen, np.uint32(8))
        if bound:
            _mix_rows(white[0, j], white[1, j], white[2, j], blend)


@njit(inline="always")
def _pick(out, table, hashes, shift):
    """Twelve bits of each hash choose a value."""
    for i in range(out.shape[0]):
        k = np.uintp(i)
        out[k] = table[np.uintp((hashes[k] >> shift) & np.uint32(4095))]


def _row_filter(side):
    @njit(cache=True)
    def filtered(white, kernel, line):
        for v in range(side):
            row = white[v]
            taps = to_fixed_tuple(kernel[v], side)  # in registers: the loop over x is the one to vectorise
            for i in range(line.shape[0]):
                x = np.uintp(i)
                total = line[x]
                for u in range(side):
                    total = fma(taps[u], row[x + np.uintp(u)], total)
                line[x] = total

    return filtered


_filter_row, _filter_row_wide = _row_filter(TAPS), _row_filter(WIDE_TAPS)


@njit(cache=True)
def noise_rows(white, sources, j, rows, made):
    """Rows j to j + rows - 1, at most ROWS, of a block's sources of unit variance into `made` (ROWS, 3 or 4, columns): spatial
    kernel, white over it.
    """
    kernels, _, over, _ = sources
    count, columns, side = made.shape[1], made.shape[2], kernels.shape[1]
    reach = side // 2
    in_lanes = columns - columns % COLUMNS if rows == ROWS else 0
    for c in range(count):
        for r in range(rows):
            line = made[r, c]
            line[:] = np.float32(0)
            if white.shape[0] > count:
                row, share = white[count + c, j + r + reach], over[c]
                for i in range(columns):
                    x = np.uintp(i)
                    line[x] = share * row[x + np.uintp(reach)]
        if side == TAPS:
            for x in range(0, in_lanes, COLUMNS):
                filter_lanes(white[c], kernels[c], j, x, c, made, TAPS)
        else:
            for x in range(0, in_lanes, COLUMNS):
                filter_lanes(white[c], kernels[c], j, x, c, made, WIDE_TAPS)
        if in_lanes < columns:
            for r in range(rows):
                seen, line = white[c, j + r : j + r + side, in_lanes:], made[r, c, in_lanes:]
                if side == TAPS:
                    _filter_row(seen, kernels[c], line)
                else:
                    _filter_row_wide(seen, kernels[c], line)


@njit(cache=True)
def mix_row(made, sources):
    """A row of sources, planes (3 or 4, columns), into the camera's channels, the first three, in place."""
    mix = sources[3]
    _mix_rows(made[0], made[1], made[2], mix)
    if made.shape[0] > 3:
        for c in range(3):
            line, more, share = made[c], made[3], mix[c, 3]
            for i in range(line.shape[0]):
                x = np.uintp(i)
                line[x] += share * more[x]


@njit(cache=True)
def _off_diagonal(matrix):
    """Does a square matrix mix anything?"""
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            if i != j and matrix[i, j] != 0:
                return True
    return False


@njit(cache=True)
def _mix_rows(first, second, third, mix):
    """Three rows through the first three columns of a matrix, in place."""
    m00, m01, m02 = mix[0, 0], mix[0, 1], mix[0, 2]
    m10, m11, m12 = mix[1, 0], mix[1, 1], mix[1, 2]
    m20, m21, m22 = mix[2, 0], mix[2, 1], mix[2, 2]
    for i in range(first.shape[0]):
        x = np.uintp(i)
        a, b, d = first[x], second[x], third[x]
        first[x] = m00 * a + m01 * b + m02 * d
        second[x] = m10 * a + m11 * b + m12 * d
        third[x] = m20 * a + m21 * b + m22 * d


@njit(cache=True)
def sigma_row(level, curve, c, out):
    """The profile's standard deviation of camera channel c along a row; NaN gives the darkest or the brightest one."""
    ends, line, bends, knots = curve
    low, high, foot, rise = ends[c, 0], ends[c, 1], line[c, 0], line[c, 1]
    for i in range(out.shape[0]):
        x = np.uintp(i)
        v = min(max(level[x], low), high)
        level[x] = v
        out[x] = fma(rise, v, foot)
    for k in range(0, bends.shape[1], BENDS):
        b = to_fixed_tuple(bends[c, k : k + BENDS], BENDS)
        at = to_fixed_tuple(knots[c, k : k + BENDS], BENDS)
        for i in range(out.shape[0]):
            x = np.uintp(i)
            v = level[x]
            total = out[x]
            for j in range(BENDS):
                total = fma(b[j], max(v, at[j]), total)
            out[x] = total


@njit(cache=True)
def grain_rows(plate, picture, kept, law, made, out):
    """A row of planes (3, columns): out = picture + the sigma that it lacks in each camera channel times `made`.

    Where kept is 1 the bits stay. `made` is used up. `out` is none of the others: rows that overlap are not vectorised.
    """
    curve, acescg_from_camera, camera_from_acescg = law
    zero, one = np.float32(0), np.float32(1)
    camera, wants = np.empty(kept.shape[0], np.float32), np.empty(kept.shape[0], np.float32)
    has, between = np.zeros(kept.shape[0], np.float32), _any_between(kept)
    for c in range(3):
        _mixed_row(picture, camera_from_acescg[c], camera)
        sigma_row(camera, curve, c, wants)
        if between:
            _mixed_row(plate, camera_from_acescg[c], camera)
            sigma_row(camera, curve, c, has)
        line = made[c]
        for i in range(kept.shape[0]):
            x = np.uintp(i)
            left = kept[x] * has[x]
            lacks = wants[x] * wants[x] - left * left
            line[x] *= np.sqrt(lacks if lacks > zero else zero)  # not max(): a NaN stays in its own channel
    for c in range(3):
        _mixed_row(made, acescg_from_camera[c], camera)
        under, line = picture[c], out[c]
        for i in range(kept.shape[0]):
            x = np.uintp(i)
            value = under[x]
            made_up = value + camera[x]
            line[x] = value if kept[x] >= one else made_up


@njit(cache=True)
def _mixed_row(planes, weights, out):
    """One channel (columns,) out of three (3, columns)."""
    first, second, third = planes[0], planes[1], planes[2]
    a, b, d = weights[0], weights[1], weights[2]
    for i in range(out.shape[0]):
        x = np.uintp(i)
        out[x] = a * first[x] + b * second[x] + d * third[x]


@njit(cache=True)
def _any_between(kept):
    """Is some of the plate's own grain left anywhere in this row, beside what is untouched?"""
    zero, one = np.float32(0), np.float32(1)
    count = np.uint32(0)
    for i in range(kept.shape[0]):
        x = np.uintp(i)
        count = np.uint32(count + np.uint32((kept[x] != zero) & (kept[x] < one)))
    return count > 0


@njit(cache=True)
def any_lost(kept):
    """Is the plate covered or darkened anywhere in this row? NaN counts."""
    one = np.float32(1)
    count = np.uint32(0)
    for i in range(kept.shape[0]):
        count = np.uint32(count + np.uint32(not kept[np.uintp(i)] >= one))
    return count > 0
