"""The valley: its shape as a function of place, its soil, grass and rock, and the mesh that is fine where the lens looks.

`away` is the distance along -Z from the world's origin, `across` is X.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.demo.mesh import Floats, SceneMesh, mix, smoothstep

SEED = 7
# Linear ACEScg reflectances, measured by eye against photographs of dry limestone country: none is saturated.
SOIL_PALE = np.array([0.330, 0.283, 0.222])
SOIL_DARK = np.array([0.178, 0.147, 0.112])
STRAW = np.array([0.330, 0.282, 0.172])
GREEN = np.array([0.118, 0.122, 0.052])
ROCK_PALE = np.array([0.375, 0.348, 0.302])
ROCK_DARK = np.array([0.158, 0.145, 0.128])
ROCK_RUST = np.array([0.262, 0.206, 0.150])
SCRUB = np.array([0.058, 0.064, 0.034])

# The seat of the fortress: a shoulder of the right-hand ridge.
SEAT_M = (53.0, -172.0)
SEAT_HEIGHT_M = 17.5


def _fbm(
    points: NDArray, frequency: float, octaves: int, seed: int, cell: Floats | float = 0.0, **how: object
) -> Floats:
    from pipeline.kernels.noise import fbm

    return 2.0 * fbm(points, frequency, octaves, SEED * 1000 + seed, cell=cell, **how)  # type: ignore[arg-type]


def track_across_m(away: NDArray) -> NDArray:
    """Where the beaten track runs."""
    return 2.5 + 5.5 * np.sin(away / 27.0 + 0.4) - 0.05 * away


def _landform(x: NDArray, away: NDArray, cell: Floats) -> NDArray:
    """The large shape: floor, left slope, right ridge with the seat, hills and mountains behind."""
    flat = np.stack([x, away], -1)
    bend = 16.0 * _fbm(flat, 1 / 120, 3, 1, cell)
    left = smoothstep(24, 150, -(x + bend) + 0.10 * away - 8) * (26 + 14 * _fbm(flat, 1 / 90, 3, 2, cell))
    left *= smoothstep(20, 120, away + 30)
    line = x + 0.55 * bend - np.interp(away, [0, 60, 120, 172, 230, 330], [46, 40, 24, 9, 16, 90])
    ridge = smoothstep(0, 24, line) * SEAT_HEIGHT_M * smoothstep(35, 150, away) * smoothstep(420, 250, away)
    ridge *= 1 + 0.16 * _fbm(flat, 1 / 45, 3, 3, cell)
    near_seat = np.exp(-(((x - SEAT_M[0]) / 48) ** 4) - ((away + SEAT_M[1]) / 26) ** 4) * smoothstep(7, 22, line)
    ridge = ridge * (1 - near_seat) + near_seat * SEAT_HEIGHT_M
    floor = 2.4 * smoothstep(40, 170, away) - 5 * smoothstep(230, 420, away)
    hills = smoothstep(260, 620, away) * (20 + 95 * _fbm(flat, 1 / 420, 5, 4, cell, ridged=True) ** 2 / 3)
    hills *= 0.72 + 0.4 * smoothstep(-260, 260, -x)
    far = smoothstep(1100, 2300, away) * (60 + 190 * _fbm(flat, 1 / 1500, 6, 5, cell, ridged=True) ** 2 / 3)
    return floor + left + ridge + hills + far


def height_m(x: NDArray, away: NDArray, cell: Floats | float = 0.0) -> NDArray[np.float32]:
    """Ground height at world x and -z, both (N,); detail finer than `cell` metres is left out."""
    cell = np.broadcast_to(np.asarray(cell, np.float32), x.shape)
    flat = np.stack([x, away], -1)
    land = _landform(x, away, cell)
    slope = np.hypot(_landform(x + 0.5, away, cell) - land, _landform(x, away + 0.5, cell) - land) * 2
    steep = smoothstep(0.12, 0.5, slope)
    rough = 0.20 * _fbm(flat, 1 / 14, 2, 10, cell) + 0.055 * _fbm(flat, 1 / 3.1, 3, 11, cell)
    rough += 0.018 * _fbm(flat, 2.2, 5, 12, cell)
    on_track = np.exp(-(((x - track_across_m(away)) / 1.7) ** 2)) * smoothstep(170, 120, away)
    rough -= on_track * (0.06 + 0.5 * rough)
    crags = _fbm(flat, 1 / 22, 8, 13, cell, ridged=True) - 1.0
    ledges = land + 2.2 * _fbm(flat, 1 / 20, 4, 14, cell)
    ledges = (np.floor(ledges / 2.6) + smoothstep(0.25, 0.75, ledges / 2.6 % 1)) * 2.6 - ledges
    bare = smoothstep(-0.2, 0.5, _fbm(flat, 1 / 30, 4, 15, cell) + steep - 0.35)
    broken = _fbm(flat, 0.55, 6, 16, cell, ridged=True, gain=0.6) - 1.0
    far = 1 + 2.2 * smoothstep(300, 900, away)
    height = land + rough + steep * bare * (0.75 * ledges + 2.4 * far * crags) + steep * 0.8 * broken
    return (height + _stones(flat, cell)).astype(np.float32)


def _stones(flat: NDArray, cell: Floats) -> NDArray:
    """Stones set in the soil at three sizes, as low domes."""
    from pipeline.kernels.noise import cellular

    total = np.zeros(len(flat))
    for size_m, share, seed in ((0.045, 0.45, 19), (0.11, 0.32, 20), (0.27, 0.10, 21)):
        close = cell < size_m * 0.5
        if not close.any():
            continue
        warped = flat[close] + 0.25 * size_m * _fbm(flat[close], 1.2 / size_m, 2, seed + 50)[:, None]
        first, _, pick = cellular(warped, 1 / size_m, SEED * 100 + seed)
        patch = share * (0.55 + 1.1 * _fbm(flat[close], 0.35 / size_m**0.5, 3, seed + 30))
        radius = 0.16 + 0.26 * (pick * 7.0 % 1)
        chipped = 1 + 0.5 * _fbm(flat[close], 2.6 / size_m, 2, seed + 70)
        dome = np.minimum(np.sqrt(np.clip(1 - (first / radius) ** 2, 0, None)), 0.62 * chipped) * radius * size_m * 0.8
        total[close] += np.where(pick < patch, dome, 0) * smoothstep(0.5, 0.2, cell[close] / size_m)
    return total


def stone_cover(flat: NDArray, cell: Floats) -> NDArray:
    """0..1, where `_stones` stands out of the soil."""
    return smoothstep(0.004, 0.02, _stones(flat, cell))


def _albedo(points: NDArray, normals: NDArray, cell: Floats) -> NDArray:
    x, height, away = points[:, 0], points[:, 1], -points[:, 2]
    flat = np.stack([x, away], -1)
    patches, spots = _fbm(flat, 1 / 9, 5, 31, cell), _fbm(flat, 1.1, 6, 32, cell)
    grit = _fbm(flat, 9.0, 4, 33, cell)
    broad = _fbm(flat, 1 / 34, 4, 43, cell)
    soil = mix(SOIL_DARK, SOIL_PALE, np.clip(0.52 + 0.5 * broad + 0.5 * patches + 0.45 * spots + 0.35 * grit, 0, 1.3))
    dry = smoothstep(-0.25, 0.45, _fbm(flat, 1 / 6, 6, 34, cell) + 0.35 * spots)
    grass = mix(STRAW, GREEN, smoothstep(0.0, 0.9, _fbm(flat, 1 / 17, 5, 35, cell) + 0.3 * spots))
    colour = mix(soil, grass * (0.85 + 0.5 * grit[:, None]), 0.62 * dry)
    worn = np.exp(-(((x - track_across_m(away)) / 1.5) ** 2)) * smoothstep(190, 130, away)
    colour = mix(colour, SOIL_PALE * (1.06 + 0.18 * spots + 0.12 * grit)[:, None], 0.8 * worn)
    stone = mix(ROCK_DARK, ROCK_PALE, np.clip(0.62 + 0.5 * _fbm(points, 5.0, 4, 36, cell) + 0.3 * grit, 0, 1.2))
    colour = mix(colour, stone, 0.85 * stone_cover(flat, cell))
    strata = _fbm(np.stack([0.15 * x, 1.6 * height + 0.6 * spots, 0.15 * away], -1), 0.5, 5, 37)
    rock = mix(ROCK_DARK, ROCK_PALE, np.clip(0.55 + 0.7 * strata + 0.4 * _fbm(points, 0.6, 6, 38, cell), 0, 1.2))
    rock = mix(rock, ROCK_RUST, 0.5 * smoothstep(0.1, 0.7, _fbm(points, 0.11, 4, 39, cell)))
    beds = smoothstep(0.25, 0.65, _fbm(np.stack([0.03 * x, 0.9 * height, 0.03 * away], -1), 1.0, 3, 41))
    cracks = smoothstep(0.72, 0.94, _fbm(points * [1.0, 0.45, 1.0], 0.32, 5, 42, cell, ridged=True) / 2)
    rock = rock * (1 - 0.45 * beds - 0.52 * cracks)[:, None]
    colour = mix(colour, rock, smoothstep(0.90, 0.74, normals[:, 1] + 0.10 * spots))
    bush = smoothstep(0.02, 0.30, _fbm(flat, 1 / 11, 5, 40, cell) - 0.05 + 0.25 * smoothstep(200, 700, away))
    bush *= smoothstep(3, 9, height) * smoothstep(0.62, 0.80, normals[:, 1]) * smoothstep(60, 110, away)
    return np.clip(mix(colour, SCRUB * (1 + 0.5 * spots[:, None]), 0.75 * bush), 0.015, 0.6)


def _rows(detail: float, focal_px: float, eye_m: float) -> NDArray:
    """Distances of the mesh's rows: dense as flat ground is seen, plus a share for slopes that face the lens."""
    r = np.geomspace(3.0, 3600.0, 20000)
    density = focal_px * detail * (1.3 * eye_m / r**2 + np.interp(r, [40, 80, 260, 420], [0.30, 0.85, 0.85, 0.40]) / r)
    at = np.concatenate([[0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(r))])
    return np.interp(np.arange(0, at[-1]), at, r)


