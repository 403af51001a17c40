"""From a rough matte to one that holds: its edge drawn to the picture's, and how far each figure stands."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.mattes.band import alpha_in_band, disc, trimap_of

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]
_BRIDGE = 0.1  # of a matte, that joins what is thin to a figure
_THICK_PX, _THICK = 2.1, 0.006  # half of how wide a figure is somewhere, at least: pixels, and of the picture's height


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

    One depth per connected figure, that of the ground it stands on: of what is trusted in a band under its lowest rows; else
    of what is trusted beside them; else of what the band says, trusted or not, or its own lowest rows. Figures that overlap
    in the picture get the nearest one's depth. What is thin and hangs on a figure by however faint a bridge, a spear, a
    strap, a plume, stands where that one does.
    """
    bridged = np.asarray(cv2.connectedComponents((alpha > _BRIDGE).astype(np.uint8), connectivity=8)[1], np.int32)
    labels, stats = _bodies(alpha, bridged)
    height = alpha.shape[0]
    band = max(2, height // 80)
    depths = np.full(len(stats), np.inf, np.float32)
    for k in range(1, len(stats)):
        depths[k] = _foot_depth(labels, k, stats[k], band, depth_m, confidence)
    labels = _with_thin(labels, bridged)
    grown = np.where(labels > 0, -depths[labels], -np.inf).astype(np.float32)
    around = -cv2.dilate(grown, disc(max(4, height // 60)))  # soft edges reach beyond the solid figure
    return np.where(labels > 0, depths[labels], np.where(alpha > 0, around, np.inf)).astype(np.float32)


def _foot_depth(labels: Labels, k: int, box: Labels, band: int, depth_m: Floats, confidence: Floats) -> float:
    """Metres of figure k of `labels`, +inf where nothing is known. box: OpenCV's figures of it; band: rows."""
    left, width = int(box[cv2.CC_STAT_LEFT]), int(box[cv2.CC_STAT_WIDTH])
    lowest = int(box[cv2.CC_STAT_TOP] + box[cv2.CC_STAT_HEIGHT])
    feet = (labels[max(lowest - 2 * band, 0) : lowest, left : left + width] == k).any(axis=0)
    under = slice(lowest, lowest + band), slice(left, left + width)
    beside = slice(max(lowest - band, 0), lowest + band), slice(max(left - width, 0), left + 2 * width)
    own = slice(max(lowest - band, 0), lowest), slice(left, left + width)
    for where, counted in (
        (under, (confidence[under] > 0.5) & feet),
        (beside, (confidence[beside] > 0.5) & (labels[beside] == 0)),
        (under, np.broadcast_to(feet, depth_m[under].shape)),
        (own, np.broadcast_to(feet, depth_m[own].shape)),
    ):
        found = depth_m[where][counted & np.isfinite(depth_m[where])]
        if found.size:
            return float(np.median(found))
    return float("inf")


def _bodies(alpha: Floats, bridged: Labels) -> tuple[Labels, Labels]:
    """Solid figures numbered from 1, (H, W), and OpenCV's figures of each; thin ones do not count beside thicker ones.

    bridged: (H, W) numbers of what hangs together, however faintly.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8), connectivity=8)
    wide = cv2.distanceTransform((labels > 0).astype(np.uint8), cv2.DIST_L2, 5)
    least = max(_THICK_PX, _THICK * alpha.shape[0])
    thick = np.bincount(labels[wide > least], minlength=count) > 0
    beside_thick = np.zeros(bridged.max() + 1, bool)
    beside_thick[bridged[thick[labels] & (labels > 0)]] = True
    thin = (labels > 0) & ~thick[labels] & beside_thick[bridged]
    return np.where(thin, 0, labels).astype(np.int32), np.asarray(stats, np.int32)


def _with_thin(labels: Labels, bridged: Labels) -> Labels:
    """The figures' numbers also where a matte is faint or thin, if a bridge leads to one: the nearest one's to which one does."""
    _, nearest = cv2.distanceTransformWithLabels(
        (labels == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    solid = labels > 0
    if not solid.any():
        return labels
    of_pixel, bridge_of_pixel = np.zeros((2, nearest.max() + 1), np.int32)
    of_pixel[nearest[solid]], bridge_of_pixel[nearest[solid]] = labels[solid], bridged[solid]
    numbers, first, size = np.unique(labels[solid], return_index=True, return_counts=True)
    largest, ascending = np.zeros(bridged.max() + 1, np.int32), np.argsort(size, kind="stable")
    largest[bridged[solid][first[ascending]]] = numbers[ascending]  # of each bridge
    direct = bridge_of_pixel[nearest] == bridged
    given = np.where(direct, of_pixel[nearest], largest[bridged])
    return np.where(solid, labels, np.where(bridged > 0, given, 0)).astype(np.int32)
