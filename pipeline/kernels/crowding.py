"""Who is near whom: members sorted by cells of the ground, enemies found, overlaps counted and pushed apart."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from pipeline.kernels.detour import Walls, push_out

TOUCHES = 16  # so many others can touch a member; more than six of his size cannot without overlap
_APART_M = 1e-3  # pushed apart this far beyond touching, so that what passes leave over is no overlap
_GOOD_ENOUGH_M = 5e-4  # a pair that lacks less of it is left alone: more passes elsewhere change nobody here
_AS_FAR = 2.0
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
    x, z = places[:, 0], places[:, 1]  # column by column: NumPy's minimum over rows of two is many times slower
    low, high = np.array([x.min(), z.min()]), np.array([x.max(), z.max()])
    while np.prod((high - low) / cell_m + 3) > 4_000_000:  # a lone rider on the horizon must not take the memory
        cell_m *= 2
    first = np.floor(low / cell_m) - 1
    columns, rows = (np.floor(high / cell_m) - first + 2).astype(np.int64)
    order, bounds = _sort_cells(places, cell_m, first[0], first[1], columns, rows)
    return order, bounds, np.array([first[0], first[1], columns, cell_m])


@njit(cache=True)
def _sort_cells(places, cell_m, first_x, first_z, columns, rows):
    count = len(places)
    cells = np.empty(count, np.int64)
    bounds = np.zeros(columns * rows + 1, np.int64)
    for i in range(count):
        c = int(np.floor(places[i, 1] / cell_m) - first_z) * columns + int(np.floor(places[i, 0] / cell_m) - first_x)
        cells[i] = c
        bounds[c + 1] += 1
    for c in range(columns * rows):
        bounds[c + 1] += bounds[c]
    order, filled = np.empty(count, np.int64), bounds[:-1].copy()
    for i in range(count):
        c = cells[i]
        at = filled[c]
        filled[c] += 1
        x, z = places[i, 0], places[i, 1]
        while at > bounds[c]:
            j = order[at - 1]
            if places[j, 0] < x or (places[j, 0] == x and places[j, 1] <= z):
                break
            order[at] = j
            at -= 1
        order[at] = i
    return order, bounds


@njit(cache=True)
def span(x, z, row, bounds, grid):
    """First and one-past-last sorted member of three cells side by side: in the row of a place, or `row` rows on."""
    columns = int(grid[2])
    column, line = int(np.floor(x / grid[3]) - grid[0]), int(np.floor(z / grid[3]) - grid[1]) + row
    low, high = max(column - 1, 0), min(column + 1, columns - 1)
    if line < 0 or line >= (len(bounds) - 1) // columns or low > high:
        return 0, 0
    return bounds[line * columns + low], bounds[line * columns + high + 1]


@njit(cache=True)
def band(x, z, reach2, line, bounds, grid):
    """First and one-past-last sorted member of a row's cells that come nearer to a place than sqrt(reach2) metres.
    line: the row, counted from the grid's first."""
    columns, cell = int(grid[2]), grid[3]
    gap = max((line + grid[1]) * cell - z, z - (line + grid[1] + 1) * cell, 0.0)
    room = reach2 - gap * gap
    if room <= 0.0 or line < 0 or line >= (len(bounds) - 1) // columns:
        return 0, 0
    half = math.sqrt(room)
    low = max(int(np.floor((x - half) / cell) - grid[0]), 0)
    high = min(int(np.floor((x + half) / cell) - grid[0]), columns - 1)
    if low > high:
        return 0, 0
    return bounds[line * columns + low], bounds[line * columns + high + 1]


def nearest_foes(places: np.ndarray, sides: np.ndarray, sights_m: np.ndarray, cell_m: float) -> np.ndarray:
    """(N, 3): metres to everybody's nearest enemy (inf: none within sights_m (N,)) and the unit way to the enemy's line.

    That way is the mean of the ways to the enemies in sight, the nearest counting most (1 / distance^5, fading to nothing
    at _AS_FAR times the nearest): it does not jump when another enemy comes nearest, and before a line it is square to it.
    cell_m: of the grid; it decides the order of sums, so it must not hang on who is there.
    """
    found = np.zeros((len(places), 3))
    found[:, 0] = np.inf
    for side in _sides(sides):
        ours, theirs = np.flatnonzero(sides == side), np.flatnonzero((sides != side) & (sides != 0))
        if len(theirs):
            order, bounds, grid = sort_cells(places.take(theirs, axis=0), cell_m)
            _nearest_foes(places, ours, places.take(theirs.take(order), axis=0), bounds, grid, sights_m, found)
    return found


