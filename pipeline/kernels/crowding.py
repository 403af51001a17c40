"""Who is near whom: members sorted by cells of the ground, overlaps counted and pushed apart."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from pipeline.kernels.detour import Walls, push_out

BLOCK = 64  # members that a thread takes at a time; changes speed, never values
_STRIDE = 16
TOUCHES = 16  # so many others can touch a member; more than six of his size cannot without overlap
_APART_M = 1e-3  # pushed apart this far beyond touching, so that what passes leave over is no overlap
_GOOD_ENOUGH_M = 5e-4  # a pair that lacks less of it is left alone: more passes elsewhere change nobody here
_ALONE = 6  # so many passes push only those who move


def overlaps(places: np.ndarray, radii: np.ndarray) -> tuple[int, float]:
    """(pairs, metres): how many members overlap by more than 5 mm, and the deepest overlap of all (0 if none)."""
    if len(places) < 2:
        return 0, 0.0
    order, bounds, grid = sort_cells(places, 2 * float(radii.max()))
    return _overlaps(places[order], radii[order], bounds, grid)


def sort_cells(places: np.ndarray, cell_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort by square cells, row by row, inside a cell by x, then z: (order (N,), bounds (cells + 1,), grid (4,)).

    Members of cell c are order[bounds[c] : bounds[c + 1]]; grid: first column, first row, columns, cell in metres. Cells
    lie at multiples of their size, so that who comes or goes elsewhere changes nobody's order. Neighbours within
    cell_m lie in the 3 x 3 cells around. Source: Green, "Particle Simulation using CUDA", NVIDIA 2010 (sorted grid).
    """
    low, high = (np.array(ends) for ends in _box(places))
    while np.prod((high - low) / cell_m + 3) > 4_000_000:  # a lone rider on the horizon must not take the memory
        cell_m *= 2
    first = np.floor(low / cell_m) - 1
    columns, rows = (np.floor(high / cell_m) - first + 2).astype(np.int64)
    order, bounds = _sort_cells(places, cell_m, first[0], first[1], columns, rows)
    return order, bounds, np.array([first[0], first[1], columns, cell_m])


@njit(cache=True)
def _box(places):
    low_x = low_z = np.inf
    high_x = high_z = -np.inf
    for i in range(len(places)):
        low_x, high_x = min(low_x, places[i, 0]), max(high_x, places[i, 0])
        low_z, high_z = min(low_z, places[i, 1]), max(high_z, places[i, 1])
    return (low_x, low_z), (high_x, high_z)


@njit(parallel=True, cache=True, error_model="numpy")
def _sort_cells(places, cell_m, first_x, first_z, columns, rows):
    count = len(places)
    cells = np.empty(count, np.int64)
    for i in prange(count):
        column, row = np.floor(places[i, 0] / cell_m) - first_x, np.floor(places[i, 1] / cell_m) - first_z
        cells[i] = int(row) * columns + int(column)
    bounds = np.zeros(columns * rows + 2, np.int64)  # one on while it is filled: no second array
    for i in range(count):
        bounds[np.uintp(cells[i] + 2)] += 1
    for c in range(2, len(bounds)):
        bounds[c] += bounds[c - 1]
    order = np.empty(count, np.int64)
    for i in range(count):
        c = np.uintp(cells[i] + 1)
        order[bounds[c]] = i
        bounds[c] += 1
    for row in prange(rows):
        for c in range(row * columns, (row + 1) * columns):
            _sort_cell(places, order, bounds[c], bounds[c + 1])
    return order, bounds[:-1]


@njit(cache=True)
def _sort_cell(places, order, first, last):
    for k in range(first + 1, last):
        i, at = order[k], k
        x, z = places[i, 0], places[i, 1]
        while at > first:
            j = order[at - 1]
            if places[j, 0] < x or (places[j, 0] == x and places[j, 1] <= z):
                break
            order[at] = j
            at -= 1
        order[at] = i


@njit(cache=True, error_model="numpy")
def span(x, z, row, bounds, grid):
    """First and one-past-last sorted member of three cells side by side: in the row of a place, or `row` rows on."""
    columns = int(grid[2])
    column, line = int(np.floor(x / grid[3]) - grid[0]), int(np.floor(z / grid[3]) - grid[1]) + row
    low, high = max(column - 1, 0), min(column + 1, columns - 1)
    if line < 0 or line >= (len(bounds) - 1) // columns or low > high:
        return 0, 0
    return bounds[line * columns + low], bounds[line * columns + high + 1]


