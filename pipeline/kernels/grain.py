"""Grain out of a counter: the same value for a frame and pixel on every tile, thread and farm task."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numba import njit
from numba.np.unsafe.ndarray import to_fixed_tuple
from scipy.special import ndtri

from pipeline.kernels.bands import in_bands
from pipeline.kernels.check import same_rgb, shaped
from pipeline.kernels.comprows import COLUMNS, load_pixels, store_pixels
from pipeline.kernels.exponent import fma

TAPS = 9  # the spatial kernel is TAPS x TAPS
_BENDS = 5  # of a curve, that one pass over a row adds up


@dataclass(frozen=True, slots=True)
class Grain:
    """How a plate's grain looks, ready for the compiled loop; all float32.

    Grain follows the levels of the camera's own channels: what a sensor's red photosite counts, a matrix spreads over all
    of ACEScg. levels, sigmas: (3, K) per camera channel: standard deviation at each scene-linear level, linear between,
    held outside. kernels: (3, TAPS, TAPS) spatial, of unit energy, one per source of noise. mix: (3, 3) camera channel
    from source, its rows of unit length: mix @ mix.T is the correlation between camera channels. acescg_from_camera:
    (3, 3), its rows sum to 1 (white stays white).
    """

    levels: np.ndarray
    sigmas: np.ndarray
    kernels: np.ndarray
    mix: np.ndarray
    acescg_from_camera: np.ndarray = field(default_factory=lambda: np.eye(3, dtype=np.float32))

    def __post_init__(self) -> None:
        knots = self.levels.shape[-1]
        shapes = {"levels": (3, knots), "sigmas": (3, knots), "kernels": (3, TAPS, TAPS), "mix": (3, 3)}
        shapes["acescg_from_camera"] = (3, 3)
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                raise ValueError(f"grain {name} is {array.shape} {array.dtype}; wanted finite {shape} float32.")
        if knots < 2 or (np.diff(self.levels, axis=1) <= 0).any() or (self.sigmas < 0).any():
            raise ValueError("grain levels must rise and sigmas be 0 or more, with two knots at least.")
        if abs(np.linalg.det(self.acescg_from_camera.astype(np.float64))) < 1e-3:
            raise ValueError("grain acescg_from_camera cannot be inverted.")

    @property
    def camera_from_acescg(self) -> np.ndarray:
        return np.linalg.inv(self.acescg_from_camera.astype(np.float64)).astype(np.float32)


def noise(height: int, width: int, grain: Grain, seed: int, frame: int, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Correlated grain of unit variance in camera channels, (H, W, 3) float32: white noise, spatial kernel, channel mix.

    origin: (x, y) of this tile in the whole picture; a tile has exactly the values of the whole picture's cut.
    """
    out = np.empty((height, width, 3), np.float32)
    how = grain.kernels, grain.mix, _quantiles(), _key(seed, frame), np.int64(origin[0]), np.int64(origin[1])
    in_bands(height, lambda top, bottom: _noise(top, bottom, out, *how))
    return out


def add_grain(
    plate: np.ndarray,
    picture: np.ndarray,
    kept: np.ndarray,
    grain: Grain,
    seed: int,
    frame: int,
    out: np.ndarray,
    origin: tuple[int, int] = (0, 0),
) -> None:
    """Give a picture the grain that it lacks: `out` = picture + noise of the missing variance.

    plate: (H, W, 3) float32, what was shot, grain and all. picture: (H, W, 3), the same with layers over it. kept:
    (H, W) float32, the share of the plate's own signal that is left, (1 - alpha) * shadow. The plate's grain is still
    there times `kept`, so what lacks is sigma(picture)^2 - kept^2 sigma(plate)^2 in each camera channel; where both are
    equally bright this is sigma times sqrt(1 - (1 - alpha)^2). Where kept is 1 the bits stay. `out` may be `picture`.
    """
    size = same_rgb(plate=plate, picture=picture, out=out)
    shaped(size, kept=kept)
    how = _graining(grain, seed, frame), np.int64(origin[0]), np.int64(origin[1])
    in_bands(size[0], lambda top, bottom: _add_grain(top, bottom, plate, picture, kept, *how, out))


def sigma_at(level: np.ndarray, channel: int, grain: Grain) -> np.ndarray:
    """Standard deviation that the profile gives at scene-linear `level` (any shape) of one camera channel."""
    return np.interp(level, grain.levels[channel], grain.sigmas[channel]).astype(np.float32)


