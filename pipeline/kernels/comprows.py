"""The steps of a comp on one row of planes that lies in the cache: what fused kernels are made of.

`rgba` is (4, n) float32, premultiplied scene-linear, changed in place; `picture` (3, n); all in C order. No fastmath
anywhere: it makes isnan() lie, and NaN is how a broken render shows. error_model numpy: a check for division by zero
would keep a loop from being vectorised.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.kernels.exponent import exp, power
from pipeline.kernels.halves import float_of, half_of

_ZERO, _ONE, _LEAST = np.float32(0), np.float32(1), np.float32(1e-4)
COLUMNS = 512  # of a block: what it works on stays in one core's caches; changes speed, never values


@njit(cache=True)
def load(planes, y, left, out):
    """Row y of (C, H, W) planes, halves' bits or float32, of any strides, from column `left` on, into (C, n) float32."""
    for c in range(out.shape[0]):
        line, row = out[c], planes[c, y, left : left + out.shape[1]]
        for i in range(out.shape[1]):
            x = np.uintp(i)
            line[x] = float_of(row[x])


@njit(cache=True)
def load_pixels(pixels, out):
    """(n, C) interleaved into (C, n)."""
    for c in range(out.shape[0]):
        line = out[c]
        for i in range(out.shape[1]):
            x = np.uintp(i)
            line[x] = pixels[x, np.uintp(c)]


@njit(cache=True)
def store_pixels(planes, out):
    """(C, n) into (n, C) interleaved."""
    for c in range(planes.shape[0]):
        line = planes[c]
        for i in range(planes.shape[1]):
            x = np.uintp(i)
            out[x, np.uintp(c)] = line[x]


@njit(cache=True)
def empty(rgba):
    """Does a layer add nothing anywhere in the row: no alpha, no light? NaN is something."""
    count = np.uint32(0)
    for c in range(4):
        for i in range(rgba.shape[1]):
            count = np.uint32(count + np.uint32(rgba[c, np.uintp(i)] != _ZERO))
    return count == 0


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


@njit(cache=True, error_model="numpy")
def grade_row(rgba, gain, offset, exponent, saturation, weights):
    """Unpremultiply, gain and offset, power, saturation, premultiply; where alpha is 0 gain alone: it is pure light."""
    n = rgba.shape[1]
    alpha, grey, share = rgba[3], np.zeros(n, np.float32), np.empty(n, np.float32)
    for i in range(n):
        x = np.uintp(i)
        share[x] = _ONE / alpha[x] if alpha[x] != _ZERO else _ONE
    rest = _ONE - saturation
    for c in range(3):  # a channel at a time: a loop over all three would hold too much to be vectorised
        line, by, lift, bend, weight = rgba[c], gain[c], offset[c], exponent[c], weights[c] * rest
        for i in range(n):
            x = np.uintp(i)
            v = line[x] * share[x] * by
            line[x] = v + lift if alpha[x] != _ZERO else v
        if bend != _ONE:
            for i in range(n):
                x = np.uintp(i)
                line[x] = power(line[x], bend) if alpha[x] != _ZERO else line[x]
        for i in range(n):
            x = np.uintp(i)
            grey[x] += weight * line[x]
    for c in range(3):
        line = rgba[c]
        for i in range(rgba.shape[1]):
            x = np.uintp(i)
            a = alpha[x]
            line[x] = (grey[x] + line[x] * saturation) * a if a != _ZERO else line[x]


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


@njit(cache=True)
def shadow_row(picture, shadow, veil):
    """picture = air + (picture - air) * shadow, air = min(veil, picture); a shadow of 1 or more leaves the bits."""
    for c in range(3):
        line, air_line = picture[c], veil[c]
        for i in range(picture.shape[1]):
            x = np.uintp(i)
            value, light = line[x], shadow[x]
            held = _ZERO if light < _ZERO else light
            air = value if air_line[x] > value else air_line[x]
            line[x] = value if light >= _ONE else air + (value - air) * held


@njit(cache=True, error_model="numpy")
def wrap_row(rgba, outside, amount, white, weights):
    """Light from beside a layer creeps over its edge: each channel rises towards it, never sinks.

    outside: (4, n), blurred: what is behind the layer times the layer's transparency, and that transparency. The light
    counts by how much of it reaches a pixel and by its luminance against `white`.
    """
    alpha, share = rgba[3], outside[3]
    light, edge = np.empty((3, rgba.shape[1]), np.float32), np.zeros(rgba.shape[1], np.float32)
    for c in range(3):
        line, beside, weight = light[c], outside[c], weights[c] / white
        for i in range(rgba.shape[1]):
            x = np.uintp(i)
            line[x] = beside[x] / max(share[x], _LEAST)
            edge[x] += weight * line[x]
    for i in range(rgba.shape[1]):
        x = np.uintp(i)
        edge[x] = min(amount * share[x] * min(max(edge[x], _ZERO), _ONE), _ONE)
    for c in range(3):
        line, beside = rgba[c], light[c]
        for i in range(rgba.shape[1]):
            x = np.uintp(i)
            lack = alpha[x] * beside[x] - line[x]
            line[x] += edge[x] * (_ZERO if lack < _ZERO else lack)


@njit(cache=True)
def over_row(rgba, picture, kept):
    """picture = rgb + (1 - alpha) * picture, kept *= 1 - min(alpha, 1)."""
    alpha = rgba[3]
    for c in range(3):
        front, line = rgba[c], picture[c]
        for i in range(rgba.shape[1]):
            x = np.uintp(i)
            line[x] = front[x] + (_ONE - alpha[x]) * line[x]
    for i in range(rgba.shape[1]):
        x = np.uintp(i)
        through = _ONE - alpha[x]
        kept[x] *= _ZERO if through < _ZERO else through


@njit(cache=True)
def hold(values, out):
    """`values` held to 0..1; NaN stays."""
    for i in range(out.shape[0]):
        x = np.uintp(i)
        v = values[x]
        v = _ZERO if v < _ZERO else v
        out[x] = _ONE if v > _ONE else v


@njit(cache=True)
def lit_row(rgba, lit):
    """Mark in `lit` (n,) uint8 where a layer has light of its own, whatever its alpha."""
    red, green, blue = rgba[0], rgba[1], rgba[2]
    for i in range(rgba.shape[1]):
        x = np.uintp(i)
        lit[x] = np.uint8((red[x] != _ZERO) | (green[x] != _ZERO) | (blue[x] != _ZERO))


@njit(cache=True)
def half_row(grained, plate, kept, lit, out):
    """(n,) of one channel as halves' bits; where nothing was added the plate's own, not computed back."""
    for i in range(out.shape[0]):
        x = np.uintp(i)
        made = half_of(grained[x])
        out[x] = plate[x] if (kept[x] >= _ONE) & (lit[x] == np.uint8(0)) else made
