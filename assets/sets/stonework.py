"""Courses of stone on a bare face: how joints, tilted blocks and worn surfaces bend its normals.

A guide made of flat faces paints flat. These normals are what the built-in model learnt to read as masonry; everything is
a function of position and seed, so a stone stays where it is in every view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.providers.request import SetPart

Array = np.ndarray[Any, Any]
COURSE_M = 0.46  # mean height of a course
STONE_M = 0.85  # mean length of a stone
JOINT_M = 0.07  # rounded edge on either side of a joint
TILT = 0.16  # how far a block's face leans, as a slope
WEAR = 0.10  # slope of the surface's own roughness


def stone_normals(points_m: Array, normals: Array, metres_per_px: float, seed: int = 1) -> Array:
    """Unit normals (..., 3) of coursed stone at `points_m` (..., 3) on faces with unit `normals` (..., 3).

    Both in the piece's own or world axes, Y up, metres; float32 out, same axes. metres_per_px: size of a pixel there; detail
    finer than a pixel is left out.
    """
    points, normals = np.asarray(points_m, np.float64), np.asarray(normals, np.float64)
    across, up = face_axes(normals)
    u, v = (points * across).sum(-1), (points * up).sum(-1)
    slope_u, slope_v, _ = courses(u, v, _face_seed(normals, seed), metres_per_px)
    bent = normals - slope_u[..., None] * across - slope_v[..., None] * up
    return np.asarray(bent / np.linalg.norm(bent, axis=-1, keepdims=True), np.float32)


def rough_normals(points_m: Array, normals: Array, metres_per_px: float, roughness: Roughness, seed: int = 1) -> Array:
    """Unit normals (..., 3) float32 of a surface without courses: rock, leaves, plaster, cloth; see stone_normals.

    The bumps are a function of position alone, so they go on over the edges of a rounded body's faces.
    """
    points, normals = np.asarray(points_m, np.float64), np.asarray(normals, np.float64)
    bent = normals.copy()
    for octave, size in enumerate(roughness.sizes_m):
        share = roughness.slope * float(np.clip(size / metres_per_px / 2 - 0.5, 0, 1))
        if share:
            x, y, z = np.moveaxis(points / size, -1, 0)
            # No face, level or upright, is seen along a direction in which all three stay what they are.
            for axis, (lean, turn) in enumerate(((0.6, 0.8), (-0.8, 0.6), (0.1, -1.0))):
                noise = smooth_chance(x + lean * y, z + turn * y, seed + 31 * octave + axis)
                bent[..., axis] += share * (2 * noise - 1)
    return np.asarray(bent / np.linalg.norm(bent, axis=-1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True)
class Roughness:
    """Bumps of a surface: how large, in metres, and how steep each size of them is."""

    sizes_m: tuple[float, ...]
    slope: float


ROUGH = {
    SetPart.ROCK: Roughness((0.25, 0.8, 2.5, 8.0, 25.0, 80.0), 0.36),
    SetPart.LEAF: Roughness((0.12, 0.3, 1.0, 4.0, 16.0), 0.5),
    SetPart.PLASTER: Roughness((0.3, 0.9), 0.06),
    SetPart.CLOTH: Roughness((0.35, 1.1), 0.09),
}


def face_axes(normals: Array) -> tuple[Array, Array]:
    """Unit axes (..., 3) in a face: across (level), and up along it. On level faces they are +X and -Z."""
    level = np.abs(normals[..., 1:2]) > 0.95
    across = np.stack([normals[..., 2], np.zeros_like(normals[..., 0]), -normals[..., 0]], axis=-1)
    across = np.where(level, [1.0, 0.0, 0.0], across)
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)
    return across, np.cross(normals, across)


def courses(u_m: Array, v_m: Array, seed: Array, metres_per_px: float) -> tuple[Array, Array, Array]:
    """Slope of the surface along u and v, and the stone's paleness 0..1, at each position on a face.

    A stone that leans back is paler: rain and sun reach it. So a painter can read a stone's colour off its normal.
    """
    row = np.floor(v_m / COURSE_M)
    height = v_m / COURSE_M - row
    length = STONE_M * (0.75 + 0.5 * hashed(row, seed, 1))
    along = u_m / length + hashed(row, seed, 2)
    stone = np.floor(along)
    share = along - stone
    cut = 0.3 + 0.4 * hashed(row, stone, seed + 3)  # some stones are two
    two = hashed(row, stone, seed + 4) < 0.35
    second = two & (share > cut)
    low, high = np.where(second, cut, 0.0), np.where(two & ~second, cut, 1.0)
    name = stone * 2 + second
    joint = max(JOINT_M, 0.75 * metres_per_px)
    strength = float(np.clip(COURSE_M / metres_per_px / 3 - 0.4, 0, 1)) * 0.9
    slope_u = strength * (_edge((high - share) * length, joint) - _edge((share - low) * length, joint))
    slope_v = strength * (_edge((1 - height) * COURSE_M, joint) - _edge(height * COURSE_M, joint))
    tilt = TILT * min(1.0, COURSE_M / metres_per_px / 2)
    lean_u, lean_v = hashed(row, name, seed + 5) * 2 - 1, hashed(row, name, seed + 6) * 2 - 1
    worn_u, worn_v = wear(u_m, v_m, seed, metres_per_px)
    paleness = 0.8 * (0.5 - 0.5 * lean_v) + 0.2 * hashed(row, name, seed + 7)
    return -slope_u + tilt * lean_u + worn_u, -slope_v + tilt * lean_v + worn_v, paleness


def wear(u_m: Array, v_m: Array, seed: Array, metres_per_px: float) -> tuple[Array, Array]:
    """Slopes of a rough surface: two octaves of smoothed chance."""
    total_u, total_v = np.zeros_like(u_m), np.zeros_like(u_m)
    for octave, size in enumerate((0.9, 0.3)):
        share = WEAR * float(np.clip(size / metres_per_px / 2 - 0.5, 0, 1))
        if share:
            total_u += share * (2 * smooth_chance(u_m / size, v_m / size, seed + 11 + octave) - 1)
            total_v += share * (2 * smooth_chance(u_m / size, v_m / size, seed + 21 + octave) - 1)
    return total_u, total_v


def smooth_chance(x: Array, y: Array, seed: Array | int) -> Array:
    """Value noise 0..1 on a unit grid, cubic between its points."""
    column, row = np.floor(x), np.floor(y)
    fx, fy = x - column, y - row
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    a, b = hashed(column, row, seed), hashed(column + 1, row, seed)
    c, d = hashed(column, row + 1, seed), hashed(column + 1, row + 1, seed)
    return (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy


def hashed(a: Array, b: Array | int, c: Array | int) -> Array:
    """A random number 0..1 of three whole numbers (any sign), the same on every machine."""
    mixed = np.zeros(np.broadcast(a, b, c).shape, np.uint64)
    for number, odd in ((a, 0x9E3779B97F4A7C15), (b, 0xC2B2AE3D27D4EB4F), (c, 0x165667B19E3779F9)):
        mixed = (mixed ^ np.asarray(number).astype(np.int64).astype(np.uint64)) * np.uint64(odd)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def _edge(distance_m: Array, joint_m: float) -> Array:
    """How much a surface has turned down towards a joint that is `distance_m` away: 1 at the joint, 0 beyond."""
    return np.clip(1 - distance_m / joint_m, 0, 1)


def _face_seed(normals: Array, seed: int) -> Array:
    """Faces that look another way are laid otherwise; a drum's sides are, a wall's leaning foot is not."""
    heading = np.round(np.arctan2(normals[..., 0], normals[..., 2]) * 8 / np.pi).astype(np.int64)
    level = np.abs(normals[..., 1]) > 0.95
    return seed * 1009 + np.where(level, 99, heading % 16) * 37