def sigma_of(picture: np.ndarray, grain: Grain) -> np.ndarray:
    """Standard deviation of each ACEScg channel of a picture (..., 3) without grain, (..., 3) float32."""
    camera = picture @ grain.camera_from_acescg.T
    size = np.stack([sigma_at(camera[..., c], c, grain) for c in range(3)], axis=-1)
    columns = size[..., None, :] * grain.acescg_from_camera
    variance = ((columns @ (grain.mix @ grain.mix.T)) * columns).sum(axis=-1)
    return np.sqrt(np.maximum(variance, 0)).astype(np.float32)


def _graining(grain: Grain, seed: int, frame: int) -> tuple[tuple, np.ndarray, np.ndarray, tuple]:
    """What compiled loops take: law (curve, ACEScg from camera, camera from ACEScg), kernels, mix, (table, key)."""
    law = _curves(grain), grain.acescg_from_camera, grain.camera_from_acescg
    return law, grain.kernels, grain.mix, (_quantiles(), _key(seed, frame))


def _curves(grain: Grain) -> tuple[np.ndarray, ...]:
    """The profile as sigma(v) = foot + rise * v + sum of bend * max(v, knot), v the level held to the ends: no search.

    Ends (3, 2), foot and rise (3, 2), bends (3, K), knots (3, K), all float32; K is filled up with bends of 0 to whole
    passes.
    """
    levels, sigmas = grain.levels.astype(np.float64), grain.sigmas.astype(np.float64)
    slopes = np.diff(sigmas) / np.diff(levels)
    bends, knots = np.diff(slopes), levels[:, 1:-1]
    more = (0, 0), (0, -bends.shape[1] % _BENDS)
    feet = sigmas[:, 0] - slopes[:, 0] * levels[:, 0] - (bends * knots).sum(axis=1)
    tables = levels[:, [0, -1]], np.stack([feet, slopes[:, 0]], axis=1), np.pad(bends, more), np.pad(knots, more)
    return tuple(np.ascontiguousarray(a, np.float32) for a in tables)


def _key(seed: int, frame: int) -> np.uint32:
    return np.uint32((seed * 0x9E3779B1 + frame * 0x85EBCA77) & 0xFFFFFFFF)


@lru_cache(maxsize=1)
def _quantiles() -> np.ndarray:
    """4096 equally likely values of the normal distribution, unit variance: a hash's 12 bits pick one.

    A table instead of log and cosine: their last bit differs between machines, and a farm's tiles must fit.
    """
    values = ndtri((np.arange(4096) + 0.5) / 4096)
    return (values / np.sqrt(np.mean(values**2))).astype(np.float32)


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
def _fill_white(white, y0, x0, table, key):
    """White noise of one block, planes (3, rows, columns), from absolute pixel positions."""
    _, rows, columns = white.shape
    left = np.uint32(x0 & 0xFFFFFFFF)
    first, second = np.empty(columns, np.uint32), np.empty(columns, np.uint32)
    for j in range(rows):
        row_key = _hash(np.uint32(key + np.uint32((y0 + j) & 0xFFFFFFFF)))
        for i in range(columns):  # apart from the look-ups, which would keep the hashes from being vectorised
            first[i] = _hash(np.uint32(row_key ^ np.uint32(left + np.uint32(i))))
            second[i] = _hash(np.uint32(first[i] + np.uint32(0x9E3779B9)))
        a, b, d = white[0, j], white[1, j], white[2, j]
        for i in range(columns):
            k = np.uintp(i)
            a[k] = table[np.uintp(first[k] >> np.uint32(20))]
            b[k] = table[np.uintp((first[k] >> np.uint32(8)) & np.uint32(4095))]
            d[k] = table[np.uintp(second[k] >> np.uint32(20))]


@njit(cache=True)
def _noise_row(white, kernels, mix, j, made):
    """Row j of a block's grain of unit variance into `made` (3, columns): spatial kernel, then channel mix."""
    columns = made.shape[1]
    for c in range(3):
        line = made[c]
        line[:] = np.float32(0)
        for v in range(TAPS):
            row = white[c, j + v]
            taps = to_fixed_tuple(kernels[c, v], TAPS)  # in registers: the loop over x is the one to vectorise
            for i in range(columns):
                x = np.uintp(i)
                total = line[x]
                for u in range(TAPS):
                    total = fma(taps[u], row[x + np.uintp(u)], total)
                line[x] = total
    first, second, third = made[0], made[1], made[2]
    m00, m01, m02 = mix[0, 0], mix[0, 1], mix[0, 2]
    m10, m11, m12 = mix[1, 0], mix[1, 1], mix[1, 2]
    m20, m21, m22 = mix[2, 0], mix[2, 1], mix[2, 2]
    for i in range(columns):
        x = np.uintp(i)
        a, b, d = first[x], second[x], third[x]
        first[x] = m00 * a + m01 * b + m02 * d
        second[x] = m10 * a + m11 * b + m12 * d
        third[x] = m20 * a + m21 * b + m22 * d


