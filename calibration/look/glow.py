"""How much the plate's lens, filter and sensor scatter around what is very bright: glow, and halation where it is red."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.look.color import Sample
from pipeline.kernels.color import LUMINANCE, RGB
from pipeline.kernels.glow import highlights, scattered

Array = NDArray[np.float32]
RADII = (0.002, 0.003, 0.0045, 0.007, 0.01, 0.015, 0.022)  # tried, as shares of the width
MOST_AREA = 0.02  # of the picture that may be very bright: a bright sky lights things, it is no lamp
LEAST_PIXELS = 400  # around lamps
LEAST_SHARE = 0.002  # of the light, in any channel: less is not seen
LEAST_MATCH = 0.6  # correlation of the plate's light around lamps with what scatter predicts
AGREEMENT = 0.35  # how far two halves of the pixels may be apart


@dataclass(frozen=True, slots=True)
class Glow:
    """share: of the light above white, per channel, that is scattered; radius_px: see pipeline.kernels.glow."""

    share: RGB = (0.0, 0.0, 0.0)
    radius_px: float = 0.0
    note: str = ""


def measure_glow(samples: Iterable[Sample]) -> Glow:
    """Fit what surrounds very bright spots to their own light, spread. None is a valid answer, and `note` says why.

    Both are compared without their slow changes, so that light which fades over the set does not count.
    """
    pictures = [s.rgb for s in samples]
    bright = [highlights(p, LUMINANCE) for p in pictures]
    lit = max(float((b.max(axis=2) > 0).mean()) for b in bright)
    if lit == 0 or lit > MOST_AREA:
        return Glow(note=f"none: {lit:.1%} of the picture is above white, need a little, at most {MOST_AREA:.0%}")
    width = pictures[0].shape[1]
    # On one ring for all: a narrow ring holds less else, and would make its own radius look best.
    radius = max(RADII, key=lambda r: _fit(pictures, bright, r * width, RADII[-1] * width)[1]) * width
    share, match, pixels, halves = _fit(pictures, bright, radius, radius)
    if pixels < LEAST_PIXELS:
        return Glow(note=f"none: {pixels} pixels around what is above white, need {LEAST_PIXELS}")
    if match < LEAST_MATCH or share.max() < LEAST_SHARE:
        return Glow(note=f"none: scatter matches the light around lamps by {match:.0%}, {share.max():.2%} of it")
    if np.abs(halves[0] - halves[1]).max() > AGREEMENT * share.max():
        return Glow(note=f"none: two halves say {halves[0].max():.2%} and {halves[1].max():.2%}")
    red, green, blue = (float(v) for v in np.maximum(share, 0))
    return Glow((red, green, blue), radius, f"{share.max():.2%} of the light above white, from {pixels} pixels")


def _fit(
    pictures: list[Array], bright: list[Array], radius_px: float, reach_px: float
) -> tuple[NDArray[np.float64], float, int, list[NDArray[np.float64]]]:
    """Shares (3,), correlation in the channel where it is best, number of pixels, and shares of two halves; on rings of 4 times the reach."""
    told, light = [], []
    for picture, spots in zip(pictures, bright, strict=True):
        core = (spots.max(axis=2) > 0).astype(np.uint8)
        if not core.any():
            continue
        away = cv2.distanceTransform(1 - core, cv2.DIST_L2, 5)
        ring = (away > 3) & (away < 4 * reach_px)
        told.append(_quick(scattered(spots, radius_px), ring, reach_px)[ring])
        light.append(_quick(picture, ring, reach_px)[ring])
    x, y = np.concatenate(told).astype(np.float64), np.concatenate(light).astype(np.float64)
    if len(x) < LEAST_PIXELS:
        return np.zeros(3), 0.0, len(x), [np.zeros(3)] * 2
    match = float(((x * y).sum(axis=0) / np.sqrt(np.maximum((x * x).sum(axis=0) * (y * y).sum(axis=0), 1e-30))).max())
    halves = [_slopes(x[side::2], y[side::2]) for side in (0, 1)]
    return _slopes(x, y), match, len(x), halves


def _quick(plane: Array, ring: NDArray[np.bool_], reach_px: float) -> Array:
    """A picture less its mean over the ring's pixels nearby."""
    size = (2 * int(4 * reach_px) + 1,) * 2
    weight = cv2.blur(ring.astype(np.float32), size)[..., None]
    mean = cv2.blur(np.where(ring[..., None], plane, np.float32(0)), size) / np.maximum(weight, 1e-6)
    return np.asarray(plane - mean, np.float32)


def _slopes(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((x * y).sum(axis=0) / np.maximum((x * x).sum(axis=0), 1e-12))
