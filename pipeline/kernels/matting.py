"""Alpha matting on an unknown band: the share of the front that fits the colours of its neighbourhood."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from pipeline.kernels.check import shaped

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
BACK, FRONT, UNKNOWN = np.uint8(0), np.uint8(255), np.uint8(128)  # of a trimap
ROUNDS = 150  # of conjugate gradients, at most
_SIDE = 9  # pixels of the matting Laplacian's window


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

    Source: Levin, Lischinski and Weiss, "A closed-form solution to natural image matting", PAMI 2008; products without
    a matrix as in He, Sun and Tang, "Fast matting using large kernel matting Laplacian matrices", CVPR 2010.
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
    _windows(picture, wy, wx, float(toe), float(smooth), means, spread)
    pull = trust[uy, ux].astype(np.float64)
    wanted = rough[uy, ux].astype(np.float64)
    solved = _solve(
        picture, (wy, wx), (uy, ux), number, means, spread, pull, wanted, out.astype(np.float64), rounds, tolerance
    )
    out[uy, ux] = np.clip(solved, 0, 1)
    return out


def _solve(colours, windows, places, number, means, spread, pull, wanted, alpha, rounds, tolerance):
    slopes, shifts = np.zeros((len(windows[0]), 3)), np.zeros(len(windows[0]))

    def product(field):
        _slopes(colours, *windows, means, spread, field, slopes, shifts)
        result = np.empty(len(pull))
        _laplacian(colours, *places, number, slopes, shifts, field, result)
        return result + pull * field[places]

    scale = np.empty(len(pull))
    _diagonal(colours, *places, number, means, spread, scale)
    scale = 1 / np.maximum(scale + pull, 1e-9)
    left = pull * wanted - product(alpha)
    first = np.sqrt(_dot(left, left))
    field = np.zeros_like(alpha)
    x = alpha[places].copy()
    way = scale * left
    energy = _dot(left, way)
    for _ in range(rounds):
        if energy <= 0 or np.sqrt(_dot(left, left)) <= tolerance * max(first, 1e-12):
            break
        field[places] = way
        moved = product(field)
        step = energy / _dot(way, moved)
        x += step * way
        left -= step * moved
        again = scale * left
        before, energy = energy, _dot(left, again)
        way = again + (energy / before) * way
    return x


@njit(cache=True)
def _dot(a, b):
    total = 0.0
    for n in range(len(a)):
        total += a[n] * b[n]
    return total


@njit(parallel=True, cache=True)
def _windows(colours, ys, xs, toe, smooth, means, spread):
    """Mean (3,) and inverse covariance (upper triangle of 3 x 3) of the colours in each window."""
    for n in prange(len(ys)):
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


@njit(parallel=True, cache=True)
def _slopes(colours, ys, xs, means, spread, field, slopes, shifts):
    """The linear function of colour nearest to `field` in each window: slope (3,) and shift."""
    for n in prange(len(ys)):
        y, x = ys[n], xs[n]
        m0, m1, m2 = means[n, 0], means[n, 1], means[n, 2]
        level = v0 = v1 = v2 = 0.0
        for j in range(y - 1, y + 2):
            for i in range(x - 1, x + 2):
                p = field[j, i]
                level += p
                v0 += p * (colours[j, i, 0] - m0)
                v1 += p * (colours[j, i, 1] - m1)
                v2 += p * (colours[j, i, 2] - m2)
        level, v0, v1, v2 = level / _SIDE, v0 / _SIDE, v1 / _SIDE, v2 / _SIDE
        s = spread[n]
        slopes[n, 0] = s[0] * v0 + s[1] * v1 + s[2] * v2
        slopes[n, 1] = s[1] * v0 + s[3] * v1 + s[4] * v2
        slopes[n, 2] = s[2] * v0 + s[4] * v1 + s[5] * v2
        shifts[n] = level - slopes[n, 0] * m0 - slopes[n, 1] * m1 - slopes[n, 2] * m2


@njit(parallel=True, cache=True)
def _laplacian(colours, ys, xs, number, slopes, shifts, field, out):
    height, width = number.shape
    for n in prange(len(ys)):
        y, x = ys[n], xs[n]
        c0, c1, c2, p = colours[y, x, 0], colours[y, x, 1], colours[y, x, 2], field[y, x]
        total = 0.0
        for j in range(max(y - 1, 0), min(y + 2, height)):
            for i in range(max(x - 1, 0), min(x + 2, width)):
                w = number[j, i]
                if w >= 0:
                    total += p - slopes[w, 0] * c0 - slopes[w, 1] * c1 - slopes[w, 2] * c2 - shifts[w]
        out[n] = total


@njit(parallel=True, cache=True)
def _diagonal(colours, ys, xs, number, means, spread, out):
    height, width = number.shape
    for n in prange(len(ys)):
        y, x = ys[n], xs[n]
        total = 0.0
        for j in range(max(y - 1, 0), min(y + 2, height)):
            for i in range(max(x - 1, 0), min(x + 2, width)):
                w = number[j, i]
                if w >= 0:
                    r, g, u = (
                        colours[y, x, 0] - means[w, 0],
                        colours[y, x, 1] - means[w, 1],
                        colours[y, x, 2] - means[w, 2],
                    )
                    s = spread[w]
                    far = s[0] * r * r + s[3] * g * g + s[5] * u * u + 2 * (s[1] * r * g + s[2] * r * u + s[4] * g * u)
                    total += 1 - (1 + far) / _SIDE
        out[n] = total
