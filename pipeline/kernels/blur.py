"""Blur of a layer: along its motion while the shutter is open, and round to the softness of the plate's lens."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from pipeline.kernels.check import same_rgba, shaped

NEARER = np.float32(1.02)  # of two depths: by more than this ratio one hides the other


def gaussian_taps(sigma_px: float) -> np.ndarray:
    """Taps of a Gaussian, float32, odd length up to 3 sigma, sum 1. Each tap is the area under its own pixel."""
    reach = max(1, math.ceil(3.0 * sigma_px))
    edges = (np.arange(2 * reach + 2) - reach - 0.5) / (math.sqrt(2.0) * sigma_px)
    cumulative = np.array([math.erf(e) for e in edges])
    taps = np.diff(cumulative)
    return (taps / taps.sum()).astype(np.float32)


def gaussian(image: np.ndarray, sigma_px: float, out: np.ndarray) -> None:
    """Blur `image` (H, W, C) float32 by a Gaussian into `out`; the border's pixels hold beyond the frame.

    Linear light and premultiplied alpha make this right for layers. `out` may be `image`. sigma_px <= 0 copies.
    """
    if image.ndim != 3:
        raise ValueError(f"image has shape {image.shape}; wanted (H, W, C).")
    shaped((image.shape[0], image.shape[1]), image.shape[2], image=image, out=out)
    if sigma_px <= 0:
        out[...] = image
        return
    between = np.empty_like(image)
    taps = gaussian_taps(sigma_px)
    _blur_rows(image, taps, between)
    _blur_columns(between, taps, out)


def motion_blur(
    layer: np.ndarray,
    depth_m: np.ndarray,
    motion_px: np.ndarray,
    shutter: float,
    out: np.ndarray,
    out_depth_m: np.ndarray,
    late: float = 0.0,
) -> None:
    """Smear a layer along its motion while the shutter is open.

    layer, out: (H, W, 4) float32 premultiplied; depth_m, out_depth_m: (H, W) float32, +inf where empty; motion_px:
    (H, W, 2) float32, pixels (x right, y down) until the next frame; shutter: open share of a frame, 180 degrees = 0.5;
    late: the middle of the opening, in frames after the moment that the layer shows.
    Each pixel gathers along the fastest motion near it, from what truly moves that way, else along its own: edges smear
    outwards and what stands still stays sharp, also before what runs behind it. Paths are straight, up to 64 px long.
    out_depth_m is the nearest depth gathered. Empty pixels need no motion.
    `out` must not be `layer`. Pixels without motion near them keep their bits.

    Source: after McGuire et al., "A Reconstruction Filter for Plausible Motion Blur", I3D 2012.
    """
    size = same_rgba(layer=layer, out=out)
    shaped(size, 2, motion_px=motion_px)
    shaped(size, depth_m=depth_m, out_depth_m=out_depth_m)
    if out is layer or out_depth_m is depth_m:
        raise ValueError("motion_blur gathers from neighbours: out must not be the layer itself.")
    covered = layer[..., 3] > 0
    speed = np.sqrt((motion_px**2).sum(axis=2))
    longest = float(np.max(speed[covered], initial=0.0)) * shutter
    if not longest >= 0.25:  # under a quarter pixel nothing is seen
        out[...] = layer
        out_depth_m[...] = depth_m
        return
    longest = min(longest, 64.0)
    moves = np.where(covered[..., None], motion_px, np.float32(0)).astype(np.float32)
    aside = -late / shutter
    fastest = _fastest_near(moves, math.ceil(longest * (0.5 + abs(aside))))
    taps = max(3, 2 * math.ceil(longest / 2) + 1)
    _motion_blur(
        layer, depth_m, moves, fastest, np.float32(shutter), np.float32(longest), taps, aside, out, out_depth_m
    )


def _fastest_near(motion: np.ndarray, reach: int) -> np.ndarray:
    """The fastest motion in the square of `reach` pixels around each pixel: first along rows, then along columns."""
    in_rows = np.empty_like(motion)
    _fastest_in_rows(motion, reach, in_rows)
    turned = np.ascontiguousarray(in_rows.transpose(1, 0, 2))
    in_columns = np.empty_like(turned)
    _fastest_in_rows(turned, reach, in_columns)
    return np.ascontiguousarray(in_columns.transpose(1, 0, 2))


@njit(parallel=True, cache=True)
def _blur_rows(image, taps, out):
    height, width, channels = image.shape
    reach = taps.shape[0] // 2
    for y in prange(height):
        for x in range(width):
            for c in range(channels):
                total = np.float32(0)
                for k in range(taps.shape[0]):
                    total += taps[k] * image[y, min(max(x + k - reach, 0), width - 1), c]
                out[y, x, c] = total


@njit(parallel=True, cache=True)
def _blur_columns(image, taps, out):
    height, width, channels = image.shape
    reach = taps.shape[0] // 2
    for y in prange(height):
        out[y] = np.float32(0)
        for k in range(taps.shape[0]):
            row = min(max(y + k - reach, 0), height - 1)
            for x in range(width):
                for c in range(channels):
                    out[y, x, c] += taps[k] * image[row, x, c]


@njit(parallel=True, cache=True)
def _fastest_in_rows(motion, reach, out):
    height, width, _ = motion.shape
    for y in prange(height):
        for x in range(width):
            best = np.float32(-1)
            for k in range(max(x - reach, 0), min(x + reach, width - 1) + 1):
                speed = motion[y, k, 0] * motion[y, k, 0] + motion[y, k, 1] * motion[y, k, 1]
                if speed > best:
                    best = speed
                    out[y, x, 0] = motion[y, k, 0]
                    out[y, x, 1] = motion[y, k, 1]


@njit(inline="always")
def _same_way(a_x, a_y, b_x, b_y):
    gap = (a_x - b_x) * (a_x - b_x) + (a_y - b_y) * (a_y - b_y)
    allowed = np.float32(0.5) + np.float32(0.25) * np.sqrt(a_x * a_x + a_y * a_y)
    return gap <= allowed * allowed


@njit(inline="always")
def _swept(layer, depth, motion, y, x, row, column, far_x, far_y, shutter):
    """Whether what is at (row, column) moves as the fastest does and passes before pixel (x, y), not behind it."""
    if not layer[row, column, 3] > np.float32(0):
        return False
    if not _same_way(far_x, far_y, motion[row, column, 0] * shutter, motion[row, column, 1] * shutter):
        return False
    if depth[row, column] <= depth[y, x] * NEARER or layer[y, x, 3] < np.float32(1):
        return True
    return _same_way(far_x, far_y, motion[y, x, 0] * shutter, motion[y, x, 1] * shutter)


@njit(inline="always")
def _unhidden(layer, depth, motion, y, x, own_x, own_y, t, shutter):
    """The moment t, or its mirror, or 0: whichever shows the surface of pixel (x, y), not a nearer one that moves apart."""
    height, width, _ = layer.shape
    if not layer[y, x, 3] > np.float32(0):
        return t
    for when in (t, -t):
        row = min(max(int(np.floor(y + when * own_y + np.float32(0.5))), 0), height - 1)
        column = min(max(int(np.floor(x + when * own_x + np.float32(0.5))), 0), width - 1)
        apart = not _same_way(own_x, own_y, motion[row, column, 0] * shutter, motion[row, column, 1] * shutter)
        if not (apart and layer[row, column, 3] > np.float32(0) and depth[row, column] * NEARER < depth[y, x]):
            return when
    return np.float32(0)


@njit(parallel=True, cache=True)
def _motion_blur(layer, depth, motion, fastest, shutter, longest, taps, aside, out, out_depth):
    height, width, _ = out.shape
    for y in prange(height):
        sums = np.empty(4, np.float32)
        for x in range(width):
            far_x, far_y = fastest[y, x, 0] * shutter, fastest[y, x, 1] * shutter
            length = np.sqrt(far_x * far_x + far_y * far_y)
            if length < np.float32(0.25):
                for c in range(4):
                    out[y, x, c] = layer[y, x, c]
                out_depth[y, x] = depth[y, x]
                continue
            if length > longest:
                far_x, far_y = far_x * longest / length, far_y * longest / length
            own_x, own_y = motion[y, x, 0] * shutter, motion[y, x, 1] * shutter
            sums[:] = np.float32(0)
            nearest = np.float32(np.inf)
            for k in range(taps):
                t = np.float32((k + 0.5) / taps - 0.5 + aside)
                row = min(max(int(np.floor(y + t * far_y + np.float32(0.5))), 0), height - 1)
                column = min(max(int(np.floor(x + t * far_x + np.float32(0.5))), 0), width - 1)
                if _swept(layer, depth, motion, y, x, row, column, far_x, far_y, shutter):
                    near = _take(layer, depth, x + t * far_x, y + t * far_y, sums)
                else:
                    t = _unhidden(layer, depth, motion, y, x, own_x, own_y, t, shutter)
                    near = _take(layer, depth, x + t * own_x, y + t * own_y, sums)
                nearest = min(nearest, near)
            for c in range(4):
                out[y, x, c] = sums[c] / np.float32(taps)
            out_depth[y, x] = nearest if out[y, x, 3] > np.float32(0) else np.float32(np.inf)


@njit(inline="always")
def _take(layer, depth, x, y, sums):
    """Add the bilinear sample at pixel-index position (x, y) to sums; returns the nearest depth it touched."""
    height, width, _ = layer.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    right_share, low_share = np.float32(x - left), np.float32(y - top)
    nearest = np.float32(np.inf)
    for j in range(2):
        row = min(max(top + j, 0), height - 1)
        row_share = low_share if j == 1 else np.float32(1) - low_share
        for i in range(2):
            column = min(max(left + i, 0), width - 1)
            share = row_share * (right_share if i == 1 else np.float32(1) - right_share)
            if share > np.float32(0):
                for c in range(4):
                    sums[c] += share * layer[row, column, c]
                if layer[row, column, 3] > np.float32(0):
                    nearest = min(nearest, depth[row, column])
    return nearest
