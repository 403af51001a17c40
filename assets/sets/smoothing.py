"""Normals at the corners of a mesh: smooth across shallow edges, hard across steep ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def welded(corners: Array) -> Indices:
    """(T, 3) a number for each place of corners (T, 3, 3): equal where corners lie at the very same place."""
    flat = np.ascontiguousarray(corners.reshape(-1, 3) + 0.0)  # + 0.0: -0 and 0 are one place
    order = np.lexsort(flat.T)
    ranked = flat[order]
    new = np.concatenate([[False], (ranked[1:] != ranked[:-1]).any(axis=1)])
    numbers = np.empty(len(flat), np.int64)
    numbers[order] = np.cumsum(new)
    return numbers.reshape(-1, 3)


def crease_normals(corners: Array, faces: Array, crease_deg: float) -> Array:
    """(T, 3, 3) unit normals at corners (T, 3, 3) of triangles with unit normals `faces` (T, 3).

    At a corner the faces around its place are averaged that turn from its own by less than crease_deg, each by the angle that
    it has there. Source: Thürrner and Wüthrich, "Computing Vertex Normals from Polygonal Facets", Journal of Graphics
    Tools 3, 1998.
    """
    place, angle = welded(corners).ravel(), _angles(corners).ravel()
    own = np.repeat(faces, 3, axis=0)
    summed = own * angle[:, None]
    order = np.argsort(place, kind="stable")
    limit = np.cos(np.radians(crease_deg))
    first, lag = np.arange(len(order)), 0
    while True:  # each corner with the next one at its place, then with the one after that
        lag += 1
        first = first[first + lag < len(order)]
        a, b = order[first], order[first + lag]
        same = place[a] == place[b]
        if not same.any():
            return np.asarray((summed / np.linalg.norm(summed, axis=1, keepdims=True)).reshape(-1, 3, 3))
        first, a, b = first[same], a[same], b[same]
        near = (own[a] * own[b]).sum(axis=1) > limit
        a, b = a[near], b[near]  # within one lag no corner stands twice on either side
        summed[a] += own[b] * angle[b, None]
        summed[b] += own[a] * angle[a, None]


def closed(place: Indices) -> bool:
    """Whether triangles of places (T, 3) bound a solid: every edge is walked as often one way as the other."""
    ways = np.concatenate([place[:, [0, 1]], place[:, [1, 2]], place[:, [2, 0]]])
    forth = np.sort(ways[:, 0] * (place.max() + 1) + ways[:, 1])
    back = np.sort(ways[:, 1] * (place.max() + 1) + ways[:, 0])
    return bool((forth == back).all())


def _angles(corners: Array) -> Array:
    """(T, 3) of each corner, radians."""
    ahead, behind = np.roll(corners, -1, axis=1) - corners, np.roll(corners, 1, axis=1) - corners
    sine = np.linalg.norm(np.cross(ahead, behind), axis=2)
    return np.asarray(np.arctan2(sine, (ahead * behind).sum(axis=2)))
