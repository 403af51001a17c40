"""Alpha matting on an unknown band: the share of the front that fits the colours of its neighbourhood."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import RUN, banded
from pipeline.kernels.check import shaped

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
BACK, FRONT, UNKNOWN = np.uint8(0), np.uint8(255), np.uint8(128)  # of a trimap
ROUNDS = 150  # of conjugate gradients, at most
_SIDE = 9  # pixels of the matting Laplacian's window
_REACH = 2  # pixels from one to another that share a window
_WIDE = 2 * _REACH + 1
_ROW = _WIDE * _WIDE
_MIDDLE = _ROW // 2


def fit(
    picture: Floats,
    trimap: Bytes,
    rough: Floats,
    trust: Floats,
    *,
    toe: float,
    smooth: float = 1e-6,
    rounds: int = ROUNDS,
    tolerance: float = 1e-3,
) -> Floats:
    """(H, W) float32 alpha: 1 where trimap is FRONT, 0 where BACK, between them the share that fits its neighbours.

    In every 3 x 3 window alpha is as near as can be to a linear function of the colour (the matting Laplacian), and each
    unknown pixel is drawn to `rough` (H, W) by `trust` (H, W) >= 0. Only windows that touch the unknown band are looked
    at. smooth: how little colour must vary, as a share of the window's light, to count as one colour. Solved by conjugate
    gradients until the residue fell by `tolerance`; sums run in reading order, so any number of threads gives the same bits.
    Raises ValueError on another shape or dtype.

    Source: Levin, Lischinski and Weiss, "A closed-form solution to natural image matting", PAMI 2008.
    """
    size = (trimap.shape[0], trimap.shape[1])
    shaped(size, 3, picture=picture)
    shaped(size, dtype=np.uint8, trimap=trimap)
    shaped(size, rough=rough, trust=trust)
    unknown = trimap == UNKNOWN
    out = np.where(trimap == FRONT, np.float32(1), np.where(trimap == BACK, np.float32(0), rough))
    if not unknown.any():
        return out
    padded = np.pad(unknown, 1)
    touched = np.zeros_like(unknown)
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            touched |= padded[dy : dy + size[0], dx : dx + size[1]]
    touched[[0, -1]] = touched[:, [0, -1]] = False  # windows lie inside the picture
    wy, wx = (a.astype(np.int64) for a in np.nonzero(touched))
    uy, ux = (a.astype(np.int64) for a in np.nonzero(unknown))
    number = np.full(unknown.shape, -1, np.int32)
    number[wy, wx] = np.arange(len(wy), dtype=np.int32)
    means, spread = np.empty((len(wy), 3)), np.empty((len(wy), 6))
    banded(_windows, len(wy), picture, wy, wx, float(toe), float(smooth), means, spread, rows=RUN)
    rows = np.zeros((len(uy), _ROW))
    banded(_rows, len(uy), picture, uy, ux, number, means, spread, trust, rows, rows=RUN)
    pull = trust[uy, ux].astype(np.float64)
    # Padded, so that a row of the Laplacian is always inside.
    known = np.pad(np.where(unknown, 0, out).astype(np.float64), _REACH)
    fixed = np.empty(len(uy))
    _product(rows, uy, ux, known, fixed)
    solved = rough[uy, ux].astype(np.float64)
    field = np.zeros_like(known)
    _conjugate(rows, uy, ux, pull * solved - fixed, field, solved, rounds, tolerance)
    out[uy, ux] = np.clip(solved, 0, 1)
    return out


@njit(cache=True)
def _dot(a, b):
    total = 0.0
    for n in range(len(a)):
        total += a[n] * b[n]
    return total


@njit(nogil=True, cache=True, error_model="numpy")
def _windows(first, last, colours, ys, xs, toe, smooth, means, spread):
    """Mean (3,) and inverse covariance (upper triangle of 3 x 3) of the colours in each window."""
    for n in range(first, last):
        y, x = ys[n], xs[n]
        m0 = m1 = m2 = np.float64(0)  # so that sums are of 64 bits uncompiled as well
        for j in range(y - 1, y + 2):
            for i in range(x - 1, x + 2):
                m0 += colours[j, i, 0]
                m1 += colours[j, i, 1]
                m2 += colours[j, i, 2]
        m0, m1, m2 = m0 / _SIDE, m1 / _SIDE, m2 / _SIDE
        a = b = c = d = e = f = 0.0
        for j in range(y - 1, y + 2):
            for i in range(x - 1, x + 2):
                r, g, u = colours[j, i, 0] - m0, colours[j, i, 1] - m1, colours[j, i, 2] - m2
                a, b, c, d, e, f = a + r * r, b + r * g, c + r * u, d + g * g, e + g * u, f + u * u
        light = (abs(m0) + abs(m1) + abs(m2)) / 3 + toe
        floor = smooth * light * light
        a, d, f = a / _SIDE + floor, d / _SIDE + floor, f / _SIDE + floor
        b, c, e = b / _SIDE, c / _SIDE, e / _SIDE
        c00, c01, c02 = d * f - e * e, c * e - b * f, b * e - c * d
        det = a * c00 + b * c01 + c * c02
        means[n, 0], means[n, 1], means[n, 2] = m0, m1, m2
        spread[n, 0], spread[n, 1], spread[n, 2] = c00 / det, c01 / det, c02 / det
        spread[n, 3], spread[n, 4], spread[n, 5] = (a * f - c * c) / det, (b * c - a * e) / det, (a * d - b * b) / det


@njit(nogil=True, cache=True, error_model="numpy")
def _rows(first, last, colours, ys, xs, number, means, spread, trust, rows):
    """The matting Laplacian's row of each unknown pixel, over the 5 x 5 around it, with `trust` on its diagonal."""
    height, width = number.shape
    for n in range(first, last):
        y, x = ys[n], xs[n]
        row = rows[n]
        for j in range(max(y - 1, 0), min(y + 2, height)):
            for i in range(max(x - 1, 0), min(x + 2, width)):
                w = number[j, i]
                if w < 0:
                    continue
                m0, m1, m2 = means[w, 0], means[w, 1], means[w, 2]
                r, g, u = colours[y, x, 0] - m0, colours[y, x, 1] - m1, colours[y, x, 2] - m2
                s0 = spread[w, 0] * r + spread[w, 1] * g + spread[w, 2] * u
                s1 = spread[w, 1] * r + spread[w, 3] * g + spread[w, 4] * u
                s2 = spread[w, 2] * r + spread[w, 4] * g + spread[w, 5] * u
                row[_MIDDLE] += 1.0
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        c0 = colours[j + dy, i + dx, 0] - m0
                        c1 = colours[j + dy, i + dx, 1] - m1
                        c2 = colours[j + dy, i + dx, 2] - m2
                        at = np.uintp((j + dy - y + _REACH) * _WIDE + i + dx - x + _REACH)
                        row[at] -= (1.0 + s0 * c0 + s1 * c1 + s2 * c2) / _SIDE
        row[_MIDDLE] += trust[y, x]


