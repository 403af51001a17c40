"""Procedural noise: the same value for the same place, on every machine and in any order of evaluation.

Octaves finer than a point's own `cell` fade out, so a far, coarse mesh is given no detail that it would alias.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def fbm(points: NDArray, frequency: float, octaves: int, seed: int, *, gain: float = 0.5, cell: Floats | float = 0.0,
        ridged: bool = False) -> Floats:  # fmt: skip
    """Fractal sum of gradient noise, about -1..1 (ridged: 0..1, sharp crests).

    points: (N, 2) or (N, 3) in metres. frequency: of the first octave, 1/m; each next one doubles it.
    cell: (N,) or one number, metres between neighbouring points: octaves shorter than two cells fade out.
    Returns (N,) float32. Raises ValueError on another shape.

    Source: Perlin, "Improving noise", SIGGRAPH 2002; Musgrave in "Texturing and Modeling", 1994 (ridged).
    """
    places = _places(points)
    cells = np.ascontiguousarray(np.broadcast_to(np.asarray(cell, np.float64), (len(places),)))
    return _fbm(places, cells, float(frequency), int(octaves), np.uint32(seed), float(gain), bool(ridged))


def cellular(points: NDArray, frequency: float, seed: int) -> tuple[Floats, Floats, Floats]:
    """Distances to the nearest and second nearest feature point (in cells), and a random number 0..1 of the nearest.

    points: (N, 2) or (N, 3). Returns three (N,) float32. Raises ValueError on another shape.

    Source: Worley, "A cellular texture basis function", SIGGRAPH 1996; here over x and y of 2-D, all axes of 3-D points.
    """
    places = _places(points)
    return _cellular(places, float(frequency), np.uint32(seed), np.shape(points)[1] == 3)


def _places(points: NDArray) -> NDArray[np.float64]:
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] not in (2, 3):
        raise ValueError(f"points must have shape (N, 2) or (N, 3), not {array.shape}")
    if array.shape[1] == 2:
        array = np.concatenate([array, np.zeros((len(array), 1))], axis=1)
    return np.ascontiguousarray(array)


@njit(cache=True)
def _hash(x, y, z, seed):
    """A 32-bit mix of a lattice point (constants of xxHash32)."""
    h = np.uint32(seed) + np.uint32(374761393)
    for v in (x, y, z):
        h = np.uint32(h + np.uint32(np.int64(v) & 0xFFFFFFFF) * np.uint32(3266489917))
        h = np.uint32((h << np.uint32(17)) | (h >> np.uint32(15)))
        h = np.uint32(h * np.uint32(668265263))
    h = np.uint32((h ^ (h >> np.uint32(15))) * np.uint32(2246822519))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(3266489917))
    return np.uint32(h ^ (h >> np.uint32(16)))


@njit(cache=True)
def _slope(h, x, y, z):
    """Dot product of an offset with one of Perlin's twelve edge directions."""
    k = h & np.uint32(15)
    u = x if k < 8 else y
    v = y if k < 4 else (x if k in (12, 14) else z)
    return (u if (k & np.uint32(1)) == 0 else -u) + (v if (k & np.uint32(2)) == 0 else -v)


@njit(cache=True)
def _gradient(x, y, z, seed):
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    ix, iy, iz = int(fx), int(fy), int(fz)
    x, y, z = x - fx, y - fy, z - fz
    u = x * x * x * (x * (x * 6 - 15) + 10)
    v = y * y * y * (y * (y * 6 - 15) + 10)
    w = z * z * z * (z * (z * 6 - 15) + 10)
    total = 0.0
    for k in range(2):
        wk = w if k else 1 - w
        if wk == 0.0:  # a 2-D point: half the work
            continue
        for j in range(2):
            vj = v if j else 1 - v
            a = _slope(_hash(ix, iy + j, iz + k, seed), x, y - j, z - k)
            b = _slope(_hash(ix + 1, iy + j, iz + k, seed), x - 1, y - j, z - k)
            total += wk * vj * (a + u * (b - a))
    return total


@njit(cache=True)
def _fbm(points, cells, frequency, octaves, seed, gain, ridged):
    out = np.empty(len(points), np.float32)
    for i in range(len(points)):
        total, reach, f, a = 0.0, 0.0, frequency, 1.0
        for octave in range(octaves):
            keep = min(max(2.0 - 2.0 * cells[i] * f, 0.0), 1.0)  # 1 down to a wavelength of 2 cells, 0 at 1 cell
            # An irrational shift per octave keeps the lattices from lining up at the origin.
            shift = 17.137 * octave
            if keep > 0.0:
                n = _gradient(points[i, 0] * f + shift, points[i, 1] * f - shift, points[i, 2] * f, seed + octave)
                total += a * keep * ((1.0 - abs(n)) ** 2 if ridged else n)
            if keep < 1.0 and ridged:
                total += a * (1.0 - keep) * 0.63  # the mean of a ridged octave, so that fading keeps the height
            reach += a
            f *= 2.0
            a *= gain
        out[i] = total / reach
    return out


@njit(cache=True)
def _cellular(points, frequency, seed, solid):
    count = len(points)
    first, second, pick = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    unit = 1.0 / 4294967296.0
    for i in range(count):
        x, y, z = points[i, 0] * frequency, points[i, 1] * frequency, points[i, 2] * frequency
        ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        d1, d2, chosen = 1e9, 1e9, 0.0
        for dz in range(-1 if solid else 0, 2 if solid else 1):
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    cx, cy, cz = ix + dx, iy + dy, iz + dz
                    px = cx + _hash(cx, cy, cz, seed) * unit - x
                    py = cy + _hash(cx, cy, cz, seed + 1) * unit - y
                    pz = (cz + _hash(cx, cy, cz, seed + 2) * unit - z) if solid else 0.0
                    d = px * px + py * py + pz * pz
                    if d < d1:
                        d2, d1 = d1, d
                        chosen = _hash(cx, cy, cz, seed + 3) * unit
                    elif d < d2:
                        d2 = d
        first[i], second[i], pick[i] = np.sqrt(d1), np.sqrt(d2), chosen
    return first, second, pick
