"""Which pixels of a plate show ground, which things that stand on it, which people: by geometry, so that no grade matters."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.cameras import camera_centre, pixel_rays_world
from calibration.ground.heightfield import Heightfield
from calibration.look.color import Sample
from calibration.look.haze import Haze
from pipeline.types import Lens

Floats = NDArray[np.float64]
STANDS_M = 0.6  # above the surveyed ground, and this share of its distance; what lies lower than half of it is ground
STANDS = 0.012
LEAST_CLEAR = 0.4  # share of a colour that must come through the air: more haze taken out is more error put in
KEPT = 3000  # pixels of a class


def class_pixels(samples: Iterable[tuple[Sample, Floats]], haze: Haze) -> dict[str, NDArray[np.float32]]:
    """By class at most KEPT pixels (N, 3) float32 scene-linear, with the air before them taken away.

    samples: each with height_above (H, W), metres above the ground, NaN where unknown.
    """
    found: dict[str, list[Floats]] = {"ground": [], "standing": [], "people": []}
    air = np.array(haze.colour)
    for sample, above_m in samples:
        rgb = sample.smooth().astype(np.float64)
        through = np.exp(-haze.extinction_per_m * np.where(np.isfinite(sample.depth_m), sample.depth_m, 1e6))
        least_m = STANDS_M + STANDS * np.where(np.isfinite(sample.depth_m), sample.depth_m, 0)
        open_ = sample.ground() & (sample.confidence > 0.2) & (through >= LEAST_CLEAR)
        with np.errstate(invalid="ignore"):
            masks = {"ground": open_ & (np.abs(above_m) < least_m / 2), "standing": open_ & (above_m > least_m)}
        for name, mask in masks.items():
            clear = through[mask][:, None]
            found[name].append((rgb[mask] - air * (1 - clear)) / clear)
        inside = cv2.erode((sample.matte > 0.98).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        found["people"].append(rgb[inside])
    out = {}
    for name, parts in found.items():
        pixels = np.concatenate(parts) if parts else np.zeros((0, 3))
        out[name] = pixels[:: max(1, -(-len(pixels) // KEPT))].astype(np.float32)
    return out


def height_above(depth_m: NDArray[np.float32], lens: Lens, pose: Floats, ground: Heightfield) -> Floats:
    """(H, W) metres by which each pixel's point lies above the ground under it; NaN in the sky."""
    y, x = np.mgrid[: depth_m.shape[0], : depth_m.shape[1]]
    _, ways = pixel_rays_world(np.stack([x, y], axis=-1) + 0.5, lens, pose)
    points = camera_centre(pose) + np.where(np.isfinite(depth_m), depth_m, np.nan)[..., None] * ways
    known = np.isfinite(points[..., 1])
    out = np.full(depth_m.shape, np.nan)
    out[known] = points[known, 1] - ground.height(points[known, 0], points[known, 2])
    return out