@njit(cache=True)
def _sides(sides):
    """Every side but 0 once: NumPy would sort all members for it."""
    found = np.empty(len(sides), np.int64)
    count = 0
    for i in range(len(sides)):
        new = sides[i] != 0
        for k in range(count):
            new = new and found[k] != sides[i]
        if new:
            found[count] = sides[i]
            count += 1
    return found[:count]


def part(
    places: np.ndarray, radii: np.ndarray, touches: np.ndarray, moving: np.ndarray, walls: Walls, passes: int
) -> np.ndarray:
    """Places (N, 2) with overlaps pushed apart and nobody inside a wall; touches (N, TOUCHES): rows that may meet, -1
    after the last. Everybody moves by what all his overlaps ask for, from the places of the pass before (Jacobi); who
    stands (moving (N,) bool is false) is pushed only when the passes of those who move have not helped.

    Source: Müller, Heidelberger, Hennix and Ratcliff, "Position Based Dynamics", JVCIR 2007.
    """
    here, there, pushed = places, np.empty_like(places), np.empty(len(places), np.bool_)
    for n in range(passes):
        _part(here, radii, touches, moving if n < _ALONE else np.ones_like(moving), walls, n == 0, there, pushed)
        here, there = there, here if here is not places else np.empty_like(places)
        if not pushed.any():
            break
    return here


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
        moved[order] = part(places[order], radii[order], touches, everybody, walls, passes)
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


@njit(parallel=True, cache=True)
def _nearest_foes(places, ours, theirs, bounds, grid, sights_m, found):
    for k in prange(len(ours)):
        i = ours[k]
        x, z, sight2 = places[i, 0], places[i, 1], sights_m[i] * sights_m[i]
        middle, rows = int(np.floor(z / grid[3]) - grid[1]), int(sights_m[i] / grid[3]) + 1
        best = sight2
        for n in range(2 * rows + 1):  # from his own row outwards, as far as the nearest found so far
            line = middle + ((n + 1) // 2 if n % 2 else -(n // 2))
            first, last = band(x, z, best, line, bounds, grid)
            for j in range(first, last):
                dx, dz = theirs[j, 0] - x, theirs[j, 1] - z
                best = min(best, dx * dx + dz * dz)
        if best >= sight2:
            continue
        reach2 = min(sight2, _AS_FAR * _AS_FAR * best) + 1e-12
        rows = int(math.sqrt(reach2) / grid[3]) + 1
        way_x, way_z = 0.0, 0.0
        for line in range(middle - rows, middle + rows + 1):
            first, last = band(x, z, reach2, line, bounds, grid)
            for j in range(first, last):
                dx, dz = theirs[j, 0] - x, theirs[j, 1] - z
                d2 = dx * dx + dz * dz
                if d2 < reach2 and d2 > 1e-12:
                    fade = 1.0 - d2 / reach2
                    weight = fade * fade / (d2 * d2 * d2)
                    way_x, way_z = way_x + weight * dx, way_z + weight * dz
        size = math.sqrt(way_x * way_x + way_z * way_z)
        if size > 0.0:
            found[i, 0], found[i, 1], found[i, 2] = math.sqrt(best), way_x / size, way_z / size


@njit(parallel=True, cache=True)
def _part(places, radii, touches, moving, walls, first, out, pushed):
    for i in prange(len(places)):
        x, z = places[i, 0], places[i, 1]
        push_x, push_z, met = 0.0, 0.0, 0
        for k in range(TOUCHES):
            j = touches[i, k]
            if j < 0 or not moving[i]:
                break
            dx, dz = x - places[j, 0], z - places[j, 1]
            reach = radii[i] + radii[j] + _APART_M
            d2 = dx * dx + dz * dz
            near = reach - _GOOD_ENOUGH_M
            if d2 >= near * near:
                continue
            d = math.sqrt(d2)
            lack = (0.5 if moving[j] else 1.0) * (reach - d)
            if d > 1e-9:
                push_x, push_z = push_x + lack * dx / d, push_z + lack * dz / d
            else:  # in one place: the sorted order says who goes which way
                push_x += lack if i > j else -lack
            met += 1
        pushed[i] = met > 0
        if met > 0:
            share = 1.0 if met == 1 else 1.6 / met  # all at once overshoots
            x, z = x + share * push_x, z + share * push_z
        if met > 0 or (first and moving[i]):
            x, z = push_out(x, z, radii[i], walls.corners, walls.starts)
        out[i, 0], out[i, 1] = x, z


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