@njit(nogil=True, cache=True, error_model="numpy")
def _product(rows, ys, xs, field, out):
    """Rows of the Laplacian times `field`, which is padded by their reach."""
    for n in range(len(ys)):
        y, x = np.uintp(ys[n]), np.uintp(xs[n])
        row = rows[n]
        total = 0.0
        for j in range(_WIDE):
            part = 0.0
            for i in range(_WIDE):
                part += row[np.uintp(j * _WIDE + i)] * field[y + np.uintp(j), x + np.uintp(i)]
            total += part
        out[n] = total


@njit(nogil=True, cache=True)
def _conjugate(rows, ys, xs, right, field, x, rounds, tolerance):
    """Solve rows * x = right from x by conjugate gradients, scaled by the diagonal. field: zeros, padded by the rows' reach."""
    count = len(ys)
    moved = np.empty(count)
    for n in range(count):
        field[ys[n] + _REACH, xs[n] + _REACH] = x[n]
    _product(rows, ys, xs, field, moved)
    scale = 1.0 / np.maximum(rows[:, _MIDDLE], 1e-9)
    left = right - moved
    first = np.sqrt(_dot(left, left))
    way = scale * left
    energy = _dot(left, way)
    for _ in range(rounds):
        if energy <= 0 or np.sqrt(_dot(left, left)) <= tolerance * max(first, 1e-12):
            break
        for n in range(count):
            field[ys[n] + _REACH, xs[n] + _REACH] = way[n]
        _product(rows, ys, xs, field, moved)
        step = energy / _dot(way, moved)
        again = 0.0
        for n in range(count):
            x[n] += step * way[n]
            left[n] -= step * moved[n]
            again += left[n] * scale[n] * left[n]
        before, energy = energy, again
        for n in range(count):
            way[n] = scale[n] * left[n] + (energy / before) * way[n]
