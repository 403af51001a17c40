"""Look at arrays before a compiled loop does: compiled code checks no bounds."""

from __future__ import annotations

import numpy as np
from numba import njit


def shaped(size: tuple[int, int], channels: int = 0, dtype: type = np.float32, **arrays: np.ndarray) -> None:
    """Check that each array is (H, W, channels), or (H, W) when `channels` is 0, of `dtype`, in C order.

    size: (H, W). Raises ValueError that names the first wrong array.
    """
    _check((*size, channels) if channels else tuple(size), dtype, arrays)


def same_rgba(**images: np.ndarray) -> tuple[int, int]:
    """Check that all images are (H, W, 4) float32 of one size, in C order; returns (H, W)."""
    return _same(4, images)


def same_rgb(**images: np.ndarray) -> tuple[int, int]:
    """Check that all images are (H, W, 3) float32 of one size, in C order; returns (H, W)."""
    return _same(3, images)


def _same(channels: int, images: dict[str, np.ndarray]) -> tuple[int, int]:
    name, first = next(iter(images.items()))
    if first.ndim < 2:
        raise ValueError(f"{name} has shape {first.shape}; wanted (H, W, {channels}).")
    size = (first.shape[0], first.shape[1])
    _check((*size, channels), np.float32, images)
    return size


def _check(wanted: tuple[int, ...], dtype: type, arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if array.shape != wanted or array.dtype != dtype or not array.flags.c_contiguous:
            order = "" if array.flags.c_contiguous else ", not contiguous"
            raise ValueError(f"{name} is {array.shape} {array.dtype}{order}; wanted {wanted} {np.dtype(dtype).name}.")


def count_broken(image: np.ndarray) -> int:
    """How many values of `image` (any shape, float32) are NaN or infinite."""
    if image.dtype != np.float32:
        raise ValueError(f"image is {image.dtype}; wanted float32.")
    return int(_count_broken(np.ascontiguousarray(image).reshape(-1)))


def first_broken(image: np.ndarray) -> tuple[int, int]:
    """(x, y) of the first pixel of (H, W) or (H, W, C) that holds NaN or infinity. Raises ValueError when none does."""
    bad = ~np.isfinite(image)
    if image.ndim == 3:
        bad = bad.any(axis=2)
    if not bad.any():
        raise ValueError("no pixel is broken.")
    y, x = np.unravel_index(int(np.argmax(bad)), bad.shape)
    return int(x), int(y)


def compared(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> tuple[int, float, int]:
    """Of two pictures (H, W, C) float16: how many values differ in their bits at `where` (H, W) bool, by how much at most,
    and how many values of the first are NaN or infinite, anywhere."""
    for name, array in (("one", one), ("other", other)):
        if array.ndim != 3 or array.dtype != np.float16 or array.shape != (*where.shape, one.shape[2]):
            raise ValueError(f"{name} is {array.shape} {array.dtype}; wanted {where.shape} and channels, float16.")
    a, b = (np.ascontiguousarray(image).view(np.uint16) for image in (one, other))
    differ, broken = _compared(a, b, np.ascontiguousarray(where))
    if not differ:
        return 0, 0.0, broken
    apart = np.abs(one[where].astype(np.float32) - other[where].astype(np.float32))
    return differ, float(apart.max(initial=0.0)), broken


@njit(cache=True)
def _compared(one, other, where):
    height, width, channels = one.shape
    differ, broken = 0, 0
    for y in range(height):
        a, b, counts = one[y], other[y], where[y]
        different, bad = np.uint32(0), np.uint32(0)
        for i in range(width):
            x = np.uintp(i)
            for k in range(channels):
                c = np.uintp(k)
                value = a[x, c]
                different = np.uint32(different + np.uint32((value != b[x, c]) & counts[x]))
                bad = np.uint32(bad + np.uint32((value & np.uint16(0x7C00)) == np.uint16(0x7C00)))
        differ += different
        broken += bad
    return differ, broken


@njit(cache=True)
def _count_broken(values):
    count = 0
    for i in range(values.shape[0]):
        if not np.isfinite(values[i]):
            count += 1
    return count
