"""Who stands before whom: everybody's nearest enemy, and the way to the enemy's line."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from pipeline.kernels.crowding import band, pieces, stretch

_AS_FAR = 2.0


def nearest_foes(
    places: np.ndarray, sides: np.ndarray, sights_m: np.ndarray, bounds: np.ndarray, grid: np.ndarray
) -> np.ndarray:
    """(N, 3): metres to everybody's nearest enemy (inf: none within sights_m (N,)) and the unit way to the enemy's line;
    (0, 3) where nobody has enemies.

    That way is the mean of the ways to the enemies in sight, the nearest counting most (1 / distance^5, fading to nothing
    at _AS_FAR times the nearest): it does not jump when another enemy comes nearest, and before a line it is square to it.
    places (N, 2) as crowding.sort_cells sorts them, with its bounds and grid; sides (N,) int64, 0: nobody's enemy.
    """
    every = _sides(sides)
    found = np.zeros((len(places) if len(every) > 1 else 0, 3))
    found[:, 0] = np.inf
    if len(every) > 1:
        enemies = [_enemies(places, sides, side, bounds) for side in every]
        ends = np.cumsum([0, *(len(theirs) for theirs, _ in enemies)])
        theirs = np.concatenate([theirs for theirs, _ in enemies])
        their_bounds = np.stack([own + end for (_, own), end in zip(enemies, ends, strict=False)])
        _nearest_foes(places, sides, every, theirs, their_bounds, grid, sights_m, found)
    return found


@njit(cache=True)
def _sides(sides):
    """Every side but 0 once: NumPy would sort all members for it."""
    found = np.empty(len(sides), np.int64)
    count = 0
    for i in range(len(sides)):
        new = sides[i] != 0
        for k in range(count):
            if found[k] == sides[i]:
                new = False
                break
        if new:
            found[count] = sides[i]
            count += 1
    return found[:count]


@njit(cache=True)
def _enemies(places, sides, side, bounds):
    """(places (M, 2), bounds) of a side's enemies, sorted as all members are."""
    theirs, their_bounds = np.empty_like(places), np.empty_like(bounds)
    count = 0
    for c in range(len(bounds) - 1):
        their_bounds[c] = count
        for k in range(bounds[c], bounds[c + 1]):
            if sides[k] != 0 and sides[k] != side:
                theirs[count, 0], theirs[count, 1] = places[k, 0], places[k, 1]
                count += 1
    their_bounds[len(bounds) - 1] = count
    return theirs[:count], their_bounds


@njit(parallel=True, cache=True, error_model="numpy")
def _nearest_foes(places, sides, every, theirs, their_bounds, grid, sights_m, found):
    for piece in prange(pieces(len(places))):
        first, last = stretch(piece, len(places))
        _some_foes(first, last, places, sides, every, theirs, their_bounds, grid, sights_m, found)


@njit(cache=True, error_model="numpy")
def _some_foes(first, last, places, sides, every, theirs, their_bounds, grid, sights_m, found):
    """theirs: the enemies of each side of `every`, one after the other; their_bounds: (sides, cells + 1), rows of it."""
    first_x, first_z, columns, cell = grid[0], grid[1], int(grid[2]), grid[3]
    lines = (their_bounds.shape[1] - 1) // columns
    for i in range(np.uintp(first), np.uintp(last)):
        if sides[i] == 0:
            continue
        row = np.uintp(0)
        while every[row] != sides[i]:
            row += np.uintp(1)
        x, z, sight2 = places[i, 0], places[i, 1], sights_m[i] * sights_m[i]
        middle, rows = int(np.floor(z / cell) - first_z), int(sights_m[i] / cell) + 1
        best, reach2, way_x, way_z = sight2, 0.0, 0.0, 0.0
        for n in range(2 * rows + 1):  # from his own row outwards, as far as the nearest found so far
            line = middle + ((n + 1) // 2 if n % 2 else -(n // 2))
            if line < 0 or line >= lines:
                continue
            at = line * columns
            begin, end = np.uintp(their_bounds[row, at]), np.uintp(their_bounds[row, at + columns])
            if begin == end:  # most rows are done with here
                continue
            if theirs[begin, 0] - cell > x + sights_m[i] or theirs[end - np.uintp(1), 0] + cell < x - sights_m[i]:
                continue
            low, high = band(x, z, best, line, first_x, first_z, cell)
            low, high = max(low, 0), min(high, columns - 1)
            if low > high:
                continue
            for j in range(np.uintp(their_bounds[row, at + low]), np.uintp(their_bounds[row, at + high + 1])):
                dx, dz = theirs[j, 0] - x, theirs[j, 1] - z
                best = min(best, dx * dx + dz * dz)
        if best >= sight2:
            continue
        reach2 = min(sight2, _AS_FAR * _AS_FAR * best) + 1e-12
        rows, per_reach2 = int(math.sqrt(reach2) / cell) + 1, 1.0 / reach2
        for line in range(max(middle - rows, 0), min(middle + rows + 1, lines)):
            low, high = band(x, z, reach2, line, first_x, first_z, cell)
            low, high = max(low, 0), min(high, columns - 1)
            if low > high:
                continue
            at = line * columns
            for j in range(np.uintp(their_bounds[row, at + low]), np.uintp(their_bounds[row, at + high + 1])):
                dx, dz = theirs[j, 0] - x, theirs[j, 1] - z
                d2 = dx * dx + dz * dz
                if d2 < reach2 and d2 > 1e-12:
                    fade = 1.0 - d2 * per_reach2
                    weight = fade * fade / (d2 * d2 * d2)
                    way_x, way_z = way_x + weight * dx, way_z + weight * dz
        size = math.sqrt(way_x * way_x + way_z * way_z)
        if size > 0.0:
            found[i, 0], found[i, 1], found[i, 2] = math.sqrt(best), way_x / size, way_z / size
