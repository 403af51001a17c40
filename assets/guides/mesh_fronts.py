"""Which triangles of a mesh need not be drawn where they turn their back: measured in pictures of many poses from all sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assets.sprites.guides import view_from_person
from pipeline.kernels.raster import empty_buffers, rasterize_orthographic

Array = NDArray[np.float64]
Ints = NDArray[np.int32]

LOST = 1e-4  # of all that these pictures show, what may be lost by leaving backs out
_AZIMUTHS, _ELEVATIONS = 8, (-0.3, 0.1, 0.4, 0.9)
_TURN = 2.4  # radians by which each pose is seen from other sides than the one before
_M_PER_PX = 0.02
_PICTURE, _FEET_M = (180, 200), 0.45  # what lies under the feet is a spear that points down, or seen from above


def fronts(shapes: Sequence[Array], triangles: Ints, slack_m: float) -> NDArray[np.int8]:
    """(T,) int8: 1 for triangles that are drawn only where they are seen with a, b, c against the hands of a clock, -1: with
    them, 0: both ways.

    shapes: (V, 3) metres, of each pose; triangles: (T, 3). Of a closed body the outside is seen alone; meshes that were made
    coarse are not quite closed, and some of their triangles lie with their inside out, so what is seen decides. A back that
    is left out must show something of the same person at most `slack_m` deeper, but for LOST of all pixels.
    """
    outside, inside, _ = _seen(shapes, triangles, np.ones(len(triangles), np.int8), 0.0)
    sides = np.where(inside > outside, -1, 1).astype(np.int8)
    _, _, lost = _seen(shapes, triangles, sides, slack_m)
    order = np.argsort(lost, kind="stable")
    fine = np.cumsum(lost[order]) <= LOST * (outside + inside).sum()
    sides[order[~fine]] = 0
    return sides


def _seen(
    shapes: Sequence[Array], triangles: Ints, sides: NDArray[np.int8], slack_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(T,) each: in how many pixels a triangle shows its front (of side 0: itself) and its back, as `sides` has them, and how
    many of the latter show nothing within slack_m when no backs are drawn."""
    count = len(triangles)
    front, back, lost = (np.zeros(count, np.int64) for _ in range(3))
    for number, shape in enumerate(shapes):
        for azimuth in range(_AZIMUTHS):
            for elevation in _ELEVATIONS:
                pixels = _before_camera(shape, _TURN * number + 2 * np.pi * azimuth / _AZIMUTHS, elevation)
                a, b, c = (pixels[triangles[:, corner], :2] for corner in range(3))
                turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
                to_us = sides * turn <= 0  # rows go down
                depth, shown, weights = empty_buffers(*_PICTURE)
                rasterize_orthographic(pixels, triangles[to_us], depth, shown, weights)
                alone = depth.copy()
                rasterize_orthographic(pixels, triangles[~to_us], depth, shown, weights, first_id=count)
                backs = shown >= count
                ours = np.flatnonzero(~to_us)[shown[backs] - count]
                front += np.bincount(np.flatnonzero(to_us)[shown[(shown >= 0) & ~backs]], minlength=count)
                back += np.bincount(ours, minlength=count)
                lost += np.bincount(ours[alone[backs] > depth[backs] + np.float32(slack_m)], minlength=count)
    return front, back, lost


def _before_camera(points: Array, azimuth: float, elevation: float) -> NDArray[np.float32]:
    """(V, 3) columns, rows, metres into the picture, from far away."""
    seen = points @ view_from_person(azimuth, elevation).T
    height, width = _PICTURE
    pixels = np.empty((len(seen), 3), np.float32)
    pixels[:, 0] = width / 2 + seen[:, 0] / _M_PER_PX
    pixels[:, 1] = height - (_FEET_M + seen[:, 1]) / _M_PER_PX
    pixels[:, 2] = -seen[:, 2]
    return pixels
