"""Does the lens zoom while the camera travels? Whether a focal length for each frame explains what one for all does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calibration.solve.solved import Solve
from calibration.solve.zoomfit import tried

MOST_VIEWS, STEPS = 24, 25
GAINS, LEAST = 0.75, 1.008  # a zoom lowers the median error to this share, and is at least so long
MOST_LEFT_PX = 1.0  # of a zoom's median error, in pictures 1280 wide: above it nothing is explained


@dataclass(frozen=True, slots=True)
class Zooming:
    """Median errors in pixels with one focal length and with one for each frame; ratio: its longest over its shortest."""

    held_px: float
    free_px: float
    ratio: float

    @property
    def likely(self) -> bool:
        """Noise and a lens that is not quite the model gain a little from any freedom; a zoom gains much."""
        return self.free_px < GAINS * self.held_px and self.ratio > LEAST

    def told(self) -> dict[str, float]:
        return {
            "error_one_focal_px": round(self.held_px, 4),
            "error_zoom_px": round(self.free_px, 4),
            "ratio": round(self.ratio, 4),
        }


def zooming(solve: Solve) -> Zooming:
    """Try both on up to MOST_VIEWS frames of a solve with one focal length, in square pixels, every frame placed."""
    rows = np.unique(np.linspace(0, len(solve.poses) - 1, min(MOST_VIEWS, len(solve.poses))).round().astype(int))
    number = np.full(len(solve.poses), -1)
    number[rows] = np.arange(len(rows))
    seen = solve.observations[number[solve.observations[:, 0].astype(int)] >= 0].copy()
    seen[:, 0] = number[seen[:, 0].astype(int)]
    part = replace(solve, poses=solve.poses[rows], observations=seen, zoom=np.zeros(0))
    return Zooming(*tried(part, STEPS))
