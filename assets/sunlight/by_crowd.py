"""How much of the sun the crowd hides from the people of the plate."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from assets.sunlight.maps import seen_points
from assets.sunlight.people import Everybody
from assets.view import View
from pipeline.kernels.sunmap import add_hidden

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
_LEAST = 1e-3  # of the matte
_CELL_M = 0.25  # of the map that tells who may hide the sun


def hidden_by_crowd(view: View, matte: Floats, away_m: Floats, everybody: Everybody, softness: float) -> Floats | None:
    """(H, W) float32 0..1; None where it hides nothing. matte, away_m: (H, W) the plate's people, and metres along camera z to
    them, +inf elsewhere; softness: metres of penumbra per metre of way."""
    there = (matte > _LEAST) & np.isfinite(away_m)
    if not there.any() or not len(everybody.boxes):
        return None
    points, across, down = seen_points(view, away_m.astype(np.float32), there)
    map_ = everybody.map_of(_sunward(points @ everybody.axes.T, everybody.boxes))
    if map_ is None:
        return None
    hidden = np.zeros(len(points), np.float32)
    places, right, below = (np.ascontiguousarray(each, np.float32) for each in (points, across, down))
    add_hidden(places, right, below, map_, softness, hidden)
    if not hidden.any():
        return None
    out = np.zeros(matte.shape, np.float32)
    out[there] = np.minimum(hidden, 1)
    return out


def _sunward(points: Array, boxes: Array) -> npt.NDArray[np.intp]:
    """Which of boxes (N, 4, 3) lie before any of points (K, 3), both in the sun's axes."""
    low, size = points[:, :2].min(axis=0) - _CELL_M, np.ptp(points[:, :2], axis=0)
    columns, rows = (int(n) for n in np.ceil(size / _CELL_M) + 2)
    deepest = np.full((rows, columns), -np.inf)
    x, y = ((points[:, :2] - low) / _CELL_M).astype(int).T
    np.maximum.at(deepest, (y, x), points[:, 2])
    deepest = cv2.dilate(deepest, np.ones((3, 3), np.uint8), borderValue=-np.inf)
    first = np.floor((boxes[..., :2].min(axis=1) - low) / _CELL_M).astype(int)
    last = np.ceil((boxes[..., :2].max(axis=1) - low) / _CELL_M).astype(int)
    first, last = np.clip(first, 0, (columns, rows)), np.clip(last, 0, (columns, rows))
    found = [
        k
        for k in np.flatnonzero((last > first).all(axis=1)).tolist()
        if deepest[first[k, 1] : last[k, 1], first[k, 0] : last[k, 0]].max() > boxes[k, :, 2].min()
    ]
    return np.array(found, np.intp)
