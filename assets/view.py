"""One frame's camera as the layers' renderers need it: rays, pose, and where a world point is seen now and next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.kernels.bounds import Window, around
from pipeline.kernels.triangles import NEAR_M

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
_SLACK = 1e-5  # of a ray: what float32 may miss of an edge
# Where layers look at a pixel, x and y off its centre: a square turned, so that no two share a row or column and an edge along
# the picture's sides crosses them one by one. Four steps, where a square along them has two: edges crawl half as much.
SAMPLES = ((-0.125, -0.375), (0.375, -0.125), (-0.375, 0.125), (0.125, 0.375))


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A camera of the solved track with its lens.

    rays: (H, W, 2) float32, (x/z, y/z) of each pixel's centre without distortion. project: points (N, 3) in camera axes
    to pixels (N, 2), NaN behind. pose: camera_from_world (4, 4) of this frame. other: that of the next frame, or of the
    one before at the end of a shot; ahead: 1 or -1 accordingly, 0 for a shot of one frame. project_there: as `project`, through
    the lens of that other frame, where it zooms; None: it is the same lens.
    """

    rays: Floats
    project: Callable[[Array], Array]
    pose: Array
    other: Array
    ahead: int
    project_there: Callable[[Array], Array] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return int(self.rays.shape[0]), int(self.rays.shape[1])

    @property
    def centre(self) -> Array:
        """(3,) where the camera stands."""
        return np.asarray(-self.pose[:3, :3].T @ self.pose[:3, 3])

    @property
    def other_centre(self) -> Array:
        return np.asarray(-self.other[:3, :3].T @ self.other[:3, 3])

    def to_camera(self, points: Array) -> Array:
        """World points (..., 3) in camera axes."""
        return np.asarray(points @ self.pose[:3, :3].T + self.pose[:3, 3])

    def pixels(self, points: Array) -> Array:
        """(..., 2) where world points (..., 3) are seen; NaN behind the camera."""
        return _pixels(points, self.pose, self.project)

    def motion(self, points: Array, points_there: Array) -> Array:
        """(..., 2) pixels that points move until the next frame; points_there: the same points at the other frame."""
        if not self.ahead:
            return np.zeros((*points.shape[:-1], 2))
        there = _pixels(points_there, self.other, self.project_there or self.project)
        moved = self.ahead * (there - self.pixels(points))
        return np.where(np.isfinite(moved), moved, 0)

    def boxes(self, corners: Array, margin_px: float = 2.0) -> npt.NDArray[np.int32]:
        """(N, 4) first and one-past-last column and row that N hulls of world corners (N, K, 3) reach; empty when any
        corner lies behind the camera."""
        height, width = self.size
        pixels = self.pixels(corners.reshape(-1, 3)).reshape(*corners.shape[:2], 2)
        seen = np.asarray(np.isfinite(pixels).all(axis=(1, 2)))[:, None]
        low = np.floor(np.where(seen, pixels.min(axis=1), 0) - margin_px)
        high = np.ceil(np.where(seen, pixels.max(axis=1), -9) + margin_px)
        low, high = np.clip(low, 0, (width, height)), np.clip(high, 0, (width, height))
        return np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1).astype(np.int32)


def _pixels(points: Array, pose: Array, project: Callable[[Array], Array]) -> Array:
    flat = project(points.reshape(-1, 3) @ pose[:3, :3].T + pose[:3, 3])
    return flat.reshape(*points.shape[:-1], 2)


def reached(camera: Array, rays: Floats) -> Window:
    """Rows and columns whose rays (H, W, 2) may meet the hull of points (V, 3) in camera axes; all where it reaches past the
    camera, none where it lies behind."""
    height, width = rays.shape[:2]
    ahead = camera[:, 2] > NEAR_M
    if not ahead.all():
        return slice(0, height * bool(ahead.any())), slice(0, width)
    flat = camera[:, :2] / camera[:, 2:]
    low, high = flat.min(axis=0) - _SLACK, flat.max(axis=0) + _SLACK
    columns = (rays[..., 0].min(axis=0) <= high[0]) & (rays[..., 0].max(axis=0) >= low[0])
    rows = (rays[..., 1].min(axis=1) <= high[1]) & (rays[..., 1].max(axis=1) >= low[1])
    return around(rows[:, None] & columns)


@dataclass(frozen=True, slots=True, eq=False)
class Buffers:
    """A layer's pixels. rgba: (H, W, 4) float32 premultiplied ACEScg; depth: (H, W) float32 metres along camera z, +inf
    where empty; ids: (H, W) int32, 0 where empty; motion: (H, W, 2) float32 pixels until the next frame."""

    rgba: Floats
    depth: Floats
    ids: npt.NDArray[np.int32]
    motion: Floats

    @classmethod
    def empty(cls, height: int, width: int) -> Buffers:
        return cls(
            np.zeros((height, width, 4), np.float32),
            np.full((height, width), np.inf, np.float32),
            np.zeros((height, width), np.int32),
            np.zeros((height, width, 2), np.float32),
        )
