"""Grain that swells and fades from place to place, as a codec leaves it: soft patches out of a counter that change slowly.

Over them it is stronger where there is texture, or light (graintexture), a codec's luma by gains of its own.

The gain is known at the points of a lattice, for the same reason as the noise: a tile, a thread and a farm task agree.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

from pipeline.kernels.exponent import exp2
from pipeline.kernels.graintexture import CELL

HOLD = 24  # frames in which a point's gain goes over into another: a codec's decisions follow what stands there
SIDES = 4, 256  # pixels, least and most between points
MOST = 1.0  # spread
STRONGEST = np.float32(np.log2(2.5))  # gain of patches and flecks: a codec's own ends somewhere, more is a speck
HALVINGS = 24
_GOLDEN = np.uint32(0x9E3779B1)
EVERYWHERE = np.empty((0, 0), np.float32)  # stands for the lifts of grain that is no stronger on texture
Lattice = tuple[np.ndarray, np.ndarray, np.int64, np.int64]
# Of patches, of finer ones; what is added for a mean square of 1; lifts of the first source, of the second and third, of a fourth.
Swells = tuple[Lattice, Lattice, np.float32, tuple[np.ndarray, np.ndarray, np.ndarray]]


def lattice_of(
    patches: np.ndarray, normal: np.ndarray, key: np.uint32, frame: int, size: tuple[int, int], origin: tuple[int, int]
) -> Lattice:
    """What `swell_row` takes of one kind of patches for a tile of `size` (H, W) at `origin` (x, y).

    patches: (2,) spread of the gain's logarithm and pixels between points. normal: (4096,) equally likely values.
    Logarithms (to 2) of the gains at the lattice's points (rows, columns), factors (side, side) that keep their spread
    between points, the first point's row and column. A spread of 0 gives empty tables, and swell_row leaves everything as it is.
    """
    spread, side = float(patches[0]), int(patches[1])
    if spread == 0 or 0 in size:
        return EVERYWHERE, EVERYWHERE, np.int64(0), np.int64(0)
    top, left = origin[1] // side, origin[0] // side
    bottom, right = (origin[1] + size[0] - 1) // side + 2, (origin[0] + size[1] - 1) // side + 2
    points = _points(normal, key, frame, np.arange(top, bottom), np.arange(left, right)) * (spread / np.log(2))
    line = np.arange(side) / side
    length = np.hypot(1 - line, line)  # of the weights of two points
    even = np.asarray(1 / np.outer(length, length), np.float32)
    return points.astype(np.float32), even, np.int64(top), np.int64(left)


def shift_of(*spreads: float) -> np.float32:
    """What is added to the logarithm (to 2) of gains that scatter so, held under STRONGEST, for a mean square of 1."""
    spread, most = float(np.hypot.reduce(np.array(spreads, np.float64))), float(STRONGEST) * np.log(2)
    if spread == 0:
        return np.float32(0)
    low, high = -(spread**2), 0.0
    for _ in range(HALVINGS):
        mean = (low + high) / 2
        free = np.exp(2 * (mean + spread**2)) * ndtr((most - mean) / spread - 2 * spread)
        low, high = (mean, high) if free + np.exp(2 * most) * ndtr((mean - most) / spread) < 1 else (low, mean)
    return np.float32(round(low / np.log(2), 5))  # the same on every machine


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
    """Multiply a row of the sources' noise, planes (3 or 4, columns) that begin at x0 of the whole picture's row y, by the gain
    there: the patches' and the texture's."""
    patches, flecks, shift, lifts = swells
    if patches[1].shape[0] == 0:
        return
    columns = made.shape[1]
    gain = np.zeros(columns, np.float32)
    _add_row(gain, y, x0, patches)
    if flecks[1].shape[0] > 0:
        _add_row(gain, y, x0, flecks)
    for i in range(columns):
        x = np.uintp(i)
        gain[x] = min(gain[x] + shift, STRONGEST)
    if lifts[0].size == 0:
        _multiply(made, 0, made.shape[0], gain)
        return
    own = gain.copy()
    _lift_row(own, y, x0, lifts[0])
    _multiply(made, 0, 1, own)
    if made.shape[0] > 3:
        own[:] = gain
        _lift_row(own, y, x0, lifts[2])
        _multiply(made, 3, 4, own)
    if lifts[1].size:
        _lift_row(gain, y, x0, lifts[1])
    _multiply(made, 1, 3, gain)


@njit(cache=True)
def _multiply(made, first, last, gain):
    for c in range(first, last):
        line = made[c]
        for i in range(gain.shape[0]):
            x = np.uintp(i)
            line[x] *= exp2(gain[x])


@njit(cache=True)
def _add_row(gain, y, x0, lattice):
    """Add the logarithms of a lattice's gains, linear between its points."""
    points, evened, top, left = lattice
    side = evened.shape[0]
    row = y // side
    down = y - row * side
    lower = np.float32(down) * (np.float32(1) / np.float32(side))
    _add_between(gain, points[row - top], points[row - top + 1], lower, x0, left, side, np.float32(0), evened[down])


