"""Which pixels are sky: above the horizon, joined to the top, without fine detail, without parallax."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.depth.views import View

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_SMALLEST = 0.003  # of the picture: less sky than this is a gap between leaves, left to the depth search
_WINDOW = 9  # pixels, in which most must be as smooth as grain allows
_GROW_SIGMA_PX = 6.0  # at the plate's size: how far up the sky above a crest is looked at
_GROW_OVER_M = 500.0


def find_sky(view: View, inverse_depth: Floats, score: Floats, limit: float) -> Bools:
    """(h, w) bool. inverse_depth (1/m) and score (ZNCC) of the sweep; below `limit` (1/m) depth is as good as infinite.

    Clouds are soft, and far mountains, though they show no parallax and take the sky's colour, keep fine detail and a
    sharp ridge: so the sky is what hangs together from the top with little more detail than grain, and is brighter or
    bluer than what lies below the horizon. A ridge lost in haze is lost here too. A white ceiling or a plain wall at the
    top of the picture would pass for sky: such plates want a supplied depth.
    """
    up = (view.rays @ view.pose[:2, 1] + view.pose[2, 1]).astype(np.float32)  # world Y of each ray, per unit of z
    parallax = ((inverse_depth > 3 * limit) & (score > 0.6)).astype(np.uint8)
    near = cv2.erode(parallax, np.ones((7, 7), np.uint8)) > 0  # windows at a ridge carry its depth into the sky
    above = (up > -0.02) & ~near
    if above.mean() < _SMALLEST:
        return np.zeros_like(above)
    skylike, smooth = _bright_or_blue(view, up > -0.02), _smooth(view.grey, above)
    core = _like_the_largest(_from_top(_mostly(smooth) & above) & skylike, view.grey)
    if core.mean() < _SMALLEST:
        return np.zeros_like(core)
    # Sharp clouds have detail too, but are bright: hardly anything below the sky outshines it.
    cloud = view.grey > np.median(view.grey[core])
    core = _like_the_largest(_from_top(_mostly(smooth | cloud) & above) & skylike, view.grey)
    grown = cv2.dilate(core.astype(np.uint8), np.ones((_WINDOW - 2, _WINDOW - 2), np.uint8)) > 0
    sky = _without_specks((core | (grown & _like(view.picture, core))) & above)
    return _from_top(sky)


def _smooth(grey: Floats, above: Bools) -> Bools:
    """Pixels with no more detail than grain: 2.5 times that of the smoothest tenth above the horizon."""
    detail = cv2.blur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0)), (3, 3))
    floor = max(float(np.quantile(detail[above], 0.1)), 3e-4)
    return np.asarray(detail < 2.5 * floor, np.bool_)


def _mostly(mask: Bools) -> Bools:
    return np.asarray(cv2.blur(mask.astype(np.float32), (_WINDOW, _WINDOW)) > 0.6, np.bool_)


def _bright_or_blue(view: View, above: Bools) -> Bools:
    """Brighter or bluer than most of what lies below the horizon."""
    grey, blue = view.grey, view.picture[..., 2] - view.picture[..., 0]
    below = ~above if (~above).mean() > 0.05 else np.ones_like(above)
    bright = grey > np.quantile(grey[below], 0.75) + 0.03
    bluish = (blue > np.quantile(blue[below], 0.9) + 0.02) & (grey > np.quantile(grey[below], 0.3))
    return np.asarray(bright | bluish, np.bool_)


def _like_the_largest(mask: Bools, grey: Floats) -> Bools:
    """The largest part of `mask`, and others not much darker: a slope that the picture's edge cuts off is no sky."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable") + 1
    least = float(np.median(grey[labels == order[0]])) - 0.06
    kept = [k for k in order if np.median(grey[labels == k]) >= least]
    return np.isin(labels, kept)


def _like(picture: Floats, core: Bools) -> Bools:
    """Pixels whose colour is that of the sky around: the core's local mean, within what the core itself varies."""
    weight = cv2.GaussianBlur(core.astype(np.float32), (0, 0), 8.0)
    around = cv2.GaussianBlur(picture * core[..., None], (0, 0), 8.0) / np.maximum(weight, 1e-6)[..., None]
    apart = np.abs(picture - around).max(axis=2)
    return np.asarray(apart < max(3 * float(np.median(apart[core])), 0.03), np.bool_)


def _from_top(mask: Bools) -> Bools:
    """The parts of `mask` that reach the picture's upper edge (its first rows: a matte line may run along it)."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    top = np.unique(labels[: max(4, mask.shape[0] // 60)])
    return np.isin(labels, top[top > 0])


def _without_specks(sky: Bools) -> Bools:
    """Fill what is not sky but wholly inside it and small: birds, clouds' edges."""
    closed = cv2.morphologyEx(sky.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - closed, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.004 * sky.size
    top, left = stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_LEFT]
    right = left + stats[:, cv2.CC_STAT_WIDTH] == sky.shape[1]
    small &= (top > 0) & (left > 0) & ~right  # what the picture's edge cuts off is not wholly inside
    small[0] = False
    return (closed > 0) | (small[labels] if count > 1 else False)


def grown(sky: Bools, picture: Floats, depth_m: Floats, confidence: Floats) -> Bools:
    """The sky (H, W) brought down to a crest: windows of the search see the crest above where it ends.

    What hangs together with the sky, looks like the sky just above (picture: (H, W, 3) encoded) and was called a near
    thing without certainty is sky. Far mountains in haze look like sky too: they stay.
    """
    if not sky.any():
        return sky
    share = sky.astype(np.float32)
    near = np.asarray(cv2.GaussianBlur(share, (0, 0), _GROW_SIGMA_PX), np.float32)
    weight = np.maximum(near, np.float32(1e-6))[..., None]
    mean = cv2.GaussianBlur(picture * share[..., None], (0, 0), _GROW_SIGMA_PX) / weight
    square = cv2.GaussianBlur(picture**2 * share[..., None], (0, 0), _GROW_SIGMA_PX) / weight
    spread = np.sqrt(np.maximum(square - mean**2, 0)).max(axis=2)
    alike = np.abs(picture - mean).max(axis=2) < 3 * spread + 0.02
    joined = sky | (alike & (near > 1e-4) & (confidence < 0.5) & (depth_m < _GROW_OVER_M))
    _, labels = cv2.connectedComponents(joined.astype(np.uint8), connectivity=4)
    return np.asarray(joined & np.isin(labels, np.unique(labels[sky])))
