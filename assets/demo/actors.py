"""The people of the plate: who they are, where they walk, and their light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.demo.camera import FRAMES, RATE
from assets.demo.light import GROUND_RADIANCE, LightView
from assets.demo.mesh import Floats, Ints, smoothstep
from assets.demo.sky import SUN, TO_SUN, sky_directions, sun_directions
from assets.demo.terrain import SOIL_PALE, height_m

_SELF_PX = 320  # of the light maps around one person
_REACH_M = 1.5


@dataclass(frozen=True, slots=True)
class Actor:
    """A walk in a straight line: seen at (across, away) at the first frame, heading where yaw 0 faces the lens (+Z)."""

    character: str
    seed: int
    across_m: float
    away_m: float
    yaw_deg: float
    phase: float
    motion: str = "walk"

    def place(self, frame: float) -> tuple[float, float]:
        """(across, away) at a frame number, metres."""
        from assets.motion.motions import load_motion

        yaw = np.radians(self.yaw_deg)
        walked = load_motion(self.motion).speed_mps * (frame - FRAMES.first) / RATE
        return float(self.across_m + walked * np.sin(yaw)), float(self.away_m - walked * np.cos(yaw))


CAST = (
    Actor("traveller", 3, 0.3, 9.6, 108.0, 0.10),
    Actor("peasant", 5, -3.6, 14.0, 150.0, 0.55),
    Actor("villager", 2, -2.7, 14.6, 152.0, 0.20),
    Actor("spearman", 4, 7.2, 15.6, -80.0, 0.70),
    Actor("archer", 6, 4.6, 19.5, -98.0, 0.35),
)


@dataclass(frozen=True, slots=True)
class Posed:
    """One person at one moment, in the world. vertices and normals (V, 3) float32, colour (V, 3) albedo, shine (V,)."""

    vertices: Floats
    triangles: Ints
    normals: Floats
    albedo: Floats
    shine: Floats


def pose(actor: Actor, frame: float) -> Posed:
    """An actor at a frame number (fractions allowed), feet on the ground."""
    from assets.motion.motions import load_motion
    from assets.people.characters import load_character
    from assets.people.mesh import posed_mesh

    time_s = (frame - FRAMES.first) / RATE
    motion = load_motion(actor.motion)
    mesh = posed_mesh(load_character(actor.character, actor.seed), actor.motion, actor.phase + time_s / motion.cycle_s)
    yaw = np.radians(actor.yaw_deg)
    x, away = actor.place(frame)
    turned = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    place = np.array([x, _under(x, away, yaw), -away])
    albedo, shine = _colours(actor, mesh.triangles.tobytes(), mesh.parts, mesh.rest, mesh.triangles)
    return Posed(
        (mesh.vertices @ turned.T + place).astype("f4"), mesh.triangles, (mesh.normals @ turned.T).astype("f4"), albedo, shine
    )  # fmt: skip


def _under(x: float, away: float, yaw: float) -> float:
    """Ground under a walker: the mean over a stride, without pebbles, so that nobody hops."""
    reach = np.linspace(-0.35, 0.35, 5)
    heights = height_m(x + reach * np.sin(yaw), away - reach * np.cos(yaw), 0.25)
    return float(heights.mean()) - 0.012


_cache: dict[tuple[Actor, int], tuple[Floats, Floats]] = {}


def _colours(actor: Actor, shape: bytes, parts: Ints, rest: Floats, triangles: Ints) -> tuple[Floats, Floats]:
    """Worn cloth: the character's palette with stains, weave, faded shoulders and dust from the road up."""
    from assets.people.characters import Material, albedos, load_character, materials
    from pipeline.kernels.noise import fbm

    key = (actor, hash(shape))
    if key not in _cache:
        character = load_character(actor.character, actor.seed)
        of_vertex = np.zeros(len(rest), np.int32)
        of_vertex[triangles.reshape(-1)] = np.repeat(parts, 3)
        colour = albedos(character)[of_vertex].astype(np.float64)
        kind = materials(character)[of_vertex]
        stain = 2 * fbm(rest, 3.0, 5, 800 + actor.seed)
        weave = 2 * fbm(rest, 26.0, 3, 820 + actor.seed)
        cloth = np.isin(kind, [Material.CLOTH, Material.LEATHER])
        worn = 1 + np.where(cloth, 0.34, 0.12) * stain + np.where(cloth, 0.22, 0.06) * weave
        colour = colour * worn[:, None]
        dust = smoothstep(0.75, 0.0, rest[:, 1] + 0.18 * stain) * 0.45 * (kind != Material.METAL)
        colour = colour * (1 - dust[:, None]) + 0.9 * SOIL_PALE * dust[:, None]
        shine = np.where(kind == Material.METAL, 1.0, np.where(kind == Material.SKIN, 0.06, 0.02))
        _cache[key] = colour.astype("f4"), shine.astype("f4")
    return _cache[key]


