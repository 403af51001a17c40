"""What of the plate stands before a layer: by depth, softly, with its edge drawn to the plate's own edges."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.bounds import around, nothing
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.merge import visible_by_depth

Array = NDArray[np.float32]
SPILL_PX = 1.5
_FARTHEST = 10  # times edge_px: as far from an edge colours are looked at
GUIDE_EPS = 0.02**2  # of the guide's 0..1: steps above 2% count as edges


def visible_share(
    layer_z_m: Array,
    plate: Array,
    guide: Array,
    plate_z_m: Array,
    confidence: Array,
    *,
    tolerance_m: float,
    tolerance: float,
    doubt: float,
    edge_px: int,
) -> Array:
    """How much of a layer is seen past the plate's nearer things, (H, W) float32 0..1.

    layer_z_m: +inf where empty. plate: (H, W, 3) scene-linear; guide: guide_of(plate), once for all its layers. edge_px:
    within this reach the edge moves to the plate's own (a depth map's edges are a pixel or two off). The other settings are
    those of visible_by_depth.
    """
    reach, out = 4 * edge_px + 1, np.ones_like(layer_z_m)
    window = around(np.isfinite(layer_z_m), reach + _FARTHEST * edge_px + 1)
    if nothing(window):
        return out
    filled = _filled(np.ascontiguousarray(layer_z_m[window]), reach)
    shape = np.empty_like(filled)
    depths = filled, np.ascontiguousarray(plate_z_m[window]), np.ascontiguousarray(confidence[window])
    visible_by_depth(*depths, shape, tolerance_m=tolerance_m, tolerance=tolerance, doubt=doubt)
    if edge_px > 0 and shape.min() < 1:
        guided = np.clip(_guided(guide[window], shape, edge_px), 0, 1)
        shape = _matted(plate[window], shape, guided, edge_px)
    out[window] = shape
    return out


def past_figures(layer_z_m: Array, matte: Array, figure_z_m: Array, *, tolerance_m: float, tolerance: float) -> Array:
    """How much of a layer is seen past the people of the plate, (H, W) float32 0..1.

    layer_z_m: +inf where empty. matte: (H, W) 0..1, 1 = a person. figure_z_m: how far that person stands, +inf: unknown,
    before everything. A layer stands before a person when it is nearer by more than tolerance_m + tolerance * distance;
    a matte claims the rest. Between the two lies a tenth of that: a longer way would show people half through each other.
    """
    reach, out = 2 * round(SPILL_PX) + 1, np.ones_like(layer_z_m)
    window = around(matte != 0, reach)
    if nothing(window):
        return out
    nearer = np.minimum(_filled(layer_z_m[window], reach), np.float32(1e6))
    margin = tolerance_m + tolerance * nearer
    hides = np.clip(1 - (figure_z_m[window] - nearer - margin) / (0.1 * margin), 0, 1)
    out[window] = 1 - np.clip(matte[window], 0, 1) * np.where(np.isinf(figure_z_m[window]), 1, hides)
    return out


def _matted(plate: Array, shape: Array, otherwise: Array, reach: int) -> Array:
    """Within `reach` of the depth's edge, the share that the plate's own colours tell: between what surely hides and
    what surely does not. Where the two look alike (by their own spread) the colours tell nothing: then `otherwise`.
    """
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    hides = (cv2.dilate(shape, kernel) < 0.02).astype(np.float32)
    shows = (cv2.erode(shape, kernel) > 0.98).astype(np.float32)
    (front, front_spread, front_near), (back, back_spread, back_near) = (
        _around(plate, sure, 2.0 * reach) for sure in (hides, shows)
    )
    way = back - front
    length = _total(way**2)
    share = np.clip(_total((plate - front) * way) / np.maximum(length, 1e-12), 0, 1)
    trust = length / (length + 9 * (front_spread + back_spread) + 1e-9)
    trust = np.where((front_near > 0.01) & (back_near > 0.01), trust, 0)
    band = (hides == 0) & (shows == 0)
    return (trust * np.where(band, share, shape) + (1 - trust) * otherwise).astype(np.float32)


def _around(plate: Array, sure: Array, sigma_px: float) -> tuple[Array, Array, Array]:
    """Mean colour (H, W, 3), its variance summed over channels (H, W) and the share of sure pixels around each pixel."""
    near = np.asarray(cv2.GaussianBlur(sure, (0, 0), sigma_px), np.float32)
    weight = np.maximum(near, np.float32(1e-6))
    held = np.asarray(cv2.GaussianBlur(plate * sure[..., None], (0, 0), sigma_px), np.float32)
    mean = np.asarray(held / weight[..., None], np.float32)
    square = np.asarray(cv2.GaussianBlur(_total(plate**2) * sure, (0, 0), sigma_px), np.float32) / weight
    spread: Array = np.maximum(square - _total(mean**2), 0)
    return mean, spread, near


def _total(rgb: Array) -> Array:
    """Over the three channels: NumPy's sum is slow along a short axis."""
    return np.asarray(rgb[..., 0] + rgb[..., 1] + rgb[..., 2], np.float32)


def _filled(depth: Array, reach: int) -> Array:
    """The layer's depth carried beyond its silhouette, else the filter below would see an edge where there is none."""
    near = cv2.erode(depth, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8), borderValue=float("inf"))
    return np.where(np.isinf(depth), near, depth).astype(np.float32)


def guide_of(plate: Array) -> Array:
    """(H, W) 0..1: the brightness of the plate (H, W, 3) as the eye sees edges in it, darkest to brightest hundredth."""
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


def without_spill(picture: Array, alpha: Array, visible: Array) -> Array:
    """The picture with the colour of what hides a layer carried over that thing's own soft edge.

    A pixel on the edge of a rock before the sky holds some sky; a layer put in place of the sky would leave that as a
    fringe. picture: (H, W, 3) scene-linear; alpha: (H, W) of the layer before holdouts; visible: (H, W) 0..1. Only
    pixels where the layer is partly seen change, towards the nearby colour of what surely hides it.
    """
    window = around((alpha > 0) & (visible > 0) & (visible < 1), math.ceil(5 * SPILL_PX))
    if nothing(window):
        return picture
    part, seen = picture[window], visible[window]
    share = np.clip(seen / 0.25, 0, 1) * np.clip((1 - seen) / 0.1, 0, 1) * alpha[window]
    sure = np.asarray((1 - seen) ** 4, np.float32)
    held = cv2.GaussianBlur(part * sure[..., None], (0, 0), SPILL_PX)
    weight = cv2.GaussianBlur(sure, (0, 0), SPILL_PX)
    near = held / np.maximum(weight, 1e-6)[..., None]
    share = np.where(weight > 0.02, share, 0)[..., None]
    out = picture.copy()
    out[window] = part + share * (near - part)
    return out
