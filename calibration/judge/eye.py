"""One frame's camera at the size of the picture that is drawn on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, look_direction, to_camera
from calibration.lens import project, scaled
from calibration.solve.solved import Solve
from pipeline.types import Lens

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

FIXED = 16  # OpenCV draws in sixteenths of a pixel ...
SHIFT = 4  # ... which it calls 4 bits


@dataclass(frozen=True, eq=False)
class Eye:
    """pose: (4, 4) camera_from_world; lens: scaled to the picture."""

    pose: Array
    lens: Lens

    @classmethod
    def of(cls, solve: Solve, row: int, width: int, height: int) -> Eye:
        """The camera of the frame in `row` for a picture of that size."""
        return cls(solve.poses[row], scaled(solve.lens_at(row), width, height))

    @property
    def centre(self) -> Array:
        return camera_centre(self.pose)

    @property
    def look(self) -> Array:
        return look_direction(self.pose)

    def depth(self, points: Array) -> Array:
        """Metres (N,) along the camera's z of world points (N, 3)."""
        return np.asarray(to_camera(points, self.pose)[:, 2])

    def see(self, points: Array, nearest_m: float) -> Array:
        """Picture pixels (N, 2) of world points (N, 3); NaN nearer than that."""
        camera = to_camera(points, self.pose)
        camera[camera[:, 2] < nearest_m] = np.nan
        return project(camera, self.lens)

    def inside(self, pixels: Array, margin: float = 0.0) -> npt.NDArray[np.bool_]:
        """Which of (N, 2) lie in the picture, grown by that share of it."""
        size = np.array([self.lens.width, self.lens.height])
        with np.errstate(invalid="ignore"):
            return np.asarray(((pixels > -margin * size) & (pixels < (1 + margin) * size)).all(axis=1))


def strokes(picture: Any, pixels: Array, ink: Any, thickness: int = 1) -> None:
    """Straight pieces (N, 2, 2) of one ink, in place, smooth."""
    if len(pixels):
        fixed = np.rint((pixels - 0.5) * FIXED).astype(np.int32)[:, :, None]
        cv2.polylines(picture, list(fixed), False, ink, thickness, cv2.LINE_AA, SHIFT)


def cross(picture: Any, x: float, y: float, arm: float, ink: Any, thickness: int = 1) -> None:
    """Two strokes askew, in place."""
    arms = np.array([[[-arm, -arm], [arm, arm]], [[-arm, arm], [arm, -arm]]])
    strokes(picture, arms + np.array([x, y]), ink, thickness)


def dot(picture: Any, x: float, y: float, radius: float, ink: Any) -> None:
    """A filled circle, in place."""
    at = (round((x - 0.5) * FIXED), round((y - 0.5) * FIXED))
    cv2.circle(picture, at, round(radius * FIXED), ink, -1, cv2.LINE_AA, SHIFT)
