"""What pictures show by part and by where a surface faces: all that the fit of a light needs, and it adds up."""

from __future__ import annotations

from typing import Any

import numpy as np

from assets.providers.conditioning import outline
from assets.providers.palette import inner_pixels
from assets.providers.request import Request

Array = np.ndarray[Any, Any]
PARTS = 64
ACROSS = 16  # cells of equal area over the half sphere of what faces the viewer, to each side
COLUMNS = 7  # of a cell: pixels, their light (3), their normals (3)
_TINY = np.float32(1e-3)


def readable(request: Request) -> bool:
    """Whether the guides tell where surfaces face, without which nothing can be relit."""
    return "normals" in request.guides.given()


def sums_of(request: Request, take: Array) -> Array:
    """(PARTS, ACROSS^2, COLUMNS) float64 sums over the frames of one take, (F, H, W, 4) premultiplied ACEScg.

    Pixels at the edges of parts are mixtures, and left out. Without a part map everything is one part.
    """
    sums = empty().reshape(-1, COLUMNS)
    given = request.guides.given()
    for frame, picture in enumerate(take):
        normals = given["normals"][frame].astype(np.float64)
        told = outline({name: guide[frame] for name, guide in given.items()})
        parts = given["parts"][frame] if "parts" in given else normals.any(axis=-1).astype(np.int32)
        inner = inner_pixels(np.where(parts < PARTS, parts, 0), told if told is not None else parts)
        inner &= picture[..., 3] > 0.95
        facing, light = normals[inner], picture[inner]
        rows = parts[inner].astype(np.int64) * ACROSS * ACROSS + cell_of(facing)
        values = np.concatenate([light[:, :3] / np.maximum(light[:, 3:], _TINY), facing], axis=1, dtype=np.float64)
        sums[:, 0] += np.bincount(rows, minlength=len(sums))
        for k in range(COLUMNS - 1):
            sums[:, 1 + k] += np.bincount(rows, values[:, k], len(sums))
    return sums.reshape(PARTS, -1, COLUMNS)


def empty() -> Array:
    """(PARTS, ACROSS^2, COLUMNS): sums over nothing."""
    return np.zeros((PARTS, ACROSS * ACROSS, COLUMNS))


def cell_of(normals: Array) -> Array:
    """(N,) cell of unit normals (N, 3), camera space, by Lambert's azimuthal equal-area projection about the viewer."""
    spread = 1 / np.sqrt(1 + np.maximum(-normals[:, 2], 0))  # 0.71 to 1: the rim of the half sphere lies at 1
    flat = (normals[:, :2] * spread[:, None] + 1) / 2
    x, y = np.clip((flat * ACROSS).astype(np.int64), 0, ACROSS - 1).T
    return np.asarray(y * ACROSS + x)
