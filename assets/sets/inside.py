"""Which points lie within a piece's walls."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_ASIDE = np.array([1.3e-6, 0.0, 1.7e-6])  # metres: a vertical through a corner or an edge says nothing


def within(points: Array, corners: Array) -> npt.NDArray[np.bool_]:
    """(P,): whether points (P, 3) lie inside the solids that triangles (T, 3, 3) bound. Solids may overlap.

    Faces are counted along the vertical, those walked out of less those walked into: a point inside leaves something both
    upwards and downwards. A lone sheet (a terrain, an awning) holds nobody, for it is only on one side.
    """
    points = points + _ASIDE
    low, high = corners.min(axis=1), corners.max(axis=1)
    over = (low <= points.max(axis=0)).all(axis=1, where=[True, False, True])
    over &= (high >= points.min(axis=0)).all(axis=1, where=[True, False, True])
    corners, low, high = corners[over], low[over], high[over]
    return np.array(
        [
            _inside(p, corners[(low[:, 0] <= p[0]) & (high[:, 0] >= p[0]) & (low[:, 2] <= p[2]) & (high[:, 2] >= p[2])])
            for p in points
        ],
        bool,
    )


def _inside(point: Array, corners: Array) -> bool:
    """By triangles (T, 3, 3) over whose plan the point may be."""
    flat = corners[..., [0, 2]] - point[[0, 2]]
    after = np.roll(flat, -1, axis=1)
    sides = (
        flat[..., 0] * after[..., 1] - flat[..., 1] * after[..., 0]
    )  # (T, 3): twice the areas of the edges with the point
    hit = (sides > 0).all(axis=1) | (sides < 0).all(axis=1)
    sides, heights = sides[hit], corners[hit][:, :, 1]
    total = sides.sum(axis=1)
    # A corner weighs by the area that the point spans with the edge across from it.
    height = (np.roll(sides, -1, axis=1) * heights).sum(axis=1) / total
    upwards = -np.sign(total)  # x, z seen from above turn the other way
    above = upwards[height > point[1]].sum()
    below = -upwards[height < point[1]].sum()
    return bool(above * below > 0)