@njit(cache=True)
def _lift_row(gain, y, x0, lifts):
    """Add what texture adds, bilinear between the cells' middles."""
    half = CELL // 2
    row = (y + half) // CELL
    lower = (np.float32((y + half) % CELL) + np.float32(0.5)) * (np.float32(1) / np.float32(CELL))
    flat = np.ones(CELL, np.float32)
    _add_between(gain, lifts[row], lifts[row + 1], lower, x0 + half, 0, CELL, np.float32(0.5), flat)


@njit(cache=True)
def _add_between(gain, above, below, lower, x0, left, side, middle, even):
    """Add to a row what lies between two rows of points `side` pixels apart, of which above[0] is column `left`; even: (side,)
    factors. The row's first pixel lies at x0, `middle` of a pixel farther."""
    columns, step = gain.shape[0], np.float32(1) / np.float32(side)
    first = 0
    while first < columns:
        column = (x0 + first) // side
        start = x0 + first - column * side
        k = column - left
        if side == 4 and start == 0 and columns - first >= 4:
            cells = (columns - first) // 4
            _add_fours(
                gain[first : first + 4 * cells], above[k : k + cells + 1], below[k : k + cells + 1], lower, middle, even
            )
            first += 4 * cells
            continue
        count = min(side - start, columns - first)
        here = above[k] + lower * (below[k] - above[k])
        rise = (above[k + 1] + lower * (below[k + 1] - above[k + 1]) - here) * step
        for i in range(count):
            x = np.uintp(start + i)
            gain[np.uintp(first + i)] += (here + rise * (np.float32(x) + middle)) * even[x]
        first += count


@njit(cache=True)
def _add_fours(gain, above, below, lower, middle, even):
    """_add_between of whole cells of four pixels: the same bits, vectorised."""
    cells, step = above.shape[0] - 1, np.float32(0.25)
    line = np.empty(cells + 1, np.float32)
    for i in range(cells + 1):
        k = np.uintp(i)
        line[k] = above[k] + lower * (below[k] - above[k])
    even0, even1, even2, even3 = even[0], even[1], even[2], even[3]
    at1, at2, at3 = np.float32(1) + middle, np.float32(2) + middle, np.float32(3) + middle
    for i in range(cells):
        k = np.uintp(i)
        here = line[k]
        rise = (line[k + np.uintp(1)] - here) * step
        x = np.uintp(4) * k
        gain[x] += (here + rise * middle) * even0
        gain[x + np.uintp(1)] += (here + rise * at1) * even1
        gain[x + np.uintp(2)] += (here + rise * at2) * even2
        gain[x + np.uintp(3)] += (here + rise * at3) * even3


def gains_of(swells: Swells, size: tuple[int, int], origin: tuple[int, int], sources: int = 3) -> np.ndarray:
    """What swell_row multiplies the sources by in a tile of `size` (H, W) at `origin` (x, y), (H, W, sources) float32."""
    out = np.ones((*size, sources), np.float32)
    if swells[0][0].size:
        _gains_of(out, origin[1], origin[0], swells)
    return out


@njit(cache=True)
def _gains_of(out, y0, x0, swells):
    made = np.empty((out.shape[2], out.shape[1]), np.float32)
    for y in range(out.shape[0]):
        made[:] = np.float32(1)
        swell_row(made, y0 + y, x0, swells)
        out[y] = made.T
