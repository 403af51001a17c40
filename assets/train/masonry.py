"""Walls and towers to learn from: random pieces, random lights, drawn with shadows, stones and weather."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from assets.people.looks import SET_MATERIALS, set_identity
from assets.providers.conditioning import ground_light, paint_flat
from assets.providers.request import Guides, Identity, Light, PartLook, Request, SetPart
from assets.sets.pieces import Mesh, build
from assets.sets.stonework import courses, face_axes, smooth_chance, stone_normals
from assets.train.samples import Sample, sample_light

Array = np.ndarray[Any, Any]
PIECES = (("wall", 40, 9), ("tower", 9, 16), ("keep", 18, 22), ("fortress", 70, 26), ("fortress", 45, 18))
_FINE = 2  # samples per pixel and side of the true picture
_STONE = (SetPart.WALL, SetPart.TOP, SetPart.GROUND)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Parallel projection. camera_from_piece: (3, 3). centre: (3,) metres, seen in the middle of the picture."""

    camera_from_piece: Array
    centre: Array
    metres_per_px: float
    width: int
    height: int


def masonry_sample(rng: np.random.Generator, width: int, height: int) -> Sample:
    """A crop of a random piece, at a scale from a near wall to a far fortress."""
    while True:
        kind, wide, tall = PIECES[int(rng.integers(len(PIECES)))]
        seed = int(rng.integers(1, 10_000))
        mesh = build(kind, wide * rng.uniform(0.8, 1.3), tall * rng.uniform(0.8, 1.25), seed=seed)
        view = _view(rng, mesh, width, height)
        guides, seen = _draw(mesh, view, seed, rng)
        if (guides.given()["coverage"] > 0).mean() > 0.3:
            break
    identity = _weathered(set_identity(str(rng.choice(list(SET_MATERIALS)))), rng)
    light = sample_light(rng)
    request = Request(guides=guides, identity=identity, metres_per_px=view.metres_per_px, light=light)
    return Sample(request, _shade(mesh, view, seed, light, identity, seen, rng))


def _view(rng: np.random.Generator, mesh: Mesh, width: int, height: int) -> View:
    yaw, pitch = rng.uniform(-1.2, 1.2), rng.uniform(-0.12, 0.30)
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    axes = np.diag([1.0, -1.0, -1.0])  # x right, y down, z into the scene
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    low[1] = max(low[1], 0)
    scale = float(np.exp(rng.uniform(np.log(0.03), np.log(0.22))))
    return View(axes @ nod @ turn, rng.uniform(low, high), scale, width, height)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What each sample of a picture shows: hit, depth (metres away), and in the piece's axes points and face normals."""

    hit: Array
    depth: Array
    points: Array
    faces: Array
    parts: Array


def _look(mesh: Mesh, camera_from_piece: Array, centre: Array, metres_per_px: float, size: tuple[int, int]) -> _Seen:
    from pipeline.kernels.raster import empty_buffers, rasterize_orthographic

    camera = (mesh.vertices - centre) @ camera_from_piece.T
    height, width = size
    flat = np.concatenate([camera[:, :2] / metres_per_px + (width / 2, height / 2), camera[:, 2:]], axis=1)
    depth, triangle, weights = empty_buffers(height, width)
    rasterize_orthographic(np.ascontiguousarray(flat, np.float32), mesh.triangles, depth, triangle, weights)
    hit = triangle >= 0
    corners = mesh.vertices[mesh.triangles[np.maximum(triangle, 0)]]
    shares = np.concatenate([weights, 1 - weights.sum(-1, keepdims=True)], axis=-1)
    points = np.where(hit[..., None], (corners * shares[..., None]).sum(-2), 0)
    faces = np.where(hit[..., None], mesh.normals[triangle], [0.0, 0.0, 1.0])
    return _Seen(hit, depth, points, faces, np.where(hit, mesh.parts[triangle], 0))


def _draw(mesh: Mesh, view: View, seed: int, rng: np.random.Generator) -> tuple[Guides, _Seen]:
    size = view.height, view.width
    seen = _look(mesh, view.camera_from_piece, view.centre, view.metres_per_px, size)
    fine = _look(
        mesh, view.camera_from_piece, view.centre, view.metres_per_px / _FINE, (size[0] * _FINE, size[1] * _FINE)
    )
    normals = _bent(seen, view.metres_per_px, seed) @ view.camera_from_piece.T
    relief = np.where(seen.hit, -seen.depth, 0.0)
    reference = np.median(relief[seen.hit]) if seen.hit.any() else 0.0
    coverage = _coarse(fine.hit.astype(np.float32)) if rng.random() < 0.5 else seen.hit.astype(np.float32)
    coverage = coverage * seen.hit
    hit = seen.hit[..., None]
    guides = Guides.image(
        coverage=coverage,
        depth=np.where(seen.hit, relief - reference, 0).astype(np.float32),
        normals=np.where(hit, normals, 0).astype(np.float32),
        parts=seen.parts.astype(np.int32),
        pose=np.zeros((*size, 3), np.float32),
    )
    return guides, fine


def _bent(seen: _Seen, metres_per_px: float, seed: int) -> Array:
    stone = np.isin(seen.parts, _STONE)[..., None]
    return np.where(stone, stone_normals(seen.points, seen.faces, metres_per_px, seed), seen.faces)


