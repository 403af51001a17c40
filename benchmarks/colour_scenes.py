"""Scenes to measure colour matching on: ground, walls, bushes and people, ray-cast under a sun and a sky, self-made.

Every scene has a palette (what its things are made of) and a light. A plate shows all of it; a layer shows only its people,
or only its walls. `director` is a grade that nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from assets.providers.request import Light
from assets.train.samples import sample_light
from pipeline.kernels.noise import fbm

Array = np.ndarray
WIDTH, HEIGHT = 176, 99
GROUND, STANDING, PEOPLE, SKY = range(4)
NAMES = ("ground", "standing", "people")
_STONES = ((0.33, 0.285, 0.225), (0.42, 0.30, 0.19), (0.215, 0.215, 0.22), (0.58, 0.53, 0.45), (0.30, 0.17, 0.12))
_GROUNDS = ((0.30, 0.25, 0.19), (0.19, 0.15, 0.11), (0.40, 0.34, 0.25), (0.12, 0.125, 0.06), (0.23, 0.22, 0.20))
_GREENS = ((0.10, 0.11, 0.045), (0.055, 0.075, 0.03), (0.20, 0.18, 0.09))
_CLOTHS = ((0.30, 0.05, 0.04), (0.08, 0.10, 0.20), (0.45, 0.40, 0.30), (0.16, 0.12, 0.08), (0.05, 0.05, 0.05),
           (0.32, 0.22, 0.08), (0.20, 0.20, 0.19))  # fmt: skip
_SKINS = ((0.42, 0.30, 0.22), (0.30, 0.19, 0.13), (0.16, 0.10, 0.07))


@dataclass(frozen=True)
class Palette:
    """Albedos (n, 3) of what stands in a scene, and how it is spread: shares of green on the ground, of bushes."""

    ground: Array
    green: Array
    stone: Array
    cloth: Array
    skin: Array
    grass: float


@dataclass(frozen=True)
class Picture:
    """rgb (N, 3) float64 scene-linear ACEScg of N pixels; classes (N,): GROUND, STANDING, PEOPLE, SKY."""

    rgb: Array
    classes: Array

    def of(self, kind: int) -> Array:
        return self.rgb[self.classes == kind]


@lru_cache(maxsize=4000)
def palette(seed: int) -> Palette:
    """What a scene is made of: other quarries, soils, dyes for every seed."""
    rng = np.random.default_rng((17, seed))

    def some(table: tuple, count: int) -> Array:
        chosen = np.array(table)[rng.integers(len(table), size=count)]
        return np.clip(
            chosen * np.exp(rng.normal(0, 0.22, (count, 1))) * np.exp(rng.normal(0, 0.07, (count, 3))), 0.01, 0.85
        )

    return Palette(
        some(_GROUNDS, 2), some(_GREENS, 1), some(_STONES, 1), some(_CLOTHS, 4), some(_SKINS, 2), rng.uniform(0, 0.8)
    )


def light_of(seed: int) -> Light:
    """Sun and sky of a scene, brought to an exposure where a white that faces the sun sends back about 1."""
    return sample_light(np.random.default_rng((23, seed)))


def director(seed: int, strength: float = 1.0) -> Callable[[Array], Array]:
    """An unknown grade: saturation, contrast in log about mid grey, exposure, white balance, a tinted lift; in that order."""
    rng = np.random.default_rng((31, seed))
    exposure, contrast, saturation = strength * rng.normal(0, 0.45), rng.normal(0, 0.12), rng.normal(0, 0.15)
    balance = 2.0 ** (strength * rng.normal(0, 0.17, 3) * (1, 0.35, 1))
    lift = strength * rng.uniform(0, 0.010) * rng.uniform(0.8, 1.2, 3)

    def graded(rgb: Array) -> Array:
        grey = (rgb @ np.array([0.2126, 0.7152, 0.0722]))[:, None]
        out = np.maximum(grey + (rgb - grey) * 2.0 ** (strength * saturation), 1e-5)
        out = 0.18 * (out / 0.18) ** 2.0 ** (strength * contrast)
        return np.asarray(out * 2.0**exposure * balance + lift)

    return graded


@lru_cache(maxsize=1200)
def picture(scene: int, made_of: int, lit_by: int, take: int = 0) -> Picture:
    """All of a scene: its places by `scene`, its palette by `made_of`, its light by `lit_by`, its camera by `take`."""
    rng = np.random.default_rng((11, scene))
    colours, light = palette(made_of), light_of(lit_by)
    boxes, balls = _walls(rng), _bushes(rng)
    people, parts = _crowd(rng)
    rays, eye = _camera(np.random.default_rng((13, scene, take)))
    spheres = np.concatenate([balls, people])
    hit, points, normals, which = _cast(np.broadcast_to(eye, rays.shape), rays, boxes, spheres)
    classes = np.full(len(rays), SKY)
    classes[which == 0] = GROUND
    wall = (which > 0) & (which <= len(boxes) + len(balls))
    classes[wall], classes[which > len(boxes) + len(balls)] = STANDING, PEOPLE
    albedo = _albedo(points, which, len(boxes), len(balls), parts, colours, scene)
    sun = np.array(light.sun_direction) * (1, -1, -1)  # from a camera's axes to x right, y up, z towards the viewer
    facing = np.clip(normals @ sun, 0, None)
    lit = hit & (facing > 0)
    shadowed = np.zeros(len(rays), bool)
    start = points + 0.02 * normals
    shadowed[lit] = _cast(start[lit], np.broadcast_to(sun, (lit.sum(), 3)), boxes, spheres)[0]
    up = 0.5 + 0.5 * normals[:, 1]
    dirt = np.clip(points[:, 1] / 1.5, 0.35, 1) ** 0.5 * (which > 0) + (which == 0)
    falling = max(sun[1], 0) * np.array(light.sun_rgb) + np.array(light.sky_rgb)
    arriving = (facing * ~shadowed)[:, None] * light.sun_rgb + (up * dirt)[:, None] * light.sky_rgb
    arriving = arriving + ((1 - up) * dirt)[:, None] * falling * colours.ground[0]
    rgb = np.where(hit[:, None], albedo * arriving, np.array(light.sky_rgb) * 3.5)
    return Picture(rgb + rng.normal(0, 0.002, rgb.shape), classes)


def _camera(rng: np.random.Generator) -> tuple[Array, Array]:
    x, y = np.meshgrid((np.arange(WIDTH) - WIDTH / 2 + 0.5) / 150, (np.arange(HEIGHT) - HEIGHT / 2 + 0.5) / 150)
    rays = np.stack([x + rng.uniform(-0.1, 0.1), -y - rng.uniform(0.05, 0.2), -np.ones_like(x)], -1).reshape(-1, 3)
    eye = np.array([rng.uniform(-1.5, 1.5), rng.uniform(1.6, 3.5), rng.uniform(-1, 1)])
    return rays / np.linalg.norm(rays, axis=1, keepdims=True), eye


def _walls(rng: np.random.Generator) -> Array:
    count = int(rng.integers(3, 6))
    x, z = rng.uniform(-9, 9, count), rng.uniform(-28, -8, count)
    half = rng.uniform((0.8, 0.6, 0.3), (3.5, 3.0, 1.5), (count, 3))
    return np.concatenate([np.stack([x, half[:, 1] - 0.1, z], 1), half], 1)


def _bushes(rng: np.random.Generator) -> Array:
    count = int(rng.integers(2, 9))
    x, z, r = rng.uniform(-9, 9, count), rng.uniform(-26, -7, count), rng.uniform(0.3, 1.1, count)
    return np.stack([x, 0.6 * r, z, r, r, r], 1)


def _crowd(rng: np.random.Generator) -> tuple[Array, Array]:
    """Ellipsoids (n, 6) and their parts: 0, 1 skin; 2.. cloth."""
    balls, parts = [], []
    for _ in range(int(rng.integers(5, 11))):
        x, z = rng.uniform(-4, 4), rng.uniform(-15, -6)
        skin, coat, legs = rng.integers(2), 2 + rng.integers(4), 2 + rng.integers(4)
        balls += [[x, 1.62, z, 0.11, 0.14, 0.12], [x, 1.15, z, 0.24, 0.40, 0.17], [x, 0.45, z, 0.17, 0.50, 0.15],
                  [x, 1.74, z, 0.13, 0.07, 0.13], [x + 0.3, 1.05, z, 0.06, 0.3, 0.06]]  # fmt: skip
        parts += [skin, coat, legs, legs, skin]
    return np.array(balls), np.array(parts)


def _cast(origins: Array, ways: Array, boxes: Array, balls: Array) -> tuple[Array, Array, Array, Array]:
    """First hits: (N,) hit, points, normals (N, 3), which: 0 ground, then boxes, then ellipsoids; -1 none."""
    count = len(ways)
    best, which = np.full(count, np.inf), np.full(count, -1)
    normals = np.zeros((count, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = -origins[:, 1] / ways[:, 1]
        ground = (t > 1e-3) & (t < 200)
        best[ground], which[ground], normals[ground] = t[ground], 0, (0, 1, 0)
        for k, box in enumerate(boxes):
            low, high = (box[:3] - box[3:] - origins) / ways, (box[:3] + box[3:] - origins) / ways
            near, far = np.minimum(low, high), np.maximum(low, high)
            enter = near.max(axis=1)
            ok = (enter > 1e-3) & (enter < far.min(axis=1)) & (enter < best)
            axis = near[ok].argmax(axis=1)
            normals[ok] = 0
            normals[ok, axis] = -np.sign(ways[ok, axis])
            best[ok], which[ok] = enter[ok], 1 + k
        for k, ball in enumerate(balls):
            o, d = (origins - ball[:3]) / ball[3:], ways / ball[3:]
            a, b, c = (d * d).sum(1), (o * d).sum(1), (o * o).sum(1) - 1
            root = np.sqrt(b * b - a * c)
            t = (-b - root) / a
            ok = (t > 1e-3) & (t < best)
            best[ok], which[ok] = t[ok], 1 + len(boxes) + k
            out = (o[ok] + t[ok, None] * d[ok]) / ball[3:]
            normals[ok] = out / np.linalg.norm(out, axis=1, keepdims=True)
    hit = np.isfinite(best)
    points = origins + np.where(hit, best, 0)[:, None] * ways
    return hit, points, normals, which


def _albedo(points: Array, which: Array, boxes: int, balls: int, parts: Array, made_of: Palette, seed: int) -> Array:
    out = np.full((len(points), 3), 0.18)
    flat = points[:, [0, 2]]
    patches, fine = 2 * fbm(flat, 0.2, 4, seed), 2 * fbm(points, 1.5, 4, seed + 1)
    share = np.clip(0.5 + 0.5 * patches, 0, 1)[:, None]
    soil = made_of.ground[0] * share + made_of.ground[1] * (1 - share)
    grass = np.clip(2 * made_of.grass - 0.8 + 0.8 * fbm(flat, 0.35, 4, seed + 2), 0, 1)[:, None]
    green = made_of.green[0]
    tint = np.clip(1 + 0.35 * fine, 0.3, 1.7)[:, None]
    out = np.where((which == 0)[:, None], (soil * (1 - grass) + green * grass) * tint, out)
    course = 1 + 0.25 * (np.sin(points[:, 1] * 14) > 0.9) * -1.0 + 0.25 * fine
    out = np.where(
        ((which > 0) & (which <= boxes))[:, None], made_of.stone[0] * np.clip(course, 0.3, 1.6)[:, None], out
    )
    bush = (which > boxes) & (which <= boxes + balls)
    out = np.where(bush[:, None], green * np.clip(1 + 0.6 * fine, 0.3, 2)[:, None], out)
    worn = np.concatenate([made_of.skin, made_of.cloth])[parts]
    person = which > boxes + balls
    out[person] = worn[which[person] - 1 - boxes - balls] * np.clip(1 + 0.12 * fine[person], 0.5, 1.5)[:, None]
    return out
