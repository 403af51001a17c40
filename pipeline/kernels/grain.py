"""Grain out of a counter: the same value for a frame and pixel on every tile, thread and farm task."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit, prange
from scipy.special import ndtri

from pipeline.kernels.check import same_rgb, shaped

TAPS = 5  # the spatial kernel is TAPS x TAPS
_ROWS = 16  # rows that share one buffer of white noise; changes speed, never values


@dataclass(frozen=True, slots=True)
class Grain:
    """How a plate's grain looks, ready for the compiled loop; all float32.

    levels, sigmas: (3, K) per channel of ACEScg: standard deviation at each scene-linear level, linear between, held
    outside. kernels: (3, 5, 5) spatial, unit energy. mix: (3, 3) lower triangular, its rows of unit length: mix @ mix.T
    is the correlation between channels.
    """

    levels: np.ndarray
    sigmas: np.ndarray
    kernels: np.ndarray
    mix: np.ndarray

    def __post_init__(self) -> None:
        knots = self.levels.shape[-1]
        shapes = {"levels": (3, knots), "sigmas": (3, knots), "kernels": (3, TAPS, TAPS), "mix": (3, 3)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                raise ValueError(f"grain {name} is {array.shape} {array.dtype}; wanted finite {shape} float32.")
        if knots < 2 or (np.diff(self.levels, axis=1) <= 0).any() or (self.sigmas < 0).any():
            raise ValueError("grain levels must rise and sigmas be 0 or more, with two knots at least.")


def noise(height: int, width: int, grain: Grain, seed: int, frame: int, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Correlated grain of unit variance, (H, W, 3) float32: white noise, spatial kernel, channel mix.

    origin: (x, y) of this tile in the whole picture; a tile has exactly the values of the whole picture's cut.
    """
    out = np.empty((height, width, 3), np.float32)
    _noise(out, grain.kernels, grain.mix, _quantiles(), _key(seed, frame), np.int64(origin[0]), np.int64(origin[1]))
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
    there times `kept`, so what lacks is sigma(picture)^2 - kept^2 sigma(plate)^2; where both are equally bright this is
    sigma times sqrt(1 - (1 - alpha)^2). Where kept is 1 the bits stay. `out` may be `picture`. Colour stays linear.
    """
    size = same_rgb(plate=plate, picture=picture, out=out)
    shaped(size, kept=kept)
    table, key = _quantiles(), _key(seed, frame)
    x0, y0 = np.int64(origin[0]), np.int64(origin[1])
    variances, brightest = _variances(grain)
    _add_grain(plate, picture, kept, variances, brightest, grain.kernels, grain.mix, table, key, x0, y0, out)


def sigma_at(level: np.ndarray, channel: int, grain: Grain) -> np.ndarray:
    """Standard deviation that the profile gives at scene-linear `level` (any shape) of one channel."""
    return np.interp(level, grain.levels[channel], grain.sigmas[channel]).astype(np.float32)


def _variances(grain: Grain) -> tuple[np.ndarray, np.float32]:
    """The profile's variance on (3, 1025) levels top * (k / 1024)^2: one root finds the place, no search does."""
    top = float(grain.levels.max())
    at = top * (np.arange(1025) / 1024) ** 2
    sigmas = np.stack([np.interp(at, grain.levels[c], grain.sigmas[c]) for c in range(3)])
    return (sigmas**2).astype(np.float32), np.float32(top)


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
    for j in range(rows):
        row_key = _hash(np.uint32(key + np.uint32((y0 + j) & 0xFFFFFFFF)))
        for i in range(columns):
            first = _hash(np.uint32(row_key ^ np.uint32((x0 + i) & 0xFFFFFFFF)))
            second = _hash(np.uint32(first + np.uint32(0x9E3779B9)))
            white[0, j, i] = table[np.uintp(first >> np.uint32(20))]
            white[1, j, i] = table[np.uintp((first >> np.uint32(8)) & np.uint32(4095))]
            white[2, j, i] = table[np.uintp(second >> np.uint32(20))]


@njit(inline="always")
def _filtered(white, kernels, c, j, i):
    total = np.float32(0)
    for v in range(TAPS):
        for u in range(TAPS):
            total += kernels[c, v, u] * white[c, j + v, i + u]
    return total


@njit(parallel=True, cache=True)
def _noise(out, kernels, mix, table, key, x0, y0):
    height, width, _ = out.shape
    reach = TAPS // 2
    for block in prange((height + _ROWS - 1) // _ROWS):
        top = block * _ROWS
        rows = min(_ROWS, height - top)
        white = np.empty((3, rows + 2 * reach, width + 2 * reach), np.float32)
        _fill_white(white, y0 + top - reach, x0 - reach, table, key)
        for j in range(rows):
            for i in range(width):
                a = _filtered(white, kernels, 0, j, i)
                b = _filtered(white, kernels, 1, j, i)
                d = _filtered(white, kernels, 2, j, i)
                for c in range(3):
                    out[top + j, i, c] = mix[c, 0] * a + mix[c, 1] * b + mix[c, 2] * d


@njit(inline="always")
def _variance(level, table, brightest, c):
    if not level > np.float32(0):  # NaN lands here too; the picture's own NaN stays
        return table[c, 0]
    last = np.float32(table.shape[1] - 1)
    at = min(np.sqrt(level / brightest) * last, last - np.float32(1e-3))
    k = np.uintp(at)
    return table[c, k] + (at - np.float32(k)) * (table[c, k + np.uintp(1)] - table[c, k])


@njit(parallel=True, cache=True)
def _add_grain(plate, picture, kept, variances, brightest, kernels, mix, table, key, x0, y0, out):
    height, width, _ = out.shape
    reach = TAPS // 2
    one = np.float32(1)
    for block in prange((height + _ROWS - 1) // _ROWS):
        top = block * _ROWS
        rows = min(_ROWS, height - top)
        touched = False
        for j in range(rows):
            for i in range(width):
                touched = touched or not kept[top + j, i] >= one
        if not touched:
            out[top : top + rows] = picture[top : top + rows]
            continue
        white = np.empty((3, rows + 2 * reach, width + 2 * reach), np.float32)
        _fill_white(white, y0 + top - reach, x0 - reach, table, key)
        for j in range(rows):
            y = top + j
            for i in range(width):
                share = kept[y, i]
                if share >= one:
                    for c in range(3):
                        out[y, i, c] = picture[y, i, c]
                    continue
                a = _filtered(white, kernels, 0, j, i)
                b = _filtered(white, kernels, 1, j, i)
                d = _filtered(white, kernels, 2, j, i)
                for c in range(3):
                    lacks = _variance(picture[y, i, c], variances, brightest, c)
                    lacks -= share * share * _variance(plate[y, i, c], variances, brightest, c)
                    value = picture[y, i, c]
                    if lacks > np.float32(0):
                        value += np.sqrt(lacks) * (mix[c, 0] * a + mix[c, 1] * b + mix[c, 2] * d)
                    out[y, i, c] = value
