"""What light a layer meets in this plate: exposure, colour of the light, black and white. Do no harm: half, and bounded.

Recovering a grade from pictures of different content makes things worse in most cases; half-strength shades of grey
within one stop makes them better in four of five. A person overrides any of it per layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import CalibrationError
from pipeline.kernels.color import LUMINANCE, RGB

Array = NDArray[np.float32]
USUAL_KEY = 0.13  # geometric mean luminance of sunlit ground and stone, where mid grey is 0.18
MINKOWSKI = 6.0
MOST_EV = 1.0
MOST_LIFT = 0.01


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
    """The plate's tones in scene-linear ACEScg, and what a layer lit in neutral light at mid grey 0.18 does about them."""

    key: float  # geometric mean luminance of the nearer half of the ground
    black: RGB  # 0.2% of the ground's pixels are darker
    white: RGB  # 0.2% are lighter
    exposure_ev: float  # for the layers: half the way to the plate's key, within 1 stop
    balance: RGB  # for the layers: gain per channel, half the light's colour, within 1 stop, luminance kept
    lift: RGB  # for the layers: veil in the plate's blacks


def measure_tone(samples: Iterable[Sample]) -> Tone:
    """Read exposure, light colour, black and white off a handful of frames. Raises CalibrationError without ground."""
    pixels = np.concatenate([s.smooth()[_near(s)][::7] for s in samples])
    if len(pixels) < 500:
        raise CalibrationError(
            f"colour: {len(pixels) * 7} pixels are neither sky nor matte, need 3500. "
            "Look at the depth and mattes of this plate."
        )
    luminance = np.maximum(pixels @ LUMINANCE, 1e-5)
    key = float(np.exp(np.log(luminance).mean()))
    black = np.quantile(pixels, 0.002, axis=0)
    white = np.quantile(pixels, 0.998, axis=0)
    lift = np.clip(0.5 * black, 0, MOST_LIFT)
    return Tone(
        key=key,
        black=_rgb(black),
        white=_rgb(white),
        exposure_ev=float(np.clip(0.5 * np.log2(key / USUAL_KEY), -MOST_EV, MOST_EV)),
        balance=_rgb(light_balance(pixels)),
        lift=_rgb(lift),
    )


def _near(sample: Sample) -> NDArray[np.bool_]:
    """(H, W): the nearer half of the ground, where little air lies before it."""
    ground = sample.ground()
    return ground & (sample.depth_m <= np.median(sample.depth_m[ground])) if ground.any() else ground


def light_balance(pixels: Array) -> NDArray[np.float64]:
    """Gain per channel (3,) that lays half of the light's colour on a neutrally lit layer; luminance stays.

    pixels: (N, 3) scene-linear. Source: Finlayson and Trezzi, "Shades of Gray and Colour Constancy", CIC 2004.
    """
    bounded = np.clip(pixels, 0, np.quantile(pixels, 0.995, axis=0)).astype(np.float64)
    light = (bounded**MINKOWSKI).mean(axis=0) ** (1 / MINKOWSKI) + 1e-9
    stops = np.clip(0.5 * np.log2(light / (light @ LUMINANCE)), -MOST_EV, MOST_EV)
    gain = 2.0**stops
    return np.asarray(gain / (gain @ LUMINANCE), np.float64)


def _rgb(values: NDArray[np.floating]) -> RGB:
    return (float(values[0]), float(values[1]), float(values[2]))
