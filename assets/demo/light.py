"""Light baked into the vertices once: the sun through shadow maps, the open sky through many of them, one bounce."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.demo.mesh import Floats, SceneMesh
from assets.demo.sky import SUN, TO_SUN, sky_directions, sun_directions
from pipeline.kernels.shade import along_light, light_map, lit

# Nested squares on the ground (centre x, centre -z, half size), metres: fine where the lens is near.
CASCADES = ((0.0, 11.0, 13.0), (0.0, 48.0, 52.0), (0.0, 230.0, 300.0), (0.0, 1400.0, 3300.0))
GROUND_RADIANCE = np.array([0.285, 0.238, 0.182])  # what the sunlit valley sends back up


@dataclass(frozen=True, slots=True)
class Baked:
    """Radiance per vertex, ACEScg: `sunlit` is the sun's share (a passing actor's shadow takes it away), `ambient` the rest."""

    sunlit: Floats
    ambient: Floats


@dataclass(frozen=True, slots=True)
class LightView:
    """A parallel view along a light: world to map pixels, over a square of the ground."""

    map_from_world: NDArray  # (3, 4): x, y in map pixels, z metres away from the light
    px_per_m: float
    size_px: int

    @classmethod
    def over(cls, to_light: NDArray, centre: NDArray, half_m: float, size_px: int) -> LightView:
        """A view from `to_light` (unit) that holds everything within `half_m` of `centre`."""
        helper = np.array([0.0, 1.0, 0.0]) if abs(to_light[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
        right = np.cross(helper, to_light)
        right /= np.linalg.norm(right)
        px_per_m = size_px / (2 * half_m)
        basis = np.stack([right * px_per_m, np.cross(to_light, right) * px_per_m, -to_light])
        middle = np.array([size_px / 2, size_px / 2, 0.0])
        return cls(np.concatenate([basis, (middle - basis @ centre)[:, None]], axis=1), px_per_m, size_px)

    def see(self, points: Floats, normals: Floats | None = None, lift_m: float = 0.0) -> Floats:
        """(N, 3) world to (N, 3) map, moved first by lift_m along the normals, off their own surface."""
        return along_light(points, self.map_from_world, normals, lift_m)


def cascade_views(to_light: NDArray, size_px: int) -> list[LightView]:
    """One view per cascade."""
    return [LightView.over(to_light, np.array([x, 1.0, -away]), half, size_px) for x, away, half in CASCADES]


def visibility(casters: SceneMesh, points: Floats, normals: Floats, to_light: NDArray, size_px: int) -> Floats:
    """(N,) float32: how much of a distant light each point sees past `casters`, 0..1."""
    seen = np.ones(len(points), np.float32)
    for view in cascade_views(to_light, size_px):
        texel_m = 1 / view.px_per_m
        depth = light_map(view.see(casters.vertices), casters.triangles, size_px)
        lit(view.see(points, normals, 1.2 * texel_m), depth, 0.7 * texel_m, seen)
    return seen


def facing(mesh: SceneMesh, direction: NDArray) -> Floats:
    """Cosine to a light, (V,); thin things also take light from behind."""
    cosine = mesh.normals @ direction.astype(np.float32)
    return np.maximum(cosine, 0) + mesh.thin * np.maximum(-cosine, 0)


def bake(
    mesh: SceneMesh, *, sun_samples: int = 5, sky_samples: int = 28, sun_px: int = 4096, sky_px: int = 1024
) -> Baked:
    """Light the static scene. Costs one pass over all triangles per sample and cascade."""
    towards = facing(mesh, TO_SUN)
    seen = np.zeros(len(mesh.vertices), np.float32)
    for direction in sun_directions(sun_samples):
        seen += visibility(mesh, mesh.vertices, mesh.normals, direction, sun_px) / np.float32(sun_samples)
    sunlit = mesh.albedo * (towards * seen)[:, None] * (SUN / np.pi).astype(np.float32)
    sky_light = np.zeros_like(mesh.albedo)
    hidden = np.zeros(len(mesh.vertices), np.float32)
    for direction, light in zip(*sky_directions(sky_samples), strict=True):
        past = visibility(mesh, mesh.vertices, mesh.normals, direction, sky_px)
        cosine = facing(mesh, direction)
        sky_light += (cosine * past)[:, None] * light.astype(np.float32)
        hidden += cosine * (1 - past) * np.float32(2 / sky_samples)
    below = 0.5 - 0.5 * mesh.normals[:, 1]
    bounce = (0.85 * below * (1 - 0.5 * hidden) + 0.45 * hidden)[:, None] * (GROUND_RADIANCE * np.pi).astype(np.float32)
    ambient = mesh.albedo * (sky_light + bounce) / np.float32(np.pi)
    return Baked(sunlit.astype(np.float32), ambient.astype(np.float32))
