"""Planes, as EXR holds a picture, to pixels, as kernels take it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from pipeline.kernels import comprows as rows
from pipeline.kernels.bands import in_bands
from pipeline.kernels.halves import float_of


def to_pixels(planes: Sequence[np.ndarray]) -> np.ndarray:
    """Three or four planes (H, W), float16 or float32, as pixels (H, W, C) float32; exact. Raises ValueError on others."""
    halves = all(p.dtype == np.float16 for p in planes)
    held = tuple(np.ascontiguousarray(p, np.float16 if halves else np.float32) for p in planes)
    size = held[0].shape
    if len(held) not in (3, 4) or len(size) != 2 or any(p.shape != size for p in held):
        raise ValueError(f"planes of {[p.shape for p in held]}; wanted three or four (H, W) of one size.")
    out = np.empty((*size, len(held)), np.float32)
    given = tuple(p.view(np.uint16) for p in held) if halves else held
    in_bands(len(out), lambda top, bottom: _to_pixels(top, bottom, given, out))
    return out


@njit(nogil=True, cache=True)
def _to_pixels(top, bottom, planes, out):
    row = np.empty((out.shape[2], out.shape[1]), np.float32)
    for y in range(top, bottom):
        for c in range(out.shape[2]):
            line, plane = row[c], planes[c][y]
            for i in range(out.shape[1]):
                x = np.uintp(i)
                line[x] = float_of(plane[x])
        rows.store_pixels(row, out[y])
