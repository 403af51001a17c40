"""How soft the plate's sharpest edges are: what a layer must at least be blurred to."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.color import LUMINANCE

Array = NDArray[np.float32]
REACH = 6  # samples on each side of an edge, STEP apart
STEP = 0.75
EDGES = 3000  # per picture
LEAST_EDGES = 40
SHARPEST = 0.1  # this quantile: fewer are noise, more are out of focus, in motion or round in themselves
USUAL_PX = 0.7


def edge_sigma_px(pictures: Iterable[Array]) -> tuple[float, int]:
    """Gaussian sigma, in pixels, of the plate's sharpest isolated edges, and how many edges were measured.

    pictures: (H, W, 3) float32 scene-linear. With under 40 usable edges the usual 0.7 px is returned, with the count.

    Source: the slanted edge of ISO 12233, with the plate's own edges for the chart.
    """
    widths = np.concatenate([_widths(picture) for picture in pictures])
    if len(widths) < LEAST_EDGES:
        return USUAL_PX, len(widths)
    return float(np.quantile(widths, SHARPEST)), len(widths)


def _widths(picture: Array) -> NDArray[np.float64]:
    grey = np.ascontiguousarray(np.maximum(picture, 0) @ LUMINANCE)
    grey = np.minimum(grey, np.quantile(grey, 0.99) * 1.5).astype(np.float32)
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    across, down = (
        cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32),
        cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32),
    )
    slope = np.hypot(across, down)
    peak = slope == cv2.dilate(slope, np.ones((3, 3), np.uint8))
    margin = int(REACH * STEP) + 2
    peak[:margin], peak[-margin:], peak[:, :margin], peak[:, -margin:] = False, False, False, False
    y, x = np.nonzero(peak)
    order = np.argsort(-slope[y, x], kind="stable")[:EDGES]
    y, x = y[order], x[order]
    if not len(y):
        return np.empty(0)
    length = slope[y, x].astype(np.float64) + 1e-12
    normal_x, normal_y = across[y, x] / length, down[y, x] / length
    profiles = _profiles(grey, x, y, normal_x, normal_y)
    return _sigmas(profiles)


def _profiles(
    grey: Array, x: NDArray[np.intp], y: NDArray[np.intp], normal_x: NDArray[np.float64], normal_y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N, 2 REACH + 1) values along each edge's normal, averaged over 3 pixels along the edge against grain."""
    way = (np.arange(-REACH, REACH + 1) * STEP)[None, :]
    total = np.zeros((len(x), 2 * REACH + 1))
    for beside in (-1.0, 0.0, 1.0):
        map_x = (x[:, None] + way * normal_x[:, None] - beside * normal_y[:, None]).astype(np.float32)
        map_y = (y[:, None] + way * normal_y[:, None] + beside * normal_x[:, None]).astype(np.float32)
        total += cv2.remap(grey, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return total / 3


def _sigmas(profiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread of each profile's slope; profiles that are no single step between two flats are left out."""
    low, high = profiles[:, :3].mean(axis=1), profiles[:, -3:].mean(axis=1)
    contrast = high - low
    rise = np.diff(profiles, axis=1)
    flat = np.abs(profiles[:, :3] - low[:, None]).max(axis=1) + np.abs(profiles[:, -3:] - high[:, None]).max(axis=1)
    step = (contrast > 0.25 * (np.abs(low) + 1e-3)) & (rise.min(axis=1) > -0.06 * contrast) & (flat < 0.10 * contrast)
    share = np.maximum(rise[step], 0) / np.maximum(rise[step], 0).sum(axis=1, keepdims=True)
    at = (np.arange(2 * REACH) - REACH + 0.5) * STEP
    middle = share @ at
    variance = (share * (at[None, :] - middle[:, None]) ** 2).sum(axis=1)
    return np.sqrt(np.maximum(variance - STEP**2 / 12, 0.01))
