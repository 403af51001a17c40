"""The mesh that every part of the demo scene is made of, and how meshes are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class SceneMesh:
    """Triangles with a diffuse colour per vertex.

    vertices: (V, 3) float32 world metres. triangles: (T, 3) int32, counter-clockwise from outside. normals: (V, 3)
    float32 unit. albedo: (V, 3) float32 ACEScg. thin: (V,) float32, the part of the light that comes through from behind.
    """

    vertices: Floats
    triangles: Ints
    normals: Floats
    albedo: Floats
    thin: Floats

    @classmethod
    def of(cls, vertices: NDArray, triangles: NDArray, albedo: NDArray, normals: NDArray | None = None,
           thin: float = 0.0) -> SceneMesh:  # fmt: skip
        """Build one from arrays of any float type; normals are computed when not given."""
        from pipeline.kernels.shade import vertex_normals

        points = np.ascontiguousarray(vertices, np.float32)
        faces = np.ascontiguousarray(triangles, np.int32)
        if normals is None:
            normals = vertex_normals(points, faces)
        colour = np.ascontiguousarray(np.broadcast_to(albedo, points.shape), np.float32)
        return cls(points, faces, np.ascontiguousarray(normals, np.float32), colour, np.full(len(points), thin, "f4"))


def join(meshes: Sequence[SceneMesh]) -> SceneMesh:
    """One mesh of many, in their order."""
    starts = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    return SceneMesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.triangles + np.int32(s) for m, s in zip(meshes, starts, strict=True)]),
        np.concatenate([m.normals for m in meshes]),
        np.concatenate([m.albedo for m in meshes]),
        np.concatenate([m.thin for m in meshes]),
    )


def smoothstep(low: float, high: float, x: NDArray) -> NDArray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((np.asarray(x) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def mix(a: NDArray, b: NDArray, t: NDArray) -> NDArray:
    """a where t is 0, b where t is 1; t (N,) over colours (N, 3)."""
    t = np.asarray(t)[..., None]
    return np.asarray(a) * (1.0 - t) + np.asarray(b) * t
