"""What grows there: tufts of dry grass, low scrub, a few small trees, all made of single blades and leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.demo.mesh import SceneMesh, mix
from assets.demo.terrain import GREEN, SCRUB, STRAW, height_m, track_across_m

OLIVE = np.array([0.105, 0.112, 0.060])
BARK = np.array([0.115, 0.092, 0.070])


def _blades(rng: np.random.Generator, roots: NDArray, length_m: NDArray, width_m: float, colour: NDArray) -> SceneMesh:
    """Bent blades, three triangles each. roots (N, 3); length_m (N,); colour (N, 3)."""
    count = len(roots)
    angle = rng.uniform(0, 2 * np.pi, count)
    out = np.stack([np.cos(angle), np.zeros(count), np.sin(angle)], -1)
    side = np.stack([-out[:, 2], out[:, 1], out[:, 0]], -1) * (width_m * rng.uniform(0.6, 1.3, count))[:, None] / 2
    lean, droop = rng.uniform(0.05, 0.75, count)[:, None], rng.uniform(0.0, 0.55, count)[:, None]
    up = np.array([0.0, 1.0, 0.0])
    tall = length_m[:, None]
    middle = roots + tall * (0.55 * up + 0.55 * lean * out)
    tip = roots + tall * ((1 - 0.45 * droop) * up + (lean + 0.5 * droop) * out)
    corners = np.stack([roots - side, roots + side, middle - 0.7 * side, middle + 0.7 * side, tip], 1)
    faces = np.arange(count)[:, None, None] * 5 + np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4]])
    normals = np.repeat((0.8 * up + 0.45 * out)[:, None], 5, 1).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    shade = np.array([0.55, 0.55, 0.9, 0.9, 1.15])[None, :, None]  # darker at the root, where blades hide each other
    albedo = (colour[:, None] * shade).reshape(-1, 3)
    return SceneMesh.of(corners.reshape(-1, 3), faces.reshape(-1, 3), np.clip(albedo, 0.01, 0.6), normals, thin=0.35)


def _meadow(
    rng: np.random.Generator, tufts: int, near_m: float, far_m: float, blades: int, width_m: float
) -> SceneMesh:
    """Tufts gathered in patches between two distances, off the track."""
    from pipeline.kernels.noise import fbm

    away = near_m + (far_m - near_m) * rng.uniform(0, 1, tufts * 6) ** 1.25
    x = rng.uniform(-0.66, 0.66, len(away)) * (away + 4)
    flat = np.stack([x, away], -1)
    wanted = 0.75 * fbm(flat, 1 / 6, 5, 7034) + 0.8 * fbm(flat, 0.9, 3, 91) + rng.uniform(-0.25, 0.25, len(away))
    keep = (wanted > 0.13) & (np.abs(x - track_across_m(away)) > 1.3 + rng.uniform(0, 0.8, len(away)))
    x, away = x[keep][:tufts], away[keep][:tufts]
    size = rng.uniform(0.5, 1.5, len(x)) * np.where(rng.uniform(0, 1, len(x)) < 0.12, 1.7, 1.0)
    spread = np.repeat(0.055 * size + 0.02, blades)
    bx = np.repeat(x, blades) + rng.normal(0, 1, len(spread)) * spread
    bz = np.repeat(away, blades) + rng.normal(0, 1, len(spread)) * spread
    roots = np.stack([bx, np.repeat(height_m(x, away, 0.05), blades) - 0.01, -bz], -1)
    tone = np.clip(0.25 + 0.35 * rng.normal(size=len(x)), 0, 1)
    tint = mix(np.broadcast_to(STRAW * 1.12, (len(x), 3)), np.broadcast_to(GREEN, (len(x), 3)), 0.6 * tone**2)
    colour = np.repeat(tint * rng.uniform(0.75, 1.15, (len(x), 1)), blades, 0) * rng.uniform(0.8, 1.2, (len(bx), 1))
    length = np.repeat(0.16 * size, blades) * rng.uniform(0.45, 1.3, len(bx))
    return _blades(rng, roots, length, width_m, colour)


def _leaves(
    rng: np.random.Generator, centre: NDArray, radii: NDArray, count: int, leaf_m: float, colour: NDArray
) -> SceneMesh:
    """A crown: leaves (two triangles each) around several clumps inside an ellipsoid."""
    clumps = rng.normal(size=(max(4, count // 60), 3))
    clumps *= (rng.uniform(0.35, 0.85, len(clumps)) / np.linalg.norm(clumps, axis=1))[:, None]
    pick = rng.integers(len(clumps), size=count)
    away = rng.normal(size=(count, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    local = clumps[pick] + away * (0.36 * rng.uniform(0.3, 1, count) ** 0.5)[:, None]
    u = rng.normal(size=(count, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(u, away)
    v /= np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-6)
    size = (leaf_m * rng.uniform(0.6, 1.4, count))[:, None]
    at = centre + local * radii
    corners = np.stack([at - u * size, at + v * size * 0.5, at - v * size * 0.5, at + u * size], 1)
    faces = np.arange(count)[:, None, None] * 4 + np.array([[0, 1, 2], [1, 3, 2]])
    normals = 0.55 * away + 0.75 * local + 0.25 * rng.normal(size=(count, 3)) + [0, 0.25, 0]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    tone = rng.uniform(0.6, 1.4, count)[:, None] * (0.75 + 0.35 * local[:, 1:2])
    albedo = np.repeat(np.clip(colour * tone, 0.01, 0.5), 4, 0)
    return SceneMesh.of(corners.reshape(-1, 3), faces.reshape(-1, 3), albedo, np.repeat(normals, 4, 0), thin=0.30)


def _bush(rng: np.random.Generator, x: float, away: float, size_m: float, leaf_m: float, count: int) -> SceneMesh:
    ground = float(height_m(np.array([x]), np.array([away]), 0.5)[0])
    radii = size_m * np.array([rng.uniform(0.8, 1.3), rng.uniform(0.55, 0.85), rng.uniform(0.8, 1.3)])
    colour = mix(SCRUB * 1.25, OLIVE, np.array(rng.uniform())) * rng.uniform(0.8, 1.25)
    return _leaves(rng, np.array([x, ground + 0.45 * radii[1], -away]), radii, count, leaf_m, colour)


def _tree(rng: np.random.Generator, x: float, away: float, tall_m: float, leaf_m: float, count: int) -> list[SceneMesh]:
    """An old olive: a short leaning trunk, a wide crown."""
    ground = float(height_m(np.array([x]), np.array([away]), 0.5)[0])
    lean = rng.normal(0, 0.30, 2)
    rings, sides = 8, 9
    level = np.linspace(-0.3, 0.5 * tall_m, rings)
    angle = np.arange(sides) * 2 * np.pi / sides
    girth = 0.055 * tall_m * (1.5 - level / tall_m) * rng.uniform(0.85, 1.15, rings)
    px = x + lean[0] * level[:, None] + girth[:, None] * np.cos(angle)
    pz = -away + lean[1] * level[:, None] + girth[:, None] * np.sin(angle)
    points = np.stack([px, np.repeat((ground + level)[:, None], sides, 1), pz], -1).reshape(-1, 3)
    a = np.arange(rings - 1)[:, None] * sides + np.arange(sides)[None, :]
    b = np.arange(rings - 1)[:, None] * sides + (np.arange(sides)[None, :] + 1) % sides
    faces = np.concatenate(
        [np.stack([a, a + sides, b], -1).reshape(-1, 3), np.stack([b, a + sides, b + sides], -1).reshape(-1, 3)]
    )
    crown = np.array([x + lean[0] * 0.7 * tall_m, ground + 0.56 * tall_m, -away + lean[1] * 0.7 * tall_m])
    radii = tall_m * np.array([rng.uniform(0.42, 0.58), rng.uniform(0.32, 0.46), rng.uniform(0.42, 0.58)])
    colour = OLIVE * rng.uniform(0.75, 1.1)
    crowns = [_leaves(rng, crown, radii, count // 2, leaf_m, colour)]
    for _ in range(4):  # boughs of their own break the outline
        offset = rng.normal(0, 0.30, 3) * radii + [0, -0.25 * radii[1], 0]
        crowns.append(_leaves(rng, crown + 1.6 * offset, radii * rng.uniform(0.35, 0.65), count // 7, leaf_m, colour))
    return [SceneMesh.of(points, faces, BARK * 1.2), *crowns]


def build_plants(detail: float) -> list[SceneMesh]:
    """Grass near the lens; scrub around the ruins and on the slopes; olives on the sides of the valley."""
    rng = np.random.default_rng(61)
    meshes = [
        _meadow(rng, 1500, 4.2, 15.0, 26, 0.006),
        _meadow(rng, 3600, 12.0, 38.0, 12, 0.010),
        _meadow(rng, 2600, 34.0, 80.0, 6, 0.022),
    ]
    for x, away, size in ((-7.0, 11.5, 0.55), (-8.0, 12.6, 0.75), (9.9, 14.0, 0.5), (12.8, 19.0, 0.8), (-15.5, 29.0, 0.9),
                          (-9.4, 29.2, 0.7), (-4.4, 27.0, 0.6), (6.2, 20.5, 0.5), (-19.0, 33.0, 1.1), (-27.0, 40.0, 1.2)):  # fmt: skip
        meshes.append(_bush(rng, x, away, size, 0.030 + 0.0009 * away, 1500))
    for _ in range(900):
        away = rng.uniform(48, 260)
        x = rng.uniform(-0.75, 0.75) * away
        if float(height_m(np.array([x]), np.array([away]), 1.5)[0]) > 4.2 + 2.4 * (away > 100):
            meshes.append(_bush(rng, x, away, rng.uniform(0.5, 1.5), 0.09 + 0.0011 * away, 90))
    for x, away, tall in ((-33.0, 60.0, 5.0), (-38.5, 66.0, 4.4), (-29.0, 88.0, 4.6), (-44.0, 84.0, 5.2), (29.0, 75.0, 4.5),
                          (34.0, 84.0, 5.2), (-36.0, 118.0, 5.0), (-30.0, 141.0, 5.5), (-18.0, 190.0, 6.0), (-6.0, 214.0, 6.0),
                          (-48.0, 128.0, 5.0), (4.0, 236.0, 5.5)):  # fmt: skip
        meshes.extend(_tree(rng, x, away, tall, 0.10 + 0.0012 * away, 1500))
    return meshes
