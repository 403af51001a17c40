"""Boulders and scattered stones: balls cut by planes, roughened, half sunk into the ground."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assets.demo.mesh import SceneMesh, mix, smoothstep
from assets.demo.terrain import ROCK_DARK, ROCK_PALE, ROCK_RUST, SOIL_PALE, height_m, track_across_m


@lru_cache(maxsize=8)
def _ball(subdivisions: int) -> tuple[NDArray, NDArray]:
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=subdivisions)
    return np.asarray(ball.vertices, np.float64), np.asarray(ball.faces, np.int32)


def turn(rng: np.random.Generator) -> NDArray:
    """A random rotation (3, 3)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    if np.linalg.det(q) < 0:
        q[:, 0] *= -1
    return q


def rock_shape(rng: np.random.Generator, subdivisions: int) -> tuple[NDArray, NDArray]:
    """A rock about 1 m in radius: vertices, triangles."""
    from pipeline.kernels.noise import fbm

    unit, faces = _ball(subdivisions)
    points = unit * 1.25
    for _ in range(rng.integers(9, 16)):  # quarry faces: pull what lies outside a plane back onto it, not quite flat
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        beyond = np.maximum(points @ normal - rng.uniform(0.62, 0.98), 0)
        points -= (0.93 * beyond)[:, None] * normal
    seed = int(rng.integers(1 << 30))
    cell = 2.2 / 2**subdivisions
    points *= (1 + 0.20 * fbm(points, 0.8, 3, seed))[:, None]
    rough = 0.10 * fbm(points, 2.2, 6, seed + 1, cell=cell) - 0.10 * (
        1 - fbm(points, 1.5, 6, seed + 2, cell=cell, ridged=True)
    )
    points += unit * rough[:, None]
    return points * rng.uniform([0.8, 0.55, 0.75], [1.3, 0.85, 1.15]), faces


def rock_albedo(points: NDArray, normals: NDArray, above_m: NDArray, cell: float, seed: int) -> NDArray:
    """Limestone: pale, stained, rusty in places, dusty towards the ground. Points (N, 3) in world metres."""
    from pipeline.kernels.noise import fbm

    stain = 2 * fbm(points, 1.3, 7, seed, cell=cell)
    speck = 2 * fbm(points, 14.0, 4, seed + 1, cell=cell)
    colour = mix(ROCK_DARK, ROCK_PALE, np.clip(0.62 + 0.55 * stain + 0.30 * speck, 0, 1.15))
    colour = mix(colour, ROCK_RUST, 0.55 * smoothstep(0.15, 0.7, 2 * fbm(points, 0.7, 4, seed + 2, cell=cell)))
    lichen = smoothstep(0.22, 0.42, 2 * fbm(points, 6.0, 5, seed + 3, cell=cell)) * smoothstep(-0.2, 0.5, normals[:, 1])
    colour = mix(colour, np.array([0.30, 0.30, 0.24]), 0.5 * lichen)
    cracks = smoothstep(0.93, 0.985, fbm(points, 1.9, 4, seed + 4, cell=cell, ridged=True))
    colour = colour * (1 - 0.45 * cracks)[:, None]
    dust = smoothstep(0.30, 0.0, above_m + 0.1 * stain) * smoothstep(0.0, 0.7, normals[:, 1] + 0.4)
    return np.clip(mix(colour, SOIL_PALE, 0.6 * dust), 0.02, 0.6)


def place_rock(rng: np.random.Generator, x: float, away: float, radius_m: float, subdivisions: int) -> SceneMesh:
    """One rock, a third of it in the ground."""
    shape, faces = rock_shape(rng, subdivisions)
    angle = rng.uniform(0, 2 * np.pi)
    spin = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    lean = np.radians(rng.normal(0, 12))
    tip = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
    ground = float(height_m(np.array([x]), np.array([away]), 0.6)[0])
    points = shape @ (spin @ tip).T * radius_m + [x, ground + radius_m * rng.uniform(0.05, 0.3), -away]
    bare = SceneMesh.of(points, faces, ROCK_PALE)
    cell = radius_m * 2.2 / 2**subdivisions
    albedo = rock_albedo(points, bare.normals, points[:, 1] - ground, cell, int(rng.integers(1 << 30)))
    return SceneMesh.of(points, faces, albedo * rng.uniform(0.85, 1.1), bare.normals)


# x, away, radius: placed by eye for the frame; none in the crowd's zones.
BOULDERS = (
    (4.3, 7.6, 0.62), (5.2, 8.3, 0.38), (3.7, 8.1, 0.24), (-4.9, 9.6, 0.55), (-5.6, 9.0, 0.30),
    (9.2, 15.0, 1.15), (10.9, 16.6, 0.8), (8.1, 16.3, 0.5), (-10.5, 21.0, 1.0), (-9.2, 22.4, 0.6),
    (14.0, 26.0, 1.5), (16.5, 28.5, 1.0), (-21.0, 42.0, 1.9), (-24.0, 45.0, 1.3), (27.0, 58.0, 2.2),
    (-31.0, 68.0, 2.6), (30.0, 66.0, 1.4), (-2.6, 6.2, 0.17), (1.1, 6.0, 0.12), (-20.0, 37.0, 0.7),
)  # fmt: skip


def build_rocks(detail: float) -> list[SceneMesh]:
    """Boulders, and some hundreds of stones around them and over the slopes."""
    rng = np.random.default_rng(41)
    fine = 0 if detail >= 0.75 else -1
    meshes = []
    for x, away, radius in BOULDERS:
        size_px = 933 * radius / away
        meshes.append(place_rock(rng, x, away, radius, (6 if size_px > 60 else 5 if size_px > 25 else 4) + fine))
        for _ in range(int(rng.integers(4, 10))):  # what broke off it
            angle, reach = rng.uniform(0, 2 * np.pi), radius * rng.uniform(1.0, 2.6)
            small = radius * rng.uniform(0.06, 0.28)
            at = x + reach * np.cos(angle), max(away + reach * np.sin(angle), 4.5)
            meshes.append(place_rock(rng, *at, small, 3))
    for _ in range(900):  # loose stones over the near ground
        away = 4.5 + 36 * rng.uniform() ** 1.3
        x = rng.uniform(-0.62, 0.62) * (away + 3)
        if abs(x - track_across_m(np.array(away))) > 1.6:
            meshes.append(place_rock(rng, x, away, 0.025 + 0.13 * rng.uniform() ** 4, 3 if away < 14 else 2))
    for _ in range(420):  # blocks under the crags of the ridge and on the left slope
        side = rng.uniform() < 0.6
        away = rng.uniform(75, 230)
        x = rng.uniform(10, 100) if side else rng.uniform(-95, -28)
        if float(height_m(np.array([x]), np.array([away]), 1.0)[0]) > 4.0:
            radius = 0.35 + 1.3 * rng.uniform() ** 4
            meshes.append(place_rock(rng, x, away, radius, (5 if radius > 1.0 else 4 if radius > 0.6 else 3) + fine))
    return meshes
