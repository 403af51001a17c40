"""A lens prepared for drawing: the ray of every pixel, the pixel of every ray, and rays between pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels import crowdraster
from pipeline.kernels.crowdplace import LensTable

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

_NODE_PX, _NODES = 12.0, 100  # between the nodes of the lens table at most, and over the picture at least
_BEYOND = 0.5  # how far the table reaches over the picture's edges, as a share of it


@dataclass(frozen=True, eq=False)
class Optics:
    """What is the same on every frame of a lens; see `optics`."""

    rays: Floats
    table: LensTable
    ranges: tuple[Floats, Floats]
    angle_px: float  # x/z from one pixel to the next, on average

    @cached_property
    def fine(self) -> tuple[Floats, tuple[Floats, Floats]]:
        """Rays and their ranges of a picture with 2 x 2 samples in each pixel."""
        rays = _halved(_halved(self.rays, 0), 1)
        return rays, crowdraster.ray_ranges(rays)


def optics(rays: Floats, project: Callable[[Array], Array]) -> Optics:
    """Prepare a lens once. rays: (H, W, 2) float32, (x/z, y/z) of each pixel's centre without distortion; project: points
    (N, 3) in camera axes to pixels (N, 2)."""
    ranges = crowdraster.ray_ranges(rays)
    table, angle_px = _table(ranges, rays.shape, project)
    return Optics(rays, table, ranges, angle_px)


def other_table(lens: Optics, project: Callable[[Array], Array]) -> LensTable:
    """The pixel of every ray that `lens` sees as another lens, by its `project`, sees it: that of the next frame of a zoom."""
    return _table(lens.ranges, lens.rays.shape, project)[0]


def _table(
    ranges: tuple[Floats, Floats], size: tuple[int, ...], project: Callable[[Array], Array]
) -> tuple[LensTable, float]:
    """The table, and x/z from one pixel to the next."""
    low = np.array([axis[:, 0].min() for axis in ranges], float)
    high = np.array([axis[:, 1].max() for axis in ranges], float)
    pixel = (high - low) / np.maximum([size[1] - 1, size[0] - 1], 1)
    low, high = low - _BEYOND * (high - low), high + _BEYOND * (high - low)
    cell = min(_NODE_PX, max(size[:2]) / _NODES) * pixel
    nodes = np.maximum(np.ceil((high - low) / cell).astype(int) + 1, 2)
    step = (high - low) / (nodes - 1)
    x, y = (low[axis] + step[axis] * np.arange(nodes[axis]) for axis in (0, 1))
    points = np.stack([*np.meshgrid(x, y), np.ones((nodes[1], nodes[0]))], axis=-1)
    pixels = np.asarray(project(points.reshape(-1, 3)), np.float64).reshape(nodes[1], nodes[0], 2)
    return LensTable((low[0], low[1]), (step[0], step[1]), np.ascontiguousarray(pixels)), float(pixel.mean())


def _halved(rays: Floats, axis: int) -> Floats:
    """Rays a quarter of a pixel before and after each along one axis: they bend too little for more than a straight line."""
    moved = np.moveaxis(rays, axis, 0)
    padded = np.concatenate([2 * moved[:1] - moved[1:2], moved, 2 * moved[-1:] - moved[-2:-1]])
    out = np.empty((2 * len(moved), *moved.shape[1:]), np.float32)
    out[0::2] = np.float32(0.75) * moved + np.float32(0.25) * padded[:-2]
    out[1::2] = np.float32(0.75) * moved + np.float32(0.25) * padded[2:]
    return np.ascontiguousarray(np.moveaxis(out, 0, axis))
