"""From pixels that differ to figures that stand: joined, cut out along the picture's edges, feet on the ground."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from calibration.depth.views import View

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
_FAR_COMMONER = 6.0
_GHOST = 1.0  # logarithm of how much commoner a colour must be
_SPECK = 2e-4  # share of the picture below which nothing counts as a figure


def join(marked: Bools, certain: Bools, through: Bools) -> Floats:
    """(h, w) float32 0 or 1: `marked` regions with enough `certain` pixels, gaps closed, holes filled, no specks."""
    opened = cv2.morphologyEx(marked.astype(np.uint8), cv2.MORPH_OPEN, disc(1))
    joined = np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, disc(3)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    sure = np.bincount(labels[certain & (opened > 0)], minlength=count)
    area = np.bincount(labels[opened > 0], minlength=count)
    keep = (sure >= np.maximum(0.15 * area, 12)) & (area > _SPECK * marked.size)
    keep &= stats[:, cv2.CC_STAT_HEIGHT] > marked.shape[0] // 22
    keep[0] = False
    return filled(keep[labels].astype(np.uint8), through).astype(np.float32)


def without_mostly(marked: Bools, doubted: Bools) -> Bools:
    """(h, w): `marked` without the regions that are `doubted` for the most part."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=4)
    keep = np.bincount(labels[doubted & marked], minlength=len(stats)) < 0.6 * stats[:, cv2.CC_STAT_AREA]
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def cut_out(
    matte: Floats, deviations: Floats, sure: float, view: View, open_pixels: Bools, blind: Bools, through: Bools
) -> Floats:
    """Draw each figure of `matte` (h, w) to the picture's edges, and on over `open_pixels` where its colours go on.

    deviations: (h, w), those above half of `sure` well inside the figure are certain. Open are a narrow band along the
    edge and, above and beside the figure, the given pixels, those that neither the background nor the depth speaks for;
    `blind` ones, where all frames may show somebody, only in colours that are the figure's far more than its surroundings'.
    through: where the background surely shows, so that a hole in the figure stays one.

    Source: Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph cuts",
    SIGGRAPH 2004.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(matte.astype(np.uint8), connectivity=8)
    picture = np.clip(255 * view.picture, 0, 255).astype(np.uint8)
    soft = np.asarray(cv2.GaussianBlur(deviations, (0, 0), 1.0), np.float32)
    out = matte > 0
    for x, y, width, height, _ in stats[1:]:
        aside, above = width // 2 + 6, int(0.6 * height) + 6
        part = (slice(max(0, y - above - 8), y + height + 12), slice(max(0, x - aside - 8), x + width + aside + 8))
        reach = np.zeros(matte.shape, np.bool_)
        reach[max(0, y - above) : y + height + 3, max(0, x - aside) : x + width + aside] = True
        opened = (open_pixels & reach)[part], (blind & reach)[part]
        labels, free = _trimap(out[part], soft[part], sure, *opened, picture[part], width)
        if not (labels == cv2.GC_FGD).any() or not (labels == cv2.GC_BGD).any():
            continue
        cv2.setRNGSeed(1)  # its k-means draws
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(np.ascontiguousarray(picture[part]), labels, (0, 0, 0, 0), *models, 3, cv2.GC_INIT_WITH_MASK)
        found = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
        found = np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, disc(1)), np.uint8)
        out[part] = np.where(free, found > 0, out[part])
    return filled(out.astype(np.uint8), through).astype(np.float32)


def _trimap(
    matte: Bools, deviations: Floats, sure: float, open_pixels: Bools, blind: Bools, picture: Bytes, width: int
) -> tuple[Bytes, Bools]:
    """GrabCut's labels of one figure, and which of them are open."""
    inner = cv2.erode(matte.astype(np.uint8), disc(1 if width < 24 else 2)) > 0  # a thin figure has no more to give
    certain = inner & (deviations > 0.5 * sure)
    free = (cv2.dilate(matte.astype(np.uint8), disc(3)) > 0) | open_pixels
    alike = blind & ~free & _likelier(picture, certain, ~free & ~blind)
    free |= alike
    likely = matte | alike | (open_pixels & (deviations > 0.4 * sure))
    labels = np.where(free, np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD), cv2.GC_BGD).astype(np.uint8)
    labels[certain] = cv2.GC_FGD
    return labels, free


def _likelier(picture: Bytes, figure: Bools, ground: Bools) -> Bools:
    """Where a colour is far commoner in `figure` than in `ground`: softened histograms of 16 steps a channel."""
    if not figure.any() or not ground.any():
        return figure
    index = _step(picture)
    return np.asarray(_share(index, figure)[index] > _FAR_COMMONER * _share(index, ground)[index], np.bool_)


def ghosts(picture: Floats, behind: Floats, figure: Bools, ground: Bools) -> Bools:
    """(h, w): where the look `behind` shows somebody and the frame's `picture` what he covered: nobody stands here.

    picture, behind: (h, w, 3) encoded, NaN where unknown. figure, ground: (h, w), where the picture surely shows people,
    and where the background: a pixel is a ghost when around it the one has the figure's colours and the other the ground's.
    """
    if not figure.any() or not ground.any():
        return np.zeros(figure.shape, np.bool_)
    here = _step(np.clip(255 * picture, 0, 255).astype(np.uint8))
    there = _step(np.clip(255 * np.nan_to_num(behind), 0, 255).astype(np.uint8))
    odds = np.log((_share(here, figure) + 1e-6) / (_share(here, ground) + 1e-6)).astype(np.float32)
    shown, seen = cv2.blur(odds[here], (5, 5)), cv2.blur(odds[there], (5, 5))
    return np.asarray((shown < -_GHOST) & (seen > _GHOST), np.bool_)


def _step(picture: Bytes) -> npt.NDArray[np.intp]:
    step = (picture // 16).astype(np.intp)
    return np.asarray((step[..., 0] * 16 + step[..., 1]) * 16 + step[..., 2], np.intp)


def _share(index: npt.NDArray[np.intp], region: Bools) -> npt.NDArray[np.float64]:
    counts = np.bincount(index[region], minlength=4096).reshape(16, 16, 16).astype(np.float64)
    soft = gaussian_filter(counts, 0.7, mode="nearest")
    return np.asarray((soft / soft.sum()).ravel(), np.float64)


def standing(matte: Floats, view: View) -> Floats:
    """Drop what ends above the horizon and what is a speck: neither has feet on the ground."""
    up = view.rays @ view.pose[:2, 1] + view.pose[2, 1]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(matte.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] > _SPECK * matte.size
    keep &= np.isin(np.arange(len(stats)), labels[up < 0])
    keep[0] = False
    return keep[labels].astype(np.float32)


def filled(matte: Bytes, through: Bools) -> Bytes:
    """Holes of less than 1/400 of the picture are part of the figure; larger ones may be the gap under an arm.

    through: (h, w), where the background surely shows: a hole that is mostly that stays one.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - matte, connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA]
    small = (area < matte.size // 400) & (np.bincount(labels[through], minlength=count) < 0.5 * area)
    small[0] = False
    return np.where(small[labels], np.uint8(1), matte) if count > 1 else matte


def disc(radius: int) -> Bytes:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)