@njit(inline="always")
def stretch(n, count):
    """First and one-past-last of the members of piece n of `pieces(count)`; neighbouring pieces lie far apart.

    Threads take pieces in runs, and members are sorted by place: else one would have the army that fights, another the
    one that waits.
    """
    per = pieces(count) // _STRIDE
    first = ((n % per) * _STRIDE + n // per) * BLOCK
    return min(first, count), min(first + BLOCK, count)


@njit(inline="always")
def pieces(count):
    """Into how many pieces `stretch` cuts so many members; some are empty."""
    return (count + BLOCK * _STRIDE - 1) // (BLOCK * _STRIDE) * _STRIDE


@njit(inline="always")
def band(x, z, reach2, line, first_x, first_z, cell):
    """First and last column of a row's cells that come nearer to a place than sqrt(reach2) metres; last < first: none.
    line: the row, counted from the grid's first; first_x, first_z, cell: the grid's. Columns may lie outside of it.

    Scalars alone: numba counts references whenever an array goes to another function, in the innermost loops too.
    """
    gap = max((line + first_z) * cell - z, z - (line + first_z + 1) * cell, 0.0)
    room = reach2 - gap * gap
    low, high = 0, -1
    if room > 0.0:
        half = math.sqrt(room)
        low, high = int(np.floor((x - half) / cell) - first_x), int(np.floor((x + half) / cell) - first_x)
    return low, high


@njit(parallel=True, cache=True, error_model="numpy")
def part(places, spare, radii, touches, moving, walls, passes):
    """Places (N, 2) with overlaps pushed apart and nobody inside a wall; touches (N, TOUCHES): rows that may meet, -1
    after the last. Everybody moves by what all his overlaps ask for, from the places of the pass before (Jacobi); who
    stands (moving (N,) bool is false) is pushed only when the passes of those who move have not helped.

    What comes back is `places` or `spare` (N, 2); both are written. Source: Müller, Heidelberger, Hennix and Ratcliff,
    "Position Based Dynamics", JVCIR 2007.
    """
    here, there = places, spare
    for n in range(passes):
        pushed = 0
        for piece in prange(pieces(len(places))):
            first, last = stretch(piece, len(places))
            pushed += _part(first, last, here, radii, touches, moving, walls.corners, walls.starts, n, there)
        here, there = there, here
        if pushed == 0:
            break
    return here


@njit(cache=True, error_model="numpy")
def _part(first, last, places, radii, touches, moving, corners, starts, n, out):
    """The n-th pass of some members; how many of them overlapped."""
    everybody, pushed = n >= _ALONE, 0
    for i in range(np.uintp(first), np.uintp(last)):
        x, z = places[i, 0], places[i, 1]
        push_x, push_z, met = 0.0, 0.0, 0
        for k in range(TOUCHES):
            if touches[i, k] < 0 or not (moving[i] or everybody):
                break
            j = np.uintp(touches[i, k])
            dx, dz = x - places[j, 0], z - places[j, 1]
            reach = radii[i] + radii[j] + _APART_M
            d2 = dx * dx + dz * dz
            near = reach - _GOOD_ENOUGH_M
            if d2 >= near * near:
                continue
            d = math.sqrt(d2)
            lack = (0.5 if moving[j] or everybody else 1.0) * (reach - d)
            if d > 1e-9:
                push_x, push_z = push_x + lack * dx / d, push_z + lack * dz / d
            else:  # in one place: the sorted order says who goes which way
                push_x += lack if i > j else -lack
            met += 1
        if met > 0:
            share = 1.0 if met == 1 else 1.6 / met  # all at once overshoots
            x, z = x + share * push_x, z + share * push_z
            pushed += 1
        if len(starts) > 1 and (met > 0 or (n == 0 and moving[i])):
            x, z = push_out(x, z, radii[i], corners, starts)
        out[i, 0], out[i, 1] = x, z
    return pushed


def settle(places: np.ndarray, radii: np.ndarray, walls: Walls, passes: int) -> np.ndarray:
    """Places (N, 2) from which all overlaps are pushed apart, as far as `passes` rounds of passes bring it."""
    if len(places) == 0:
        return places
    everybody = np.ones(len(places), np.bool_)
    for _ in range(passes):
        order, bounds, grid = sort_cells(places, 4 * float(radii.max()))
        touches = np.empty((len(places), TOUCHES), np.int32)
        _touches(places[order], radii[order], bounds, grid, touches)
        moved = np.empty_like(places)
        moved[order] = part(places[order], np.empty_like(places), radii[order], touches, everybody, walls, passes)
        if np.array_equal(moved, places):
            break
        places = moved
    return places


@njit(cache=True)
def _touches(places, radii, bounds, grid, touches):
    for i in range(len(places)):
        met = 0
        for row in range(-1, 2):
            first, last = span(places[i, 0], places[i, 1], row, bounds, grid)
            for j in range(first, last):
                dx, dz = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1]
                if j != i and met < TOUCHES and math.sqrt(dx * dx + dz * dz) < 1.5 * (radii[i] + radii[j]):
                    touches[i, met] = j
                    met += 1
        if met < TOUCHES:
            touches[i, met] = -1


@njit(cache=True)
def _overlaps(places, radii, bounds, grid):
    pairs, deepest = 0, 0.0
    for i in range(len(places)):
        for row in range(-1, 2):
            first, last = span(places[i, 0], places[i, 1], row, bounds, grid)
            for j in range(max(first, i + 1), last):
                dx, dz = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1]
                lack = radii[i] + radii[j] - math.sqrt(dx * dx + dz * dz)
                if lack > 0.005:
                    pairs += 1
                deepest = max(deepest, lack)
    return pairs, deepest
