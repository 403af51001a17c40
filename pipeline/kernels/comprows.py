"""The steps of a comp on one row of planes that lies in the cache: what fused kernels are made of.

`rgba` is (4, n) float32, premultiplied scene-linear, changed in place; all in C order. No fastmath
anywhere: it makes isnan() lie, and NaN is how a broken render shows. error_model numpy: a check for division by zero
would keep a loop from being vectorised.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.kernels.exponent import exp
from pipeline.kernels.halves import float_of, half_of
from pipeline.kernels.interleaved import EIGHT, join_eight, split_eight

_ZERO, _ONE, _LEAST = np.float32(0), np.float32(1), np.float32(1e-4)
COLUMNS = 512  # of a block: what it works on stays in one core's caches; changes speed, never values


@njit(cache=True)
def load_halves(planes, out):
    """Halves' bits (C, n) as float32."""
    for c in range(out.shape[0]):
        line, row = out[c], planes[c]
        for i in range(out.shape[1]):
            x = np.uintp(i)
            line[x] = float_of(row[x])


@njit(cache=True)
def load_pixels(pixels, out):
    """(n, C) interleaved into (C, n); C is 3 or 4."""
    n = out.shape[1]
    whole = n - n % EIGHT
    if out.shape[0] == 4:
        for x in range(0, whole, EIGHT):
            split_eight(pixels, out, x, 4)
    else:
        for x in range(0, whole, EIGHT):
            split_eight(pixels, out, x, 3)
    for x in range(whole, n):
        for c in range(out.shape[0]):
            out[c, x] = pixels[x, c]


@njit(cache=True)
def store_pixels(planes, out):
    """(C, n) into (n, C) interleaved; C is 3 or 4."""
    n = planes.shape[1]
    whole = n - n % EIGHT
    if planes.shape[0] == 4:
        for x in range(0, whole, EIGHT):
            join_eight(planes, out, x, 4)
    else:
        for x in range(0, whole, EIGHT):
            join_eight(planes, out, x, 3)
    for x in range(whole, n):
        for c in range(planes.shape[0]):
            out[x, c] = planes[c, x]


@njit(cache=True)
def grade_linear_row(rgba, matrix, offset):
    """rgb = matrix @ rgb + offset * alpha: a grade without power needs no division."""
    red, green, blue, alpha = rgba[0], rgba[1], rgba[2], rgba[3]
    m00, m01, m02, c0 = matrix[0, 0], matrix[0, 1], matrix[0, 2], offset[0]
    m10, m11, m12, c1 = matrix[1, 0], matrix[1, 1], matrix[1, 2], offset[1]
    m20, m21, m22, c2 = matrix[2, 0], matrix[2, 1], matrix[2, 2], offset[2]
    for i in range(rgba.shape[1]):
        x = np.uintp(i)
        r, g, b, a = red[x], green[x], blue[x], alpha[x]
        red[x] = m00 * r + m01 * g + m02 * b + c0 * a
        green[x] = m10 * r + m11 * g + m12 * b + c1 * a
        blue[x] = m20 * r + m21 * g + m22 * b + c2 * a


@njit(cache=True)
def haze_row(rgba, depth, colour, extinction):
    """rgb = rgb * t + alpha * colour * (1 - t), t = exp(-extinction * depth); depth (n,), +inf where empty."""
    red, green, blue, alpha = rgba[0], rgba[1], rgba[2], rgba[3]
    c0, c1, c2 = colour[0], colour[1], colour[2]
    for i in range(rgba.shape[1]):
        x = np.uintp(i)
        through = exp(-extinction * depth[x])
        air = alpha[x] * (_ONE - through)
        red[x] = red[x] * through + air * c0
        green[x] = green[x] * through + air * c1
        blue[x] = blue[x] * through + air * c2


@njit(cache=True, error_model="numpy")
def wrap_row(rgba, outside, amount, white, weights):
    """Light from beside a layer creeps over its edge: each channel rises towards it, never sinks.

    outside: (4, n), blurred: what is behind the layer times the layer's transparency, and that transparency. The light
    counts by how much of it reaches a pixel and by its luminance against `white`.
    """
    n = rgba.shape[1]
    alpha, share, once, edge = rgba[3], outside[3], np.empty(n, np.float32), np.zeros(n, np.float32)
    for i in range(n):
        x = np.uintp(i)
        once[x] = _ONE / max(share[x], _LEAST)
    for c in range(3):
        beside, weight = outside[c], weights[c] / white
        for i in range(n):
            x = np.uintp(i)
            edge[x] += weight * (beside[x] * once[x])
    for i in range(n):
        x = np.uintp(i)
        edge[x] = min(amount * share[x] * min(max(edge[x], _ZERO), _ONE), _ONE)
    for c in range(3):
        line, beside = rgba[c], outside[c]
        for i in range(n):
            x = np.uintp(i)
            value = line[x]
            lack = alpha[x] * (beside[x] * once[x]) - value
            more = value + edge[x] * lack
            line[x] = value if lack < _ZERO else more


@njit(cache=True)
def half_row(grained, plate, kept, out):
    """(n,) of one channel as halves' bits; where nothing was added the plate's own, not computed back."""
    for i in range(out.shape[0]):
        x = np.uintp(i)
        shot, made = plate[x], half_of(grained[x])  # both first: a load under a condition is not vectorised
        out[x] = shot if kept[x] >= _ONE else made
