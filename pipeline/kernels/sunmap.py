"""How much of a far light places lack because of what a map of depths along the light holds: softer the longer the way.

Percentage-closer soft shadows: what hides the light near a place tells how far away it is, and so how wide the edge is.
Source: Fernando, "Percentage-Closer Soft Shadows", SIGGRAPH 2005 sketches; the least and the most depth of blocks leave only
places near an edge to be looked at closely (Guennebaud, Barthe and Paulin, "Real-time Soft Shadow Mapping by Backprojection",
EGSR 2006).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import in_bands
from pipeline.kernels.splat import check

Floats = NDArray[np.float32]
TAPS = 64
_BLOCK = 4  # cells along each side of the finest blocks
_SHARPEST = 0.7  # cells: the least sigma
_FAR = 3.2  # sigmas: no tap lies farther
_RUN = 4096  # places that one thread looks at, at a time


@dataclass(frozen=True, slots=True, eq=False)
class DepthMap:
    """Depths along a far light over the plane that it shines on squarely.

    depth: (h, w) float32 metres away from the light of what is nearest to it, +inf where nothing is. to_map: (3, 4) float64,
    world to column, row and depth; cells' centres at .5. slack_m: what lies before a place by less does not hide it. lows,
    highs: least and most depth of blocks, all levels one after the other; shapes: (levels, 3) first, rows, columns of each.
    """

    depth: Floats
    to_map: NDArray[np.float64]
    cell_m: float
    slack_m: float
    lows: Floats
    highs: Floats
    shapes: NDArray[np.int32]

    @classmethod
    def of(cls, depth: Floats, to_map: NDArray[np.float64], cell_m: float, slack_m: float) -> DepthMap:
        """With its blocks. Raises ValueError on another shape or dtype."""
        check("depth", depth, np.float32, (len(depth), depth.shape[1]))
        check("to_map", to_map, np.float64, (3, 4))
        levels = [(_blocks(depth, _BLOCK, np.min, np.inf), _blocks(depth, _BLOCK, np.max, np.inf))]
        while max(levels[-1][0].shape) > 4:
            low, high = levels[-1]
            levels.append((_blocks(low, 2, np.min, np.inf), _blocks(high, 2, np.max, np.inf)))
        sizes = [low.size for low, _ in levels]
        firsts = np.cumsum([0, *sizes])[:-1]
        shapes = np.array([(first, *low.shape) for first, (low, _) in zip(firsts, levels, strict=True)], np.int32)
        lows, highs = (np.concatenate([level[k].ravel() for level in levels]) for k in (0, 1))
        return cls(depth, to_map, cell_m, slack_m, lows, highs, shapes)


def add_hidden(places: Floats, across: Floats, down: Floats, map_: DepthMap, softness: float, out: Floats) -> None:
    """Add to `out`, (N,) float32, the share of the light that the map takes from places: 0 nothing .. 1 all of it.

    places: (N, 3) float32 world metres, NaN: nowhere. across, down: (N, 3) float32 the way to the next pixel's place, over
    which the share is the mean. softness: metres of penumbra per metre of way; half of it is a normal's sigma. Where nothing
    hides the light within the penumbra, exactly 0 is added. Raises ValueError on another shape or dtype.
    """
    for name, array in (("places", places), ("across", across), ("down", down)):
        check(name, array, np.float32, (len(places), 3))
    check("out", out, np.float32, (len(places),))
    soft = 0.5 * softness / map_.cell_m

    def work(first: int, end: int) -> None:
        _add(first, end, places, across, down, map_.depth, map_.to_map, map_.slack_m, map_.lows, map_.highs, map_.shapes,
             soft, _OFFSETS, out)  # fmt: skip

    if len(places):
        in_bands(len(places), work, _RUN)


def _blocks(values: Floats, size: int, of, empty: float) -> Floats:  # type: ignore[no-untyped-def]
    rows, columns = (-(-n // size) for n in values.shape)
    padded = np.full((rows * size, columns * size), empty, np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    return np.ascontiguousarray(of(padded.reshape(rows, size, columns, size), axis=(1, 3)), np.float32)


def _offsets() -> NDArray[np.float64]:
    """(TAPS, 4): where to look in sigmas, normally spread on a spiral, and where in the pixel, -0.5 .. 0.5 of it."""
    k = np.arange(TAPS)
    radius, turn = np.sqrt(-2 * np.log(1 - (k + 0.5) / TAPS)), k * np.pi * (3 - np.sqrt(5.0))
    pixel = np.stack([k * 0.7548776662466927, k * 0.5698402909980532], axis=1) % 1 - 0.5  # Roberts's R2 sequence
    return np.ascontiguousarray(np.column_stack([radius * np.cos(turn), radius * np.sin(turn), pixel]))


_OFFSETS = _offsets()


@njit(cache=True, nogil=True)
def _add(first, end, places, across, down, depth, to_map, slack, lows, highs, shapes, soft, offsets, out):
    steps = np.empty((2, 3), np.float64)
    rise, least, (height, width) = _rise(to_map), np.inf, depth.shape
    per_m = np.sqrt(to_map[0, 0] ** 2 + to_map[0, 1] ** 2 + to_map[0, 2] ** 2)
    for n in range(shapes[-1, 0], len(lows)):
        least = min(least, np.float64(lows[n]))
    for n in range(first, end):
        x, y, z = np.float64(places[n, 0]), np.float64(places[n, 1]), np.float64(places[n, 2])
        d = to_map[2, 0] * x + to_map[2, 1] * y + to_map[2, 2] * z + to_map[2, 3]
        u = to_map[0, 0] * x + to_map[0, 1] * y + to_map[0, 2] * z + to_map[0, 3]
        v = to_map[1, 0] * x + to_map[1, 1] * y + to_map[1, 2] * z + to_map[1, 3]
        size = _size(across[n], down[n])
        if not d + size - slack > least:  # NaN, too
            continue
        reach = _FAR * max(_SHARPEST, soft * (d + size - least)) + 1.0 + size * per_m
        if u < -reach or v < -reach or u > width + reach or v > height + reach:
            continue
        for k in range(2):
            way = across[n] if k == 0 else down[n]
            for axis in range(3):
                step = to_map[axis, 0] * way[0] + to_map[axis, 1] * way[1] + to_map[axis, 2] * way[2]
                steps[k, axis] = step if np.isfinite(step) else 0.0
        share = _share(u, v, d, steps, depth, slack, lows, highs, shapes, soft, offsets, least, rise)
        if share > 0.0:
            out[n] = np.float32(out[n] + share)


@njit(cache=True, nogil=True)
def _size(across, down):
    """At least half of what a pixel measures along any axis; infinite where its neighbour is not known."""
    size = 0.0
    for axis in range(3):
        size += 0.5 * (abs(np.float64(across[axis])) + abs(np.float64(down[axis])))
    return size if np.isfinite(size) else np.inf


@njit(cache=True, nogil=True)
def _share(u, v, d, steps, depth, slack, lows, highs, shapes, soft, offsets, least, rise):
    slack = max(slack, abs(rise))
    wide, tall = 0.5 * (abs(steps[0, 0]) + abs(steps[1, 0])), 0.5 * (abs(steps[0, 1]) + abs(steps[1, 1]))
    deep = 0.5 * (abs(steps[0, 2]) + abs(steps[1, 2]))
    sigma, most = max(_SHARPEST, soft * (d + deep - least)), np.inf
    for _ in range(4):
        reach = _FAR * sigma + 1.0
        low, most = _range(
            u - wide - reach, u + wide + reach, v - tall - reach, v + tall + reach, depth.shape, lows, highs, shapes
        )
        if low >= d + deep - slack:
            return 0.0
        nearer = max(_SHARPEST, soft * (d + deep - low))
        if nearer > 0.8 * sigma:
            break
        sigma = nearer
    if most < d - deep - max(slack, abs(rise) * (reach + 1.0)):
        return 1.0
    height, width = depth.shape
    for look in range(2):
        # How far away is what hides it? First within the widest edge that there may be, then within its own.
        count, ways = 0, 0.0
        for k in range(len(offsets)):
            x, y, z = _in_pixel(u, v, d, steps, offsets[k])
            i, j = int(np.floor(x + sigma * offsets[k, 0])), int(np.floor(y + sigma * offsets[k, 1]))
            if 0 <= i < width and 0 <= j < height and depth[j, i] < _hides(z, j + 0.5 - y, slack, rise):
                count += 1
                ways += z - depth[j, i]
        if count > 0:
            sigma = max(_SHARPEST, soft * ways / count)
        elif look == 0:
            return 0.0
    covered = 0.0
    for k in range(len(offsets)):
        x, y, z = _in_pixel(u, v, d, steps, offsets[k])
        at_x, at_y = x + sigma * offsets[k, 0] - 0.5, y + sigma * offsets[k, 1] - 0.5
        i, j = int(np.floor(at_x)), int(np.floor(at_y))
        for row in range(max(j, 0), min(j + 2, height)):
            for column in range(max(i, 0), min(i + 2, width)):
                if depth[row, column] < _hides(z, row + 0.5 - y, slack, rise):
                    covered += (1.0 - abs(at_x - column)) * (1.0 - abs(at_y - row))
    return covered / len(offsets)


@njit(cache=True, nogil=True)
def _in_pixel(u, v, d, steps, offset):
    """Column, row and depth of a place within the pixel."""
    across, down = offset[2], offset[3]
    return (
        u + across * steps[0, 0] + down * steps[1, 0],
        v + across * steps[0, 1] + down * steps[1, 1],
        d + across * steps[0, 2] + down * steps[1, 2],
    )


@njit(cache=True, nogil=True)
def _hides(deep, rows, slack, rise):
    """The depth before which something so many rows below hides a place from the light: higher than it, and before it."""
    return min(deep - slack, deep + rise * rows - abs(rise))


@njit(cache=True, nogil=True)
def _rise(to_map):
    """How much deeper a level place lies one row on. What hides the sun from a place lies higher than it: so level ground does
    not hide the sun from itself, however low that stands."""
    rows_up, deeper_up = to_map[1, 1], to_map[2, 1]
    cell = 1.0 / np.sqrt(to_map[1, 0] ** 2 + to_map[1, 1] ** 2 + to_map[1, 2] ** 2)
    return -rows_up * cell * cell / deeper_up if deeper_up != 0.0 else 0.0


@njit(cache=True, nogil=True)
def _range(left, right, top, bottom, size, lows, highs, shapes):
    """At most the least and at least the most depth in a box of the map, cells; what lies outside of the map is empty."""
    height, width = size
    level, block = 0, float(_BLOCK)
    while level + 1 < len(shapes) and max(right - left, bottom - top) > 6.0 * block:
        level, block = level + 1, 2.0 * block
    first, rows, columns = shapes[level, 0], shapes[level, 1], shapes[level, 2]
    low = np.inf
    high = np.inf if left < 0.0 or top < 0.0 or right > width or bottom > height else -np.inf
    j0, j1 = int(max(np.floor(top / block), 0.0)), int(min(np.floor(bottom / block) + 1.0, float(rows)))
    i0, i1 = int(max(np.floor(left / block), 0.0)), int(min(np.floor(right / block) + 1.0, float(columns)))
    for j in range(j0, j1):
        for i in range(i0, i1):
            at = first + j * columns + i
            low = min(low, np.float64(lows[at]))
            high = max(high, np.float64(highs[at]))
    return low, high
