"""What of the plate stands before a layer: by depth, softly, with its edge drawn to the plate's own edges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.merge import visible_by_depth

Array = NDArray[np.float32]
GUIDE_EPS = 0.02**2  # of the guide's 0..1: steps above 2% count as edges


def visible_share(
    layer_z_m: Array,
    plate: Array,
    plate_z_m: Array,
    confidence: Array,
    *,
    tolerance_m: float,
    tolerance: float,
    doubt: float,
    edge_px: int,
) -> Array:
    """How much of a layer is seen past the plate's nearer things, (H, W) float32 0..1.

    layer_z_m: +inf where empty. plate: (H, W, 3) scene-linear. The other settings are those of visible_by_depth;
    edge_px: within this reach the edge moves to the plate's own (a depth map's edges are a pixel or two off).
    """
    filled = _filled(layer_z_m, 2 * edge_px + 1)
    shape = np.empty_like(filled)
    visible_by_depth(filled, plate_z_m, confidence, shape, tolerance_m=tolerance_m, tolerance=tolerance, doubt=doubt)
    if edge_px <= 0 or shape.min() == 1:
        return shape
    return np.clip(_guided(_guide(plate), shape, edge_px), 0, 1)


def _filled(depth: Array, reach: int) -> Array:
    """The layer's depth carried beyond its silhouette, else the filter below would see an edge where there is none."""
    near = cv2.erode(depth, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8), borderValue=float("inf"))
    return np.where(np.isinf(depth), near, depth).astype(np.float32)


def _guide(plate: Array) -> Array:
    grey = np.log2(np.maximum(plate @ LUMINANCE, 0) + 0.02)
    low, high = np.quantile(grey, [0.01, 0.99])
    return np.clip((grey - low) / max(float(high - low), 1e-3), 0, 1).astype(np.float32)


def _guided(guide: Array, picture: Array, reach: int) -> Array:
    """Guided filter (He, Sun and Tang, "Guided Image Filtering", ECCV 2010): `picture` with the edges of `guide`."""
    size = (2 * reach + 1, 2 * reach + 1)

    def mean(image: Array) -> Array:
        return np.asarray(cv2.boxFilter(image, cv2.CV_32F, size, borderType=cv2.BORDER_REFLECT), np.float32)

    mean_guide, mean_picture = mean(guide), mean(picture)
    slope = (mean(guide * picture) - mean_guide * mean_picture) / (mean(guide * guide) - mean_guide**2 + GUIDE_EPS)
    shift = mean_picture - slope * mean_guide
    result = mean(slope) * guide + mean(shift)
    return np.where(_flat(picture, size), picture, result).astype(np.float32)  # far from any edge nothing moves


def _flat(picture: Array, size: tuple[int, int]) -> NDArray[np.bool_]:
    kernel = np.ones((2 * size[0] - 1, 2 * size[1] - 1), np.uint8)
    return np.asarray(cv2.dilate(picture, kernel) == cv2.erode(picture, kernel))