@njit(cache=True)
def _sigma_row(level, curve, c, out):
    """The profile's standard deviation of camera channel c along a row; NaN gives the darkest or the brightest one."""
    ends, line, bends, knots = curve
    low, high, foot, rise = ends[c, 0], ends[c, 1], line[c, 0], line[c, 1]
    for i in range(out.shape[0]):
        x = np.uintp(i)
        v = min(max(level[x], low), high)
        level[x] = v
        out[x] = fma(rise, v, foot)
    for k in range(0, bends.shape[1], _BENDS):
        b = to_fixed_tuple(bends[c, k : k + _BENDS], _BENDS)
        at = to_fixed_tuple(knots[c, k : k + _BENDS], _BENDS)
        for i in range(out.shape[0]):
            x = np.uintp(i)
            v = level[x]
            total = out[x]
            for j in range(_BENDS):
                total = fma(b[j], max(v, at[j]), total)
            out[x] = total


@njit(cache=True)
def _grain_rows(plate, picture, kept, law, made, out):
    """A row of planes (3, columns): out = picture + the sigma that it lacks in each camera channel times `made`.

    Where kept is 1 the bits stay. `made` is used up. `out` is none of the others: rows that overlap are not vectorised.
    """
    curve, acescg_from_camera, camera_from_acescg = law
    zero, one = np.float32(0), np.float32(1)
    camera, wants = np.empty(kept.shape[0], np.float32), np.empty(kept.shape[0], np.float32)
    has, between = np.zeros(kept.shape[0], np.float32), _any_between(kept)
    for c in range(3):
        _mixed_row(picture, camera_from_acescg[c], camera)
        _sigma_row(camera, curve, c, wants)
        if between:
            _mixed_row(plate, camera_from_acescg[c], camera)
            _sigma_row(camera, curve, c, has)
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
def _any_lost(kept):
    """Is the plate covered or darkened anywhere in this row? NaN counts."""
    one = np.float32(1)
    count = np.uint32(0)
    for i in range(kept.shape[0]):
        count = np.uint32(count + np.uint32(not kept[np.uintp(i)] >= one))
    return count > 0


@njit(nogil=True, cache=True)
def _noise(top, bottom, out, kernels, mix, table, key, x0, y0):
    reach, width = TAPS // 2, out.shape[1]
    for left in range(0, width, COLUMNS):
        columns = min(COLUMNS, width - left)
        white = np.empty((3, bottom - top + 2 * reach, columns + 2 * reach), np.float32)
        made = np.empty((3, columns), np.float32)
        _fill_white(white, y0 + top - reach, x0 + left - reach, table, key)
        for y in range(top, bottom):
            _noise_row(white, kernels, mix, y - top, made)
            store_pixels(made, out[y, left : left + columns])


@njit(nogil=True, cache=True)
def _add_grain(top, bottom, plate, picture, kept, graining, x0, y0, out):
    law, kernels, mix, (table, key) = graining
    reach, width = TAPS // 2, out.shape[1]
    for left in range(0, width, COLUMNS):
        columns = min(COLUMNS, width - left)
        white = np.empty((3, bottom - top + 2 * reach, columns + 2 * reach), np.float32)
        made, done = np.empty((3, columns), np.float32), np.empty((3, columns), np.float32)
        had, has = np.empty((3, columns), np.float32), np.empty((3, columns), np.float32)
        filled = False
        for y in range(top, bottom):
            share, there = kept[y, left : left + columns], out[y, left : left + columns]
            if not _any_lost(share):
                there[:] = picture[y, left : left + columns]
                continue
            if not filled:
                _fill_white(white, y0 + top - reach, x0 + left - reach, table, key)
                filled = True
            _noise_row(white, kernels, mix, y - top, made)
            load_pixels(plate[y, left : left + columns], had)
            load_pixels(picture[y, left : left + columns], has)
            _grain_rows(had, has, share, law, made, done)
            store_pixels(done, there)
