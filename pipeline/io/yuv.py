"""Y'CbCr planes to R'G'B' and back by the standards' own matrices.

Why not swscale: its error is 0.005 where this one's is the code's own rounding, and its default matrix is BT.601.
Chroma of 4:2:0 and 4:2:2 is taken as sited left (MPEG-2, H.264 and H.265's default): cosited across, centred down.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# Weights of red and blue in luma. Sources: ITU-R BT.601-7, BT.709-6, BT.2020-2, SMPTE 240M, FCC.
LUMA_RED_BLUE = {
    "bt709": (0.2126, 0.0722),
    "bt601": (0.299, 0.114),
    "bt2020": (0.2627, 0.0593),
    "smpte240m": (0.212, 0.087),
    "fcc": (0.30, 0.11),
}


def rgb_from_yuv(y: Array, u: Array, v: Array, *, matrix: str, bits: int, full_range: bool) -> Array:
    """Code values of (H, W) luma and (H/y, W/x) chroma planes to (H, W, 3) float32 R'G'B'; black 0, white 1, unclamped."""
    height, width = y.shape
    black, luma_span, chroma_span = _levels(bits, full_range)
    luma = (y.astype(np.float32) - black) * np.float32(1 / luma_span)
    middle, scale = np.float32(1 << (bits - 1)), np.float32(1 / chroma_span)
    cb = (_full_size(u.astype(np.float32), width, height) - middle) * scale
    cr = (_full_size(v.astype(np.float32), width, height) - middle) * scale
    red, blue = LUMA_RED_BLUE[matrix]
    green = 1 - red - blue
    rgb = np.empty((height, width, 3), np.float32)
    rgb[..., 0] = luma + np.float32(2 * (1 - red)) * cr
    rgb[..., 2] = luma + np.float32(2 * (1 - blue)) * cb
    rgb[..., 1] = (luma - np.float32(red) * rgb[..., 0] - np.float32(blue) * rgb[..., 2]) * np.float32(1 / green)
    return rgb


def yuv_from_rgb(
    rgb: Array, *, matrix: str, bits: int, full_range: bool, chroma: str = "420"
) -> tuple[Array, Array, Array]:
    """(H, W, 3) float32 R'G'B' 0..1 to Y, Cb, Cr code planes (uint8 or uint16), chroma "444", "422" or "420"."""
    red, blue = LUMA_RED_BLUE[matrix]
    black, luma_span, chroma_span = _levels(bits, full_range)
    r, g, b = (np.ascontiguousarray(rgb[..., i], np.float32) for i in range(3))
    luma = np.float32(red) * r + np.float32(1 - red - blue) * g + np.float32(blue) * b
    cb = _subsampled((b - luma) * np.float32(0.5 / (1 - blue)), chroma)
    cr = _subsampled((r - luma) * np.float32(0.5 / (1 - red)), chroma)
    middle = 1 << (bits - 1)
    codes = (luma * luma_span + black, cb * chroma_span + middle, cr * chroma_span + middle)
    kind = np.uint8 if bits == 8 else np.uint16
    y, u, v = (np.clip(np.rint(c), 0, (1 << bits) - 1).astype(kind) for c in codes)
    return y, u, v


def _levels(bits: int, full_range: bool) -> tuple[int, int, int]:
    """Code of black, codes from black to white, codes that a full swing of chroma spans."""
    if full_range:
        return 0, (1 << bits) - 1, (1 << bits) - 1
    step = 1 << (bits - 8)
    return 16 * step, 219 * step, 224 * step


def _full_size(plane: Array, width: int, height: int) -> Array:
    if plane.shape[1] < width:
        plane = _wider(plane)[:, :width]
    if plane.shape[0] < height:
        plane = _taller(plane)[:height]
    return plane


def _wider(plane: Array) -> Array:
    """Twice the columns, samples sited on the even ones."""
    out = np.empty((plane.shape[0], plane.shape[1] * 2), np.float32)
    out[:, 0::2] = plane
    out[:, 1:-1:2] = (plane[:, :-1] + plane[:, 1:]) * np.float32(0.5)
    out[:, -1] = plane[:, -1]
    return out


def _taller(plane: Array) -> Array:
    """Twice the rows, samples sited between them."""
    above = np.concatenate([plane[:1], plane[:-1]])
    below = np.concatenate([plane[1:], plane[-1:]])
    out = np.empty((plane.shape[0] * 2, plane.shape[1]), np.float32)
    out[0::2] = plane * np.float32(0.75) + above * np.float32(0.25)
    out[1::2] = plane * np.float32(0.75) + below * np.float32(0.25)
    return out


def _subsampled(plane: Array, chroma: str) -> Array:
    if chroma == "444":
        return plane
    padded = np.pad(plane, ((0, 0), (1, 1)), mode="edge")
    across = (padded[:, :-2:2] + 2 * padded[:, 1:-1:2] + padded[:, 2::2]) * np.float32(0.25)
    return across if chroma == "422" else (across[0::2] + across[1::2]) * np.float32(0.5)


@lru_cache(maxsize=8)
def even(size: int) -> int:
    """`size`, or the next even number: what 4:2:0 wants."""
    return size + size % 2