def _shade(
    mesh: Mesh, view: View, seed: int, light: Light, identity: Identity, seen: _Seen, rng: np.random.Generator
) -> Array:
    """The true picture: sun with shadow, sky with occlusion, bounce; stones of their own paleness, streaks, dark feet."""
    sun_rgb, sky_rgb = np.array(light.sun_rgb), np.array(light.sky_rgb)
    sun = view.camera_from_piece.T @ np.array(light.sun_direction)
    normals = _bent(seen, view.metres_per_px, seed)
    albedo = paint_flat(seen.parts, identity)[0] * _weather(seen, view.metres_per_px, seed, rng)[..., None]
    lit = np.clip((normals * sun).sum(-1), 0, None) * np.clip((seen.faces * sun).sum(-1) * 8, 0, 1)
    lit = lit * (1 - _shadow(mesh, sun, seen))
    upward = 0.5 + 0.5 * normals[..., 1]
    open_sky = _openness(seen, view.metres_per_px / _FINE)
    bounce = np.array(ground_light(light))
    arriving = lit[..., None] * sun_rgb + open_sky[..., None] * (upward[..., None] * sky_rgb)
    arriving += open_sky[..., None] * (1 - upward[..., None]) * bounce
    rgba = np.concatenate([albedo * arriving, np.ones_like(albedo[..., :1])], axis=-1) * seen.hit[..., None]
    return _coarse(rgba).astype(np.float32)


def _weather(seen: _Seen, metres_per_px: float, seed: int, rng: np.random.Generator) -> Array:
    """A factor on the albedo."""
    across, up = face_axes(seen.faces)
    u, v = (seen.points * across).sum(-1), (seen.points * up).sum(-1)
    heading = np.round(np.arctan2(seen.faces[..., 0], seen.faces[..., 2]) * 8 / np.pi).astype(np.int64)
    level = np.abs(seen.faces[..., 1]) > 0.95
    faces_seed = seed * 1009 + np.where(level, 99, heading % 16) * 37
    paleness = courses(u, v, faces_seed, metres_per_px)[2]
    stone = np.isin(seen.parts, _STONE)
    streak = smooth_chance(u / 0.5, v / 3.5, int(rng.integers(1 << 30)))
    patch = smooth_chance(u / 2.5, v / 2.0, int(rng.integers(1 << 30)))
    strength = float(np.clip(0.46 / metres_per_px / 2, 0.25, 1))
    factor = 1 + stone * strength * 0.62 * (paleness - 0.5) - 0.22 * streak * streak + 0.16 * (patch - 0.5)
    damp = np.clip(1 - seen.points[..., 1] / 1.6, 0, 1)
    return np.asarray(factor * (1 - 0.3 * damp))


def _shadow(mesh: Mesh, sun: Array, seen: _Seen) -> Array:
    """0 lit, 1 in shadow, looked up in a depth picture taken from the sun, softened over 3 x 3 of its pixels."""
    forward = -sun
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    sun_from_piece = np.stack([right, np.cross(forward, right), forward])
    centre, reach = mesh.vertices.mean(0), float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    side = 1024
    scale = reach / side
    map_ = _look(mesh, sun_from_piece, centre, scale, (side, side)).depth
    local = (seen.points + seen.faces * 2.5 * scale - centre) @ sun_from_piece.T
    x, y = local[..., 0] / scale + side / 2 - 0.5, local[..., 1] / scale + side / 2 - 0.5
    dark = np.zeros(seen.hit.shape)
    for dy in (-0.8, 0, 0.8):
        for dx in (-0.8, 0, 0.8):
            column = np.clip(np.round(x + dx).astype(int), 0, side - 1)
            row = np.clip(np.round(y + dy).astype(int), 0, side - 1)
            dark += map_[row, column] < local[..., 2] - 1.5 * scale
    return dark / 9


def _openness(seen: _Seen, metres_per_px: float) -> Array:
    """How much of the sky a sample sees: less where what is around it stands nearer to the viewer."""
    relief = np.where(seen.hit, -seen.depth, np.nan)
    known = np.isfinite(relief)
    filled = np.where(known, relief, 0)
    open_sky = np.ones(relief.shape)
    for radius_m in (0.8, 3.0):
        sigma = min(radius_m / metres_per_px, 40)
        share = ndimage.gaussian_filter(known.astype(float), sigma)
        around = ndimage.gaussian_filter(filled, sigma) / np.maximum(share, 1e-3)
        open_sky -= 0.4 * np.clip((around - filled) / radius_m, 0, 1) * known
    return open_sky


def _coarse(picture: Array) -> Array:
    height, width = picture.shape[0] // _FINE, picture.shape[1] // _FINE
    return picture.reshape(height, _FINE, width, _FINE, *picture.shape[2:]).mean(axis=(1, 3))


def _weathered(identity: Identity, rng: np.random.Generator) -> Identity:
    """The same material from another quarry."""
    looks = []
    for look in identity.looks:
        red, green, blue = np.clip(
            np.array(look.albedo) * np.exp(rng.normal(0, 0.18)) * rng.uniform(0.92, 1.08, 3), 0, 0.9
        )
        looks.append(PartLook(look.part, (float(red), float(green), float(blue)), look.metallic, look.roughness))
    return Identity(identity.name, tuple(looks))
