"""What of the plate stands before a layer: by depth, and where that is unsure by the plate's own colours."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.mattes.band import alpha_in_band, disc
from pipeline.kernels.bounds import around, nothing
from pipeline.kernels.matting import BACK, FRONT, UNKNOWN
from pipeline.kernels.merge import visible_by_depth

Array = NDArray[np.float32]
SPILL_PX = 1.5
_SURE = 0.5  # confidence
_FARTHEST = 10  # times edge_px: as far from an edge colours are looked at


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

    layer_z_m: +inf where empty. plate: (H, W, 3) scene-linear. edge_px: this near to an edge of the depth (a depth map's edges
    are a pixel or two off), and wherever the depth doubts itself, the plate's colours tell where what hides the layer
    ends, as softly as the plate shows it; 0: the depth alone. Where both sides look alike, the depth decides. The other
    settings are those of visible_by_depth.
    """
    reach, out = 4 * edge_px + 1, np.ones_like(layer_z_m)
    window = around(np.isfinite(layer_z_m), reach + _FARTHEST * edge_px + 1)
    if nothing(window):
        return out
    layer, depth = _filled(np.ascontiguousarray(layer_z_m[window]), reach), np.ascontiguousarray(plate_z_m[window])
    told = {"tolerance_m": tolerance_m, "tolerance": tolerance}
    shape, believed = np.empty_like(layer), np.empty_like(layer)
    visible_by_depth(layer, depth, np.ascontiguousarray(confidence[window]), shape, doubt=doubt, **told)
    if edge_px > 0 and shape.min() < 1:
        visible_by_depth(layer, depth, np.ones_like(layer), believed, doubt=0.0, **told)
        hides, shows, shows_close = (
            cv2.erode(sure.astype(np.uint8), disc(reach_px)) > 0
            for sure, reach_px in ((shape < 0.02, edge_px), (believed > 0.98, edge_px), (believed > 0.98, edge_px // 3))
        )
        # where a map is sure of what is behind, what stands before it may be too fat, not too thin; skies are never sure
        near_sky = cv2.dilate(np.isinf(depth).astype(np.uint8), disc(edge_px)) > 0
        shows |= shows_close & (confidence[window] >= _SURE) & ~near_sky
        near = cv2.dilate(np.isfinite(layer_z_m[window]).astype(np.uint8), disc(reach))
        trimap = np.where(hides, FRONT, np.where(shows | (near == 0), BACK, UNKNOWN)).astype(np.uint8)
        if (trimap == FRONT).any():
            leaning = np.asarray(1 - believed, np.float32)
            shape = np.asarray(1 - alpha_in_band(plate[window], trimap, leaning=leaning), np.float32)
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


def _filled(depth: Array, reach: int) -> Array:
    """The layer's depth carried beyond its silhouette, else its own outline would pass for the edge of what hides it."""
    near = cv2.erode(depth, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8), borderValue=float("inf"))
    return np.where(np.isinf(depth), near, depth).astype(np.float32)


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
