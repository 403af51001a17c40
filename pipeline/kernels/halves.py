"""Half floats inside compiled loops: their bits as uint16, converted by the processor's own instructions.

numba knows no float16 arithmetic, so kernels see `array.view(np.uint16)` and call `float_of` and `half_of`.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from pipeline.kernels.bands import banded

HALF_MAX = np.float32(65504)


def to_half(image: np.ndarray, out: np.ndarray) -> None:
    """Round `image` (any shape, float32) into `out` (the same, float16), to nearest, ties to even.

    A finite value beyond 65504 becomes that, never infinity; infinity and NaN stay, a NaN perhaps with another payload.
    """
    if image.dtype != np.float32 or out.dtype != np.float16 or image.shape != out.shape:
        raise ValueError(f"image {image.shape} {image.dtype}, out {out.shape} {out.dtype}; wanted float32 to float16.")
    if not (image.flags.c_contiguous and out.flags.c_contiguous):
        raise ValueError("image and out must be contiguous.")
    banded(_to_half, image.size, image.reshape(-1), out.view(np.uint16).reshape(-1), rows=_CHUNK)


def to_planes(image: np.ndarray, out: np.ndarray) -> None:
    """to_half of pixels `image` (H, W, C) float32 into planes `out` (C, H, W) float16, in C order."""
    if image.ndim != 3 or image.dtype != np.float32 or out.dtype != np.float16:
        raise ValueError(f"image {image.shape} {image.dtype}, out {out.dtype}; wanted (H, W, C) float32 to float16.")
    if out.shape != (image.shape[2], *image.shape[:2]) or not (image.flags.c_contiguous and out.flags.c_contiguous):
        raise ValueError(f"out is {out.shape}; wanted planes of {image.shape}, both contiguous.")
    banded(_to_planes, len(image), image, out.view(np.uint16))


def float_of(value: np.uint16 | np.float32) -> np.float32:
    """A half's bits, or a float32, as float32; exact."""
    return np.float32(np.uint16(value).view(np.float16)) if isinstance(value, np.uint16) else value


def half_of(value: np.float32) -> np.uint16:
    """A float32 as a half's bits: to nearest, ties to even; finite values stay finite."""
    with np.errstate(over="ignore"):
        held = np.clip(value, -HALF_MAX, HALF_MAX) if np.isfinite(value) else value
        return np.float16(held).view(np.uint16)


@intrinsic
def _extended(typing, value):
    def build(context, builder, signature, arguments):
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), build


@intrinsic
def _rounded(typing, value):
    def build(context, builder, signature, arguments):
        return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), build


@overload(float_of, inline="always")
def _float_of(value):
    if value == types.uint16:
        return lambda value: _extended(value)
    return lambda value: value


@overload(half_of, inline="always")
def _half_of(value):
    def half(value):
        held = value
        if value > HALF_MAX and value < np.inf:
            held = HALF_MAX
        if value < -HALF_MAX and value > -np.inf:
            held = -HALF_MAX
        return _rounded(held)

    return half


_CHUNK = 1 << 14


@njit(nogil=True, cache=True, error_model="numpy")
def _to_half(first, last, values, out):
    for i in range(first, last):
        x = np.uintp(i)
        out[x] = half_of(values[x])


@njit(nogil=True, cache=True, error_model="numpy")
def _to_planes(top, bottom, image, out):
    _, width, channels = image.shape
    for y in range(top, bottom):
        for c in range(channels):
            line, row = image[y], out[c, y]
            for i in range(width):
                x = np.uintp(i)
                row[x] = half_of(line[x, np.uintp(c)])
