"""Points all over a piece's surface, evenly spread: by them keyframes are judged and colours spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.sets.projection import Piece

Array = npt.NDArray[np.float64]
MOST_POINTS = 60_000
_LEAST_SPACING_M = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class SurfacePoints:
    """points (N, 3) world metres, normals (N, 3) of their faces, parts (N,), areas_m2 (N,) that each stands for."""

    points: Array
    normals: Array
    parts: npt.NDArray[np.int32]
    areas_m2: Array
    spacing_m: float


def spread_points(piece: Piece, most: int = MOST_POINTS) -> SurfacePoints:
    """About `most` points on a piece, one at least on every triangle up to that number; the same for an equal mesh.

    Places within triangles come from a low-discrepancy sequence (Roberts, "The Unreasonable Effectiveness of
    Quasirandom Sequences", 2018), folded into the triangle.
    """
    corners = piece.vertices[piece.triangles].astype(np.float64)
    areas = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    spacing = max(float(np.sqrt(areas.sum() / most)), _LEAST_SPACING_M)
    if len(areas) > most:  # a fine mesh: every so many-th triangle stands for those before it
        ends = np.searchsorted(np.cumsum(areas), (np.arange(most) + 0.5) * areas.sum() / most)
        triangle, counts = np.unique(np.minimum(ends, len(areas) - 1), return_counts=True)
        weight = counts * (areas.sum() / most)
        number = np.zeros(len(triangle))
    else:
        counts = np.maximum(np.ceil(areas / spacing**2), 1).astype(np.int64)
        triangle = np.repeat(np.arange(len(areas)), counts)
        weight = np.repeat(areas / counts, counts)
        number = np.arange(len(triangle)) - np.repeat(np.cumsum(counts) - counts, counts)
    u = (0.5 + number * 0.7548776662466927) % 1
    v = (0.5 + number * 0.5698402909980532) % 1
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    first, second, third = (corners[triangle, k] for k in range(3))
    points = first + u[:, None] * (second - first) + v[:, None] * (third - first)
    return SurfacePoints(points, piece.normals[triangle].astype(np.float64), piece.parts[triangle], weight, spacing)
