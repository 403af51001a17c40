"""How soft the plate's sharpest edges are: what a layer must at least be blurred to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.color import LUMINANCE

Array = NDArray[np.float32]
REACH = 6  # samples on each side of an edge, STEP apart
STEP = 0.75
EDGES = 3000  # per picture
LEAST_EDGES = 40
SOFT = 0.9  # pixels: softer edges than this are looked for in smaller pictures
SHARPEST = 0.1  # this quantile: fewer are noise, more are out of focus, in motion or round in themselves
USUAL_PX = 0.7


def edge_sigma_px(pictures: Iterable[Array]) -> tuple[float, int]:
    """Gaussian sigma, in pixels, of the plate's sharpest isolated edges, and how many edges were measured.

    pictures: (H, W, 3) float32 scene-linear. With under 40 usable edges the usual 0.7 px is returned, with the count.

    Source: the slanted edge of ISO 12233, with the plate's own edges for the chart.
    """
    widths = np.concatenate([edges_of(picture).sigma_px for picture in pictures])
    if len(widths) < LEAST_EDGES:
        return USUAL_PX, len(widths)
    return float(np.quantile(widths, SHARPEST)), len(widths)


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Isolated edges of a picture: where (N, 2) pixels, unit normals (N, 2) towards the light, sigma (N,) across."""

    at_px: NDArray[np.float64]
    normals: NDArray[np.float64]
    sigma_px: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Iterable[Edges]) -> Edges:
        found = list(parts)
        return cls(*(np.concatenate([getattr(p, n) for p in found]) for n in ("at_px", "normals", "sigma_px")))


def edges_of(picture: Array, scales: int = 1) -> Edges:
    """The strongest edges of (H, W, 3) float32 scene-linear. scales: also in pictures of half the size, a quarter, ...,
    where edges too soft for the profile at full size fit; those that fit at full size are not measured twice."""
    grey = np.ascontiguousarray(np.maximum(picture, 0) @ LUMINANCE)
    grey = np.minimum(grey, np.quantile(grey, 0.99) * 1.5).astype(np.float32)
    found = []
    for scale in range(scales):
        step = 2**scale
        edges = _edges(grey)
        variance = step**2 * edges.sigma_px**2 - (step**2 - 1) / 12  # less what the larger pixel adds
        kept = edges.sigma_px > (0.0 if scale == 0 else SOFT)
        sigma = np.sqrt(np.maximum(variance, 0.01))
        found.append(Edges(edges.at_px[kept] * step, edges.normals[kept], sigma[kept]))
        if min(grey.shape) < 64:
            break
        half = (grey.shape[1] // 2, grey.shape[0] // 2)
        grey = np.asarray(cv2.resize(grey, half, interpolation=cv2.INTER_AREA), np.float32)
    return Edges.joined(found)


def edge_offsets(picture: Array, edges: Edges) -> NDArray[np.float64]:
    """(N, 3) where the middle of each edge lies along its normal, in pixels, in each channel of (H, W, 3); NaN where a
    channel has no single step there."""
    found = np.full((len(edges.at_px), 3), np.nan)
    x, y = (edges.at_px - 0.5).T
    for c in range(3):
        plane = np.ascontiguousarray(np.maximum(picture[..., c], 0), np.float32)
        profiles = _profiles(plane, x, y, edges.normals[:, 0], edges.normals[:, 1])
        usable, share = _steps(profiles)
        found[usable, c] = share @ ((np.arange(2 * REACH) - REACH + 0.5) * STEP)
    return found


def _edges(grey: Array) -> Edges:
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
        return Edges(np.empty((0, 2)), np.empty((0, 2)), np.empty(0))
    length = slope[y, x].astype(np.float64) + 1e-12
    normal_x, normal_y = across[y, x] / length, down[y, x] / length
    usable, sigma = _sigmas(_profiles(grey, x.astype(np.float64), y.astype(np.float64), normal_x, normal_y))
    at = np.stack([x, y], axis=1)[usable].astype(np.float64) + 0.5
    return Edges(at, np.stack([normal_x, normal_y], axis=1)[usable], sigma)


def _profiles(
    grey: Array,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    normal_x: NDArray[np.float64],
    normal_y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(N, 2 REACH + 1) values along each edge's normal, averaged over 3 pixels along the edge against grain."""
    way = (np.arange(-REACH, REACH + 1) * STEP)[None, :]
    total = np.zeros((len(x), 2 * REACH + 1))
    for beside in (-1.0, 0.0, 1.0):
        map_x = (x[:, None] + way * normal_x[:, None] - beside * normal_y[:, None]).astype(np.float32)
        map_y = (y[:, None] + way * normal_y[:, None] + beside * normal_x[:, None]).astype(np.float32)
        total += cv2.remap(grey, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return total / 3


def _sigmas(profiles: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which profiles are a single step between two flats, (N,), and the spread of the slope of those."""
    step, share = _steps(profiles)
    at = (np.arange(2 * REACH) - REACH + 0.5) * STEP
    middle = share @ at
    variance = (share * (at[None, :] - middle[:, None]) ** 2).sum(axis=1)
    return step, np.sqrt(np.maximum(variance - STEP**2 / 12, 0.01))


def _steps(profiles: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which profiles are a single step, (N,), and of those how the rise is shared among the samples, rows of sum 1."""
    low, high = profiles[:, :3].mean(axis=1), profiles[:, -3:].mean(axis=1)
    contrast = high - low
    rise = np.diff(profiles, axis=1)
    flat = np.abs(profiles[:, :3] - low[:, None]).max(axis=1) + np.abs(profiles[:, -3:] - high[:, None]).max(axis=1)
    step = (contrast > 0.25 * (np.abs(low) + 1e-3)) & (rise.min(axis=1) > -0.06 * contrast) & (flat < 0.10 * contrast)
    share = np.maximum(rise[step], 0) / np.maximum(rise[step], 0).sum(axis=1, keepdims=True)
    return step, share
