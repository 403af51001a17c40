"""Which pixels are sky: bright or blue, smooth, above the horizon, joined to the top, and without parallax."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.views import View

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_SMALLEST = 0.003  # of the picture: less sky than this is a gap between leaves, left to the depth search


def find_sky(view: View, inverse_depth: Floats, score: Floats, limit: float) -> Bools:
    """(h, w) bool. inverse_depth (1/m) and score (ZNCC) of the sweep; below `limit` (1/m) depth is as good as infinite.

    Seeds are smooth pixels in the upper part, brighter or bluer than what lies below the horizon; their colour, as it runs
    with elevation, decides for the others. Textured pixels with sure parallax are never sky. A white ceiling or a plain
    wall at the top of the picture would pass: such plates want a supplied depth.
    """
    picture, grey = view.picture, view.grey
    up = (view.rays @ view.pose[:2, 1] + view.pose[2, 1]).astype(np.float32)  # world Y of each ray, per unit of z
    above = up > -0.02
    rough = cv2.blur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 2.0)), (5, 5))
    parallax = ((inverse_depth > 3 * limit) & (score > 0.6)).astype(np.uint8)
    near = cv2.erode(parallax, np.ones((7, 7), np.uint8)) > 0  # windows at a ridge carry its depth into the sky
    blue = picture[..., 2] - picture[..., 0]
    seeds = above & (rough < _smooth_limit(rough, above)) & ~near
    below = ~above if (~above).mean() > 0.05 else np.ones_like(above)
    bright = grey > np.quantile(grey[below], 0.75) + 0.03
    bluish = (blue > np.quantile(blue[below], 0.9) + 0.02) & (grey > np.quantile(grey[below], 0.3))
    seeds &= bright | bluish
    seeds = _from_top(seeds)
    if seeds.mean() < _SMALLEST:
        return np.zeros_like(seeds)
    unlike = _distance(picture, up, seeds)
    sky = above & (unlike < 4.0) & ~near
    sky = cv2.morphologyEx(sky.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    sky = _without_specks(_from_top(sky))
    return sky if sky.mean() >= _SMALLEST else np.zeros_like(sky)


def _smooth_limit(rough: Floats, above: Bools) -> float:
    """Sky is among the smoothest that there is above the horizon; clouds are allowed some more."""
    return max(3.0 * float(np.quantile(rough[above], 0.1)), 0.012) if above.any() else 0.0


def _distance(picture: Floats, up: Floats, seeds: Bools) -> Floats:
    """How unlike the sky's colour each pixel is (in deviations), when that colour runs with the square of elevation."""
    basis = np.stack([np.ones_like(up), up, up * up], axis=-1)
    fit, *_ = np.linalg.lstsq(basis[seeds], picture[seeds], rcond=None)
    rest = picture - basis @ fit.astype(np.float32)
    inside = rest[seeds]
    spread = np.cov(inside.T) + np.eye(3) * 0.012**2
    return np.sqrt(np.einsum("...i,ij,...j->...", rest, np.linalg.inv(spread).astype(np.float32), rest))


def _from_top(mask: Bools) -> Bools:
    """The parts of `mask` that reach the picture's upper edge (its first rows: a matte line may run along it)."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    top = np.unique(labels[: max(2, mask.shape[0] // 60)])
    return np.isin(labels, top[top > 0])


def _without_specks(sky: Bools) -> Bools:
    """Fill what is not sky but wholly inside it and small: birds, clouds' cores."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~sky).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.002 * sky.size
    small[0] = False
    return sky | (small[labels] if count > 1 else False)
