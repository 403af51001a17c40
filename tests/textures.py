"""Band-limited noise to paint the analytic scenes with."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def noise(uv: Array, footprint_m: Array) -> Array:
    """Noise of octaves from 4 m to 3 cm at `uv` metres, each faded out where a pixel's footprint cannot hold it."""
    total = np.zeros(uv.shape[:2], np.float32)
    for octave in range(8):
        wave_m = 4.0 / 2**octave
        weight = np.clip(1.5 - 3 * footprint_m / wave_m, 0, 1)
        rows = np.flatnonzero(weight.any(axis=1))
        if len(rows):
            some = slice(rows[0], rows[-1] + 1)
            at = uv[some] * np.float32(8 / wave_m) + np.float32(37.7 * octave)
            at -= np.float32(512) * np.floor(at / np.float32(512))
            total[some] += weight[some] * cv2.remap(_tile(), at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.clip(0.14 * total, -0.75, 0.9)


@cache
def _tile() -> Array:
    """512 x 512 smooth tileable noise, one feature per 8 texels, mean 0, deviation 1."""
    white = np.random.default_rng(0).standard_normal((512, 512))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(512), np.fft.fftfreq(512)))
    tile = np.fft.ifft2(np.fft.fft2(white) * np.exp(-((frequency * 12) ** 2))).real
    return (tile / tile.std()).astype(np.float32)
