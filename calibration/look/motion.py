"""Dense motion between two frames, in shadows and lights alike; how the look's measurements follow the plate."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
TOE = 0.02  # scene-linear: where the logarithm stops to stretch the noise of blacks


def dense_motion(first: Array, second: Array) -> Array:
    """(H, W, 2) pixels (x, y): what lies at p in `first` lies at p + motion in `second`.

    first, second: (H, W, 3) float32 scene-linear. Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
    ECCV 2016 (OpenCV's DIS), on the logarithm of the pictures.
    """
    grey = []
    for image in (first, second):
        luma = np.log2(np.maximum(np.nan_to_num(image).mean(axis=2), 0) + TOE)
        grey.append(cv2.GaussianBlur(luma, (0, 0), 1.0))
    low, high = np.percentile(np.stack(grey), [1, 99])
    eight = [np.clip((g - low) / max(high - low, 1e-3) * 255, 0, 255).astype(np.uint8) for g in grey]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    still = np.zeros((*eight[0].shape, 2), np.float32)
    return np.asarray(search.calc(eight[0], eight[1], still), np.float32)


def laid_on(picture: Array, motion: Array, kernel: int = cv2.INTER_CUBIC) -> Array:
    """(H, W, 3) what `picture` shows where `motion` (H, W, 2), of dense_motion, leads; kernel: OpenCV's interpolation."""
    height, width, _ = motion.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    there = x + motion[..., 0], y + motion[..., 1]
    return np.asarray(cv2.remap(picture, *there, kernel, borderMode=cv2.BORDER_REPLICATE), np.float32)
