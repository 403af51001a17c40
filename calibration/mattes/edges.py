"""From a rough matte to one that holds: its edge drawn to the picture's, and how far each figure stands."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.mattes.band import alpha_in_band, disc, trimap_of

Floats = npt.NDArray[np.float32]


def refine(matte: Floats, picture: Floats, radius_px: int = 8) -> Floats:
    """Draw a working-size matte (h, w) to the edges of a picture (H, W, 3) linear: (H, W) float32 alpha 0..1.

    What lies radius_px inside of its edge is solid, what lies as far beyond it nothing; between them alpha is found as in
    every other band: so a smeared arm is as transparent as it was. A band that is wider than the matte is wrong by takes in
    what only looks like people: soil beside a brown coat.
    """
    height, width = picture.shape[:2]
    rough = np.asarray(cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if not rough.any():
        return rough
    return alpha_in_band(picture, trimap_of((rough > 0.5).astype(np.float32), radius_px, radius_px))


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
    around = -cv2.dilate(grown, disc(max(4, height // 60)))  # soft edges reach beyond the solid figure
    return np.where(labels > 0, depths[labels], np.where(alpha > 0, around, np.inf)).astype(np.float32)
