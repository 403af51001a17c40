"""From a rough matte to one that holds: its edge drawn to the picture's, and how far each figure stands."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.depth.views import encode

Floats = npt.NDArray[np.float32]


def refine(matte: Floats, plate_rgb: Floats, radius_px: int = 8) -> Floats:
    """Draw a working-size matte (h, w) to the edges of the plate's picture (H, W, 3) linear: (H, W) float32 alpha 0..1.

    A guided filter: at soft edges (motion blur, hair) alpha follows the picture; where figure and background look alike
    it stays a soft line where the matte was. Noise in the picture stays below its eps and makes no holes.

    Source: He, Sun and Tang, "Guided image filtering", ECCV 2010.
    """
    height, width = plate_rgb.shape[:2]
    rough = np.asarray(cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if not rough.any():
        return rough
    alpha = _guided(rough, encode(plate_rgb), radius_px, 2e-4)
    solid = cv2.erode(rough, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1)))
    far = cv2.dilate(rough, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * radius_px + 1, 4 * radius_px + 1)))
    alpha = np.clip((alpha - 0.2) / 0.6, 0, 1)
    return np.asarray(np.where(solid > 0.5, 1, np.where(far < 0.5, 0, alpha)), np.float32)


def figure_depth(alpha: Floats, depth_m: Floats, confidence: Floats) -> Floats:
    """(H, W) float32 metres: how far each figure of `alpha` (H, W) stands, +inf where there is none.

    One depth per connected figure, that of the ground it stands on: of what is trusted in a band under its lowest rows
    (of the figure's own lowest rows where nothing is). Figures that overlap in the picture get the nearest one's depth.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8), connectivity=8)
    height = alpha.shape[0]
    band = max(2, height // 80)
    depths = np.full(count, np.inf, np.float32)
    for k in range(1, count):
        left, width = stats[k, cv2.CC_STAT_LEFT], stats[k, cv2.CC_STAT_WIDTH]
        lowest = stats[k, cv2.CC_STAT_TOP] + stats[k, cv2.CC_STAT_HEIGHT]
        columns = slice(left, left + width)
        feet = (labels[max(lowest - 2 * band, 0) : lowest, columns] == k).any(axis=0)
        under = slice(lowest, min(lowest + band, height))
        good = (confidence[under, columns] > 0.5) & np.isfinite(depth_m[under, columns]) & feet
        found = depth_m[under, columns][good]
        if not found.size:
            found = depth_m[max(lowest - band, 0) : lowest, columns][:, feet]
            found = found[np.isfinite(found)]
        depths[k] = np.median(found) if found.size else np.inf
    grown = np.where(labels > 0, -depths[labels], -np.inf).astype(np.float32)
    around = -cv2.dilate(grown, _disc(max(4, height // 60)))  # soft edges reach beyond the solid figure
    return np.where(labels > 0, depths[labels], np.where(alpha > 0, around, np.inf)).astype(np.float32)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)


def _guided(values: Floats, guide: Floats, radius: int, eps: float) -> Floats:
    """Guided filter of (H, W) by a colour guide (H, W, 3)."""
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(image: Floats) -> Floats:
        return np.asarray(cv2.blur(image, size), np.float32)

    centre, level = mean(guide), mean(values)
    pairs = guide[..., :, None] * guide[..., None, :]
    spread = mean(pairs.reshape(*guide.shape[:2], 9)).reshape(pairs.shape)
    spread -= centre[..., :, None] * centre[..., None, :]
    shared = mean(guide * values[..., None]) - centre * level[..., None]
    solved = np.linalg.solve(spread + eps * np.eye(3, dtype=np.float32), shared[..., None])[..., 0]
    slope = np.asarray(solved, np.float32)
    offset = level - (slope * centre).sum(axis=-1)
    return np.asarray((mean(slope) * guide).sum(axis=-1) + mean(offset), np.float32)