def _views(directions: NDArray, centre: NDArray) -> list[LightView]:
    return [LightView.over(d, centre, _REACH_M, _SELF_PX) for d in directions]


def radiance(person: Posed, sun_past_scene: Floats, eye: NDArray) -> Floats:
    """(V, 3) float32: sun past the scene and the person's own body, sky, the ground's bounce, and a sheen on metal."""
    from pipeline.kernels.shade import light_map, lit

    centre = person.vertices.mean(0)

    def past(view: LightView) -> Floats:
        seen = np.ones(len(person.vertices), np.float32)
        depth = light_map(view.see(person.vertices), person.triangles, view.size_px)
        lit(view.see(person.vertices, person.normals, 0.012), depth, 0.012, seen)
        return seen

    suns = [past(view) for view in _views(sun_directions(4), centre)]
    sun = np.mean(suns, axis=0) * sun_past_scene
    cosine = np.maximum(person.normals @ TO_SUN, 0)
    light = (cosine * sun)[:, None] * SUN
    directions, sky_light = sky_directions(22)
    hidden = np.zeros(len(person.vertices))
    for direction, value, view in zip(directions, sky_light, _views(directions, centre), strict=True):
        seen, lean = past(view), np.maximum(person.normals @ direction, 0)
        light += (lean * seen)[:, None] * value
        hidden += lean * (1 - seen) / 11
    below = 0.5 - 0.5 * person.normals[:, 1]
    light += (0.85 * below * (1 - 0.6 * np.minimum(hidden, 1)))[:, None] * GROUND_RADIANCE * np.pi
    out = person.albedo * light / np.pi
    half = TO_SUN + (eye - person.vertices) / np.linalg.norm(eye - person.vertices, axis=1, keepdims=True)
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    glint = np.maximum((person.normals * half).sum(1), 0) ** 24 * person.shine * sun
    return (out + 0.30 * glint[:, None] * SUN / np.pi).astype(np.float32)


def take_light(person: Posed, ground: Floats, normals: Floats) -> tuple[Floats, Floats]:
    """What a person takes from the scene's points (N, 3): the part of sun that remains (N,), the part of sky (N,)."""
    from pipeline.kernels.shade import light_map, lit

    centre = person.vertices.mean(0)
    sun = np.zeros(len(ground), np.float32)
    for view in _views(sun_directions(6), centre):
        seen = np.ones(len(ground), np.float32)
        lit(
            view.see(ground, normals, 0.01),
            light_map(view.see(person.vertices), person.triangles, _SELF_PX),
            0.02,
            seen,
        )
        sun += seen / 6
    low = person.vertices[person.vertices[:, 1] < person.vertices[:, 1].min() + 0.12]
    sky = np.ones(len(ground), np.float32)
    feet = low[::7]
    for side in (feet[: len(feet) // 2], feet[len(feet) // 2 :]):
        away = np.linalg.norm(ground - side.mean(0), axis=1)
        sky *= 1 - 0.42 * np.exp(-((away / 0.20) ** 2))
    away = np.linalg.norm((ground - centre)[:, [0, 2]], axis=1)
    return sun, sky * (1 - 0.30 * np.exp(-((away / 0.55) ** 2))).astype(np.float32)
