"""The plate's tones as figures to look at, and the samples of it that every measurement of the look starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import CalibrationError
from pipeline.kernels.color import LUMINANCE, RGB

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame of the plate with what is known of it, all of one size.

    rgb: (H, W, 3) float32 scene-linear ACEScg; depth_m: (H, W) +inf for sky; confidence, matte: (H, W) 0..1.
    """

    rgb: Array
    depth_m: Array
    confidence: Array
    matte: Array

    def smooth(self) -> Array:
        """The picture with most of its grain averaged away, for statistics."""
        return np.asarray(cv2.GaussianBlur(self.rgb, (0, 0), 1.2), np.float32)

    def ground(self) -> NDArray[np.bool_]:
        """(H, W): neither sky nor a person in front, and not beside one: the smooth picture bleeds."""
        other = ~np.isfinite(self.depth_m) | (self.matte >= 0.05)
        return cv2.dilate(other.astype(np.uint8), np.ones((11, 11), np.uint8)) == 0

    def sky(self) -> NDArray[np.bool_]:
        return np.isinf(self.depth_m) & (self.matte < 0.05)


@dataclass(frozen=True, slots=True)
class Tone:
    """The plate's tones in scene-linear ACEScg."""

    key: float  # geometric mean luminance of the nearer half of the ground
    black: RGB  # 0.2% of the ground's pixels are darker
    white: RGB  # 0.2% are lighter


def measure_tone(samples: Iterable[Sample]) -> Tone:
    """Read key, black and white off a handful of frames. Raises CalibrationError without ground."""
    pixels = np.concatenate([s.smooth()[_near(s)][::7] for s in samples])
    if len(pixels) < 500:
        raise CalibrationError(
            f"colour: {len(pixels) * 7} pixels are neither sky nor matte, need 3500. "
            "Look at the depth and mattes of this plate."
        )
    luminance = np.maximum(pixels @ LUMINANCE, 1e-5)
    black, white = np.quantile(pixels, [0.002, 0.998], axis=0)
    return Tone(float(np.exp(np.log(luminance).mean())), _rgb(black), _rgb(white))


def _near(sample: Sample) -> NDArray[np.bool_]:
    """(H, W): the nearer half of the ground, where little air lies before it."""
    ground = sample.ground()
    return ground & (sample.depth_m <= np.median(sample.depth_m[ground])) if ground.any() else ground


def _rgb(values: NDArray[np.floating]) -> RGB:
    return (float(values[0]), float(values[1]), float(values[2]))
