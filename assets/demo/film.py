"""From light at the lens to the camera original: lens softness, sensor grain, camera log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.demo.mesh import Floats
from pipeline.io.color import from_acescg, to_acescg

LOG = "ARRI LogC3 (EI800)"
SENSOR = "Linear ARRI Wide Gamut 3"
SOFTNESS_PX = 0.50  # of the lens, the low-pass filter and the pixel together
GRAIN_PX = 0.55
READ_NOISE = 0.0015
SHOT_NOISE = np.array([3.2e-4, 2.3e-4, 4.8e-4])  # variance per unit of light: red and blue are gained up


def soften(image: NDArray) -> Floats:
    """A Gaussian stands for the point spread of lens and sensor. (H, W) or (H, W, C)."""
    import cv2

    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(image, np.float32), (0, 0), SOFTNESS_PX), np.float32)


def shade_off(image: Floats) -> Floats:
    """A little light falls off towards the corners (7% there)."""
    height, width, _ = image.shape
    y, x = np.mgrid[0:height, 0:width] + 0.5
    r2 = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2 * (height / width) ** 2) / (
        0.25 * (1 + (height / width) ** 2)
    )
    return (image * (1 - 0.07 * r2)[..., None]).astype(np.float32)


def develop(radiance: Floats, frame: int) -> Floats:
    """(H, W, 3) ACEScg without grain to camera log R'G'B' 0..1, with the grain of this frame and no other."""
    import cv2

    light = from_acescg(shade_off(soften(radiance)), SENSOR)
    rng = np.random.default_rng([frame, 1971])
    white = np.asarray(rng.standard_normal(light.shape), np.float32)
    grain = np.asarray(cv2.GaussianBlur(white, (0, 0), GRAIN_PX), np.float32)
    grain = grain / np.float32(grain.std())
    variance = np.asarray(READ_NOISE**2 + SHOT_NOISE * np.maximum(light, 0), np.float32)
    return np.clip(from_acescg(to_acescg(light + grain * np.sqrt(variance), SENSOR), LOG), 0, 1)