def _fan(angles: NDArray, rows: NDArray) -> tuple[NDArray, NDArray, Floats, NDArray]:
    """A polar grid around a point behind the dolly: x, away, cell, triangles."""
    angle, r = np.meshgrid(angles, rows, indexing="xy")
    step_m = np.maximum(r * np.gradient(angles)[None, :], 0.6 * np.gradient(rows)[:, None])
    n, m = len(angles), len(rows)
    a = (np.arange(m - 1)[:, None] * n + np.arange(n - 1)[None, :]).reshape(-1, 1)
    faces = np.concatenate([a + np.array([0, 1, n]), a + np.array([1, n + 1, n])])
    return (r * np.sin(angle)).ravel(), (r * np.cos(angle) - 3.0).ravel(), step_m.ravel().astype("f4"), faces


def build_terrain(detail: float, focal_px: float = 933.0, eye_m: float = 2.5) -> SceneMesh:
    """The ground as one mesh. detail: rows and columns per pixel of the full-size plate (1 for the plate, less for stills).

    Beyond the frame's sides a coarse fan closes the circle, so that hills out of sight still cast their shadow.
    """
    half = np.radians(37.0)
    seen = np.arange(-half, half, 1.0 / (focal_px * detail))
    parts = []
    for angles, rows in (
        (seen, _rows(detail, focal_px, eye_m)),
        (np.linspace(seen[-1], 2 * np.pi - half, 160), np.geomspace(2.0, 3600.0, 300)),
    ):
        x, away, cell, faces = _fan(angles, rows)
        points = np.stack([x, height_m(x, away, cell), -away], -1)
        bare = SceneMesh.of(points, faces, ROCK_PALE)
        parts.append(SceneMesh.of(points, faces, _albedo(points, bare.normals, cell), bare.normals))
    from assets.demo.mesh import join

    return join(parts)
