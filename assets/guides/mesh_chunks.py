"""Cut a mesh into chunks of triangles that lie together, and order them by how near they are from each side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
TRIANGLES = 32  # in a chunk at most: few enough to lie together, enough that asking for all at once pays
SIDES = 8  # from which a person is looked at


@dataclass(frozen=True, eq=False)
class Chunks:
    """ends: (C,) int32 one past each chunk's last triangle. corner_ends: (C,) int32 one past its last entry of `corners`,
    (K,) int32: the vertices of each chunk. orders: (SIDES, C) int32 chunks, those nearest to the viewer first; side s
    looks from azimuth 2 pi s / SIDES in the person's space (0: from ahead)."""

    ends: Ints
    corner_ends: Ints
    corners: Ints
    orders: Ints

    @classmethod
    def none(cls) -> Chunks:
        empty = np.zeros(0, np.int32)
        return cls(empty, empty, empty, np.zeros((SIDES, 0), np.int32))


def chunked(vertices: Array, triangles: Ints) -> tuple[NDArray[np.int64], Chunks]:
    """(order of triangles in which chunks are whole, chunks). vertices: (V, 3) metres in some pose."""
    if not len(triangles):
        return np.zeros(0, np.int64), Chunks.none()
    corners = vertices[triangles]
    centres = corners.mean(axis=1)
    ways = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-12)
    # Triangles that look the same way hide together: a step in normals counts as much as 0.3 m.
    pieces = _split(np.concatenate([centres, 0.15 * ways], axis=1), np.arange(len(triangles)))
    order = np.concatenate(pieces)
    used = [np.unique(triangles[piece]) for piece in pieces]
    azimuths = 2 * np.pi * np.arange(SIDES) / SIDES
    towards = np.stack([np.sin(azimuths), np.zeros(SIDES), np.cos(azimuths)], axis=1)
    near = np.array([(vertices[rows] @ towards.T).mean(axis=0) for rows in used])  # (C, SIDES)
    return order, Chunks(
        np.cumsum([len(piece) for piece in pieces]).astype(np.int32),
        np.cumsum([len(rows) for rows in used]).astype(np.int32),
        np.concatenate(used).astype(np.int32),
        np.ascontiguousarray(np.argsort(-near, axis=0, kind="stable").T, np.int32),
    )


def _split(places: Array, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Halves of halves, each across where it is longest."""
    if len(rows) <= TRIANGLES:
        return [np.sort(rows)]
    mine = places[rows]
    axis = int(np.ptp(mine, axis=0).argmax())
    ranked = rows[np.argsort(mine[:, axis], kind="stable")]
    half = len(rows) // 2
    return _split(places, ranked[:half]) + _split(places, ranked[half:])
