"""How far out of focus a distance is: the thin lens, from the camera report."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from pipeline.optics_sections import Keys, LensFacts
from pipeline.sections import CameraFacts
from pipeline.types import Lens

Array = NDArray[np.float32]


def blur_radius_px(depth_m: Array, focus_m: float, scale_px_m: float) -> Array:
    """Half the circle of confusion at depths (H, W) along the lens's axis, in pixels; negative nearer than the focus.

    scale_px_m: see `aperture_scale`. A point Z away that is seen past the middle of the lens by a is moved by
    focal_px * a * (1 / focus - 1 / Z): that is exact for a thin lens whose solved focal length is its image distance.

    Source: Potmesil and Chakravarty, "A Lens and Aperture Camera Model for Synthetic Image Generation", SIGGRAPH 1981.
    """
    near = 1 / np.maximum(depth_m.astype(np.float32), np.float32(1e-3))
    return np.asarray(np.float32(scale_px_m) * (np.float32(1 / focus_m) - near), np.float32)


def focus_at(keys: Keys, frame: float) -> float:
    """Metres in focus on a frame: one over the distance goes straight from key to key and stays beyond them."""
    frames, metres = np.array(keys, np.float64).T
    near = float(np.interp(frame, frames, 1 / metres))
    return 1 / near if near > 0 else float("inf")


def aperture_scale(said: LensFacts, facts: CameraFacts, lens: Lens) -> float:
    """Radius of the iris in metres times the solved focal length in pixels: blur in pixels per dioptre out of focus.

    Raises ConfigError when the f-number is known but neither focal length nor sensor in millimetres.
    """
    focal_px = (lens.focal_x_px + lens.focal_y_px) / 2
    focal_mm = facts.focal_mm or facts.sensor_width_mm * lens.focal_x_px / lens.width
    if not focal_mm:
        raise ConfigError(
            f"[lens] f_number is {said.f_number:g}, but how wide the iris is takes the focal length. "
            "Write [camera] focal_mm or sensor_width_mm."
        )
    return focal_px * focal_mm / 1000 / said.f_number / 2
