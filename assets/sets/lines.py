"""Where a drawn piece has edges: silhouettes, creases and the borders of its parts, as lines that a painter follows."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
CREASE_DEG = (
    30.0  # by which a surface turns from one pixel to the next: less is curvature, or the facets of a round tower
)


def silhouettes(depth: Floats, focal_px: float) -> Bools:
    """(H, W), pixels on either side of an edge of what is seen: a neighbour lies on neither side's plane, or is empty.

    depth: metres, +inf where empty. Inverse depth is linear over a plane, so slopes are no edges.
    """
    found = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        step, view = _steps(depth, focal_px, axis), np.moveaxis(found, axis, 0)
        view[:-1] |= step
        view[1:] |= step
    return found


def drawn_lines(depth: Floats, normals: Floats, parts: Ints, focal_px: float) -> Floats:
    """(H, W) float32, 1 on a line of one pixel and 0 beside it, as nets for edges and line drawings learnt to read them.

    depth: metres, +inf where empty; normals (H, W, 3) unit, of curved surfaces where they are curved; parts (H, W), 0 where empty. A
    silhouette is drawn on what is nearer.
    """
    found, least = np.zeros(depth.shape, bool), math.cos(math.radians(CREASE_DEG))
    for axis in (0, 1):
        z, n, part = (np.moveaxis(each, axis, 0) for each in (depth, normals, parts))
        both = np.isfinite(z[:-1]) & np.isfinite(z[1:])
        turned = both & ((n[:-1] * n[1:]).sum(axis=-1) < least)
        line = _steps(depth, focal_px, axis) | turned | (both & (part[:-1] != part[1:]))
        nearer = z[:-1] <= z[1:]
        view = np.moveaxis(found, axis, 0)
        view[:-1] |= line & nearer
        view[1:] |= line & ~nearer
    return found.astype(np.float32)


def _steps(depth: Floats, focal_px: float, axis: int) -> Bools:
    """Between a pixel and the next along an axis, which comes first in the answer: do they show different things?"""
    inverse = np.where(np.isfinite(depth), 1 / np.maximum(depth, 1e-6), 0).astype(np.float64)
    w = np.pad(np.moveaxis(inverse, axis, 0), ((1, 1), (0, 0)), mode="edge")
    a, b = w[1:-2], w[2:-1]
    # A texel's own size in depth, twice: what a step must be, at least, to be one.
    least = 2 / focal_px * np.maximum(a, b)
    # Of a and b, neither foretells the other from its own far neighbour.
    step = (np.abs(b - (2 * a - w[:-3])) > least) & (np.abs(a - (2 * b - w[3:])) > least)
    return np.asarray(step | ((a > 0) != (b > 0)))
