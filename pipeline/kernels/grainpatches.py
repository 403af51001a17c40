"""Grain that swells and fades from place to place, as a codec leaves it: soft patches out of a counter that change slowly.

Over them it is stronger where there is texture (graintexture), the first source, a codec's luma, by a gain of its own.

The gain is known at the points of a lattice, for the same reason as the noise: a tile, a thread and a farm task agree.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.exponent import exp2
from pipeline.kernels.graintexture import CELL

HOLD = 24  # frames in which a point's gain goes over into another: a codec's decisions follow what stands there
SIDES = 4, 256  # pixels, least and most between points
MOST = 1.0  # spread
_GOLDEN = np.uint32(0x9E3779B1)
EVERYWHERE = np.empty((0, 0), np.float32)  # stands for the lifts of grain that is no stronger on texture
Lattice = tuple[np.ndarray, np.ndarray, np.float32, np.int64, np.int64]
Swells = tuple[Lattice, Lattice, tuple[np.ndarray, np.ndarray]]  # of patches, of finer ones; lifts, and others'


def lattice_of(
    patches: np.ndarray, normal: np.ndarray, key: np.uint32, frame: int, size: tuple[int, int], origin: tuple[int, int]
) -> Lattice:
    """What `swell_row` takes of one kind of patches for a tile of `size` (H, W) at `origin` (x, y).

    patches: (2,) spread of the gain's logarithm and pixels between points. normal: (4096,) equally likely values.
    Logarithms (to 2) of the gains at the lattice's points (rows, columns), factors (side, side) that keep their spread
    between points, what is added for a mean square of 1, the first point's row and column. A spread of 0 gives empty
    tables, and swell_row leaves everything as it is.
    """
    spread, side = float(patches[0]), int(patches[1])
    if spread == 0 or 0 in size:
        return EVERYWHERE, EVERYWHERE, np.float32(0), np.int64(0), np.int64(0)
    top, left = origin[1] // side, origin[0] // side
    bottom, right = (origin[1] + size[0] - 1) // side + 2, (origin[0] + size[1] - 1) // side + 2
    points = _points(normal, key, frame, np.arange(top, bottom), np.arange(left, right)) * (spread / np.log(2))
    line = np.arange(side) / side
    length = np.hypot(1 - line, line)  # of the weights of two points
    even = np.asarray(1 / np.outer(length, length), np.float32)
    shift = np.float32(-(spread**2) / np.log(2))
    return points.astype(np.float32), even, shift, np.int64(top), np.int64(left)


def _points(
    normal: np.ndarray, key: np.uint32, frame: int, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """A normal value of unit variance at each point, (rows, columns): each goes over at frames of its own."""
    point = _hash(_hash(key + _low(rows))[:, None] ^ _low(columns)[None])
    at = frame + (point % np.uint32(HOLD)).astype(np.int64)
    share = (at % HOLD) / HOLD
    before, after = (normal[_hash(point + _low(at // HOLD + k) * _GOLDEN) >> np.uint32(20)] for k in (0, 1))
    return np.asarray(((1 - share) * before + share * after) / np.sqrt((1 - share) ** 2 + share**2))


def _low(values: NDArray[np.int64]) -> NDArray[np.uint32]:
    return (values & 0xFFFFFFFF).astype(np.uint32)


def _hash(value: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The mixer of grainrows."""
    value = (value ^ (value >> np.uint32(16))) * np.uint32(0x7FEB352D)
    value = (value ^ (value >> np.uint32(15))) * np.uint32(0x846CA68B)
    return np.asarray(value ^ (value >> np.uint32(16)), np.uint32)


@njit(cache=True)
def swell_row(made, y, x0, swells):
    """Multiply a row of the sources' noise, planes (3, columns) that begin at x0 of the whole picture's row y, by the gain there:
    the patches' and the texture's."""
    patches, flecks, lifts = swells
    if patches[1].shape[0] == 0:
        return
    columns = made.shape[1]
    gain = np.zeros(columns, np.float32)
    _add_row(gain, y, x0, patches)
    shift = patches[2]
    if flecks[1].shape[0] > 0:
        _add_row(gain, y, x0, flecks)
        shift += flecks[2]
    if lifts[0].size == 0:
        _multiply(made, 0, 3, gain, shift)
        return
    own = gain.copy()
    _lift_row(own, y, x0, lifts[0])
    _multiply(made, 0, 1, own, shift)
    if lifts[1].size:
        _lift_row(gain, y, x0, lifts[1])
    _multiply(made, 1, 3, gain, shift)


@njit(cache=True)
def _multiply(made, first, last, gain, shift):
    for c in range(first, last):
        line = made[c]
        for i in range(gain.shape[0]):
            x = np.uintp(i)
            line[x] *= exp2(gain[x] + shift)


@njit(cache=True)
def _add_row(gain, y, x0, lattice):
    """Add the logarithms of a lattice's gains, linear between its points."""
    points, evened, _, top, left = lattice
    side = evened.shape[0]
    columns, step = gain.shape[0], np.float32(1) / np.float32(side)
    row = y // side
    down = y - row * side
    lower = np.float32(down) * step
    above, below, even = points[row - top], points[row - top + 1], evened[down]
    first = 0
    while first < columns:
        column = (x0 + first) // side
        start = x0 + first - column * side
        count = min(side - start, columns - first)
        k = column - left
        here = above[k] + lower * (below[k] - above[k])
        rise = (above[k + 1] + lower * (below[k + 1] - above[k + 1]) - here) * step
        for i in range(count):
            x = np.uintp(start + i)
            gain[np.uintp(first + i)] += (here + rise * np.float32(x)) * even[x]
        first += count


@njit(cache=True)
def _lift_row(gain, y, x0, lifts):
    """Add what texture adds, bilinear between the cells' middles."""
    half, step = CELL // 2, np.float32(1) / np.float32(CELL)
    row = (y + half) // CELL
    lower = (np.float32((y + half) % CELL) + np.float32(0.5)) * step
    above, below = lifts[row], lifts[row + 1]
    first = 0
    while first < gain.shape[0]:
        k = (x0 + first + half) // CELL
        start = x0 + first + half - k * CELL
        count = min(CELL - start, gain.shape[0] - first)
        here = above[k] + lower * (below[k] - above[k])
        rise = (above[k + 1] + lower * (below[k + 1] - above[k + 1]) - here) * step
        for i in range(count):
            gain[np.uintp(first + i)] += here + rise * (np.float32(start + i) + np.float32(0.5))
        first += count


def gains_of(swells: Swells, size: tuple[int, int], origin: tuple[int, int]) -> np.ndarray:
    """What swell_row multiplies the sources by in a tile of `size` (H, W) at `origin` (x, y), (H, W, 3) float32."""
    out = np.ones((*size, 3), np.float32)
    if swells[0][0].size:
        _gains_of(out, origin[1], origin[0], swells)
    return out


@njit(cache=True)
def _gains_of(out, y0, x0, swells):
    made = np.empty((3, out.shape[1]), np.float32)
    for y in range(out.shape[0]):
        made[:] = np.float32(1)
        swell_row(made, y0 + y, x0, swells)
        out[y] = made.T
