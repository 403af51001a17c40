"""Do depth maps bear out what the solve placed? A point that lies behind what a frame sees there was never seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibration.cameras import to_camera
from calibration.lens import project
from pipeline.types import Lens

_NEAR = 0.1  # of the distance: nearer than that to the depth is agreement, farther behind it contradiction


def agreement(
    points: npt.NDArray[np.float64], depth_m: npt.NDArray[np.floating], lens: Lens, pose: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """(N,) 1 where a frame sees a world point (N, 3) at its distance, -1 where it sees something before it, else 0.

    depth_m: (H, W) along the camera's z of what is trusted, 0 where somebody stands before all, +inf where nothing is known, in
    the lens's pixels; pose: (4, 4) camera from world. Reflections, and things that move as the camera does, are solved as points below the ground: this finds them.
    """
    seen = to_camera(points, pose)
    out = np.zeros(len(points), np.int64)
    before = np.flatnonzero(seen[:, 2] > 0)
    pixel = np.floor(project(seen[before], lens))
    height, width = depth_m.shape
    inside = np.isfinite(pixel).all(axis=1) & (pixel >= 0).all(axis=1) & (pixel < (width, height)).all(axis=1)
    before, (column, row) = before[inside], pixel[inside].astype(np.intp).T
    z, there = seen[before, 2], depth_m[row, column].astype(np.float64)
    out[before] = np.where(np.abs(z - there) < _NEAR * there, 1, np.where(z > there, -1, 0))
    return out
