"""What people of the plate lose of its light where set pieces and the crowd hide the sun from them."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from assets.sunlight.share import Sunlight
from assets.view import View
from pipeline.kernels.bounds import around, nothing

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
_MOST_PX = 192  # longer side of the outline that is rounded: normals are smooth
_LEAST = 1e-3  # of the matte


def left_on_people(
    sunlight: Sunlight, view: View, matte: Floats, away_m: Floats, by_crowd: Floats | None = None
) -> Floats | None:
    """(H, W, 3) what is left of the light of the plate's people, 1 where nothing is taken; None where that is nowhere.

    matte: (H, W) 0..1; away_m: (H, W) metres along camera z to whom it holds, +inf elsewhere; by_crowd: (H, W) how much of the sun
    the crowd hides. What faces away from the sun
    loses nothing: where a body faces is told by its outline alone, as if it were round.
    """
    depth = np.where(matte > _LEAST, away_m, np.float32(np.inf)).astype(np.float32)
    window = around(np.isfinite(depth), 2 * math.ceil(max(matte.shape) / _MOST_PX))
    if nothing(window):
        return None
    part = replace(view, rays=np.ascontiguousarray(view.rays[window]))
    hidden = sunlight.maps.hidden_from(part, depth[window])
    if by_crowd is not None:
        hidden = np.minimum(hidden + np.where(np.isfinite(depth), by_crowd, 0)[window], np.float32(1))
    where = hidden > 0
    if not where.any():
        return None
    normals = rounded(matte[window])[where]
    left = np.ones((*hidden.shape, 3), np.float32)
    left[where] = 1 - hidden[where][:, None] * (1 - sunlight.left(_in_world(normals, part, where)))
    out = np.ones((*matte.shape, 3), np.float32)
    out[window] = left
    return out


def rounded(matte: Floats) -> Floats:
    """(H, W, 3) unit normals, x right, y down, z towards the viewer, of a body with the outline of a matte (H, W): a limb is a
    round rod. Beyond the outline those of the nearest place within it; at the picture's border a body goes on.

    Inflation by Poisson's equation: height squared has a constant Laplacian, which makes a strip half of a cylinder.
    Source: Joshi and Carr, "Repousse: Automatic Inflation of 2D Artwork", SBIM 2008.
    """
    height, width = matte.shape
    scale = min(1.0, _MOST_PX / max(height, width))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(np.ascontiguousarray(matte, np.float32), size, interpolation=cv2.INTER_AREA)
    inside = small > 0.5
    if not inside.any() or inside.all() or min(inside.shape) < 2:
        facing = np.zeros((height, width, 3), np.float32)
        facing[..., 2] = 1
        return facing
    squared = _inflated(inside)
    down, right = np.gradient(squared)
    normals = np.stack([-right / 2, -down / 2, np.sqrt(squared)], axis=-1)
    normals = normals[tuple(ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True))]
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    whole = cv2.resize(normals.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole / np.maximum(np.linalg.norm(whole, axis=-1, keepdims=True), 1e-6), np.float32)


def _inflated(inside: npt.NDArray[np.bool_]) -> Array:
    """(H, W) squared heights, pixels squared, whose Laplacian is -2 inside, which are 0 elsewhere and level across the border."""
    numbers = np.full(inside.shape, -1)
    numbers[inside] = np.arange(inside.sum())
    own, framed = numbers[inside], np.pad(numbers, 1, constant_values=-2)
    rows, columns, walls = [], [], np.zeros(len(own))
    for top, left in ((0, 1), (2, 1), (1, 0), (1, 2)):
        beside = framed[top : top + len(inside), left : left + inside.shape[1]][inside]
        rows.append(own[beside >= 0])
        columns.append(beside[beside >= 0])
        walls += beside > -2
    values = np.concatenate([walls, np.full(sum(map(len, rows)), -1.0)])
    matrix = sparse.csc_matrix((values, (np.concatenate([own, *rows]), np.concatenate([own, *columns]))))
    out = np.zeros(inside.shape)
    out[inside] = spsolve(matrix, np.full(len(own), 2.0))
    return out


def _in_world(normals: Floats, view: View, where: npt.NDArray[np.bool_]) -> Array:
    """(K, 3) world axes of normals (K, 3) as `rounded` has them, at the K pixels of `where` (H, W).

    People stand upright: what faces a camera that looks down on them faces it level.
    """
    ways = np.concatenate([view.rays[where], np.ones((len(normals), 1), np.float32)], axis=1) @ view.pose[:3, :3]
    level = _unit(ways * [1.0, 0.0, 1.0])
    right = np.stack([-level[:, 2], np.zeros(len(level)), level[:, 0]], axis=1)
    down = np.cross(_unit(ways), right)  # in the picture, across the ray
    across = normals[:, :1] * view.pose[0, :3] + normals[:, 1:2] * view.pose[1, :3]
    turned = (across * right).sum(axis=1, keepdims=True) * right - normals[:, 2:] * level
    turned[:, 1] -= (across * down).sum(axis=1)
    return _unit(turned)


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
