"""Sliding blocks' cosines shrunk, a row of blocks at a time: the inner loop of calibration.look.shrink."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.fft import dct

from pipeline.kernels.bands import in_bands
from pipeline.kernels.check import shaped

Floats = NDArray[np.float32]
BLOCK = 8  # pixels, a block's side
_ROWS = 4  # of blocks, that one thread takes at a time


def drop(planes: Floats, variance: Floats, noise: Floats, steps: tuple[int, ...], threshold: float) -> Floats:
    """Planes (C, H, W) whose blocks' cosines below `threshold` deviations of their noise are dropped.

    variance: (H, W) of each pixel's noise; noise: (C, BLOCK, BLOCK) of each cosine at unit variance. steps: offsets of the grids
    of blocks, down and across alike. Blocks are added by how little they keep; their means stay. All float32. Bits are the same for
    any number of threads. Raises ValueError on another shape or dtype.
    """
    return _shrunk(planes, variance, noise, steps, threshold, planes, False)


def weigh(planes: Floats, variance: Floats, noise: Floats, steps: tuple[int, ...], pilot: Floats) -> Floats:
    """As `drop`, but each cosine is weighed by its power in `pilot` (C, H, W) against its noise (Wiener)."""
    return _shrunk(planes, variance, noise, steps, 0.0, pilot, True)


def _shrunk(
    planes: Floats,
    variance: Floats,
    noise: Floats,
    steps: tuple[int, ...],
    threshold: float,
    pilot: Floats,
    wiener: bool,
) -> Floats:
    height, width = planes.shape[1:]
    for plane, guide, each in zip(planes, pilot, noise, strict=True):
        shaped((height, width), planes=plane, pilot=guide)
        shaped((BLOCK, BLOCK), noise=each)
    shaped((height, width), variance=variance)
    basis = np.ascontiguousarray(dct(np.eye(BLOCK), axis=0, norm="ortho"), np.float32)  # rows are cosines
    total, counted = np.zeros_like(planes), np.zeros_like(planes)
    for y in steps:
        for x in steps:
            # Blocks of one grid do not overlap, so that its rows may be added in any order.
            def work(first: int, end: int, y: int = y, x: int = x) -> None:
                _grid(first, end, y, x, planes, variance, noise, np.float32(threshold**2), pilot, wiener, basis, total,
                      counted)  # fmt: skip

            in_bands((height - y) // BLOCK, work, _ROWS)
    return np.asarray(total / np.maximum(counted, np.float32(1e-12)), np.float32)


@njit(cache=True)
def _gather(plane, top, left, out):
    """out[i, j, n]: pixel (i, j) of the nth block of a row."""
    for i in range(BLOCK):
        for j in range(BLOCK):
            for n in range(np.uintp(out.shape[2])):
                out[i, j, n] = plane[top + i, left + j + np.uintp(BLOCK) * n]


@njit(cache=True)
def _mixed(factors, values, across, out):
    """The 8 x 8 blocks of `values` times `factors`, rows of them or columns: the inner loop runs over blocks."""
    for i in range(BLOCK):
        for j in range(BLOCK):
            to = out[i, j] if not across else out[j, i]
            for n in range(np.uintp(len(to))):
                to[n] = np.float32(0)
            for k in range(BLOCK):
                factor, line = factors[i, k], values[k, j] if not across else values[j, k]
                for n in range(np.uintp(len(to))):
                    to[n] += factor * line[n]


@njit(cache=True, nogil=True, error_model="numpy")
def _grid(first, end, y, x, planes, variance, noise, square, pilot, wiener, basis, total, counted):
    """Rows first..end of the grid of blocks that begins at (y, x)."""
    turned = np.ascontiguousarray(basis.T)
    blocks = (planes.shape[2] - x) // BLOCK
    values, half = np.empty((BLOCK, BLOCK, blocks), np.float32), np.empty((BLOCK, BLOCK, blocks), np.float32)
    cosines, guide = np.empty((BLOCK, BLOCK, blocks), np.float32), np.empty((BLOCK, BLOCK, blocks), np.float32)
    mean, spent = np.empty(blocks, np.float32), np.empty(blocks, np.float32)
    for row in range(first, end):
        top, left = np.uintp(y + row * BLOCK), np.uintp(x)
        _gather(variance, top, left, values)
        mean[:] = np.float32(0)
        for i in range(BLOCK):
            for j in range(BLOCK):
                for n in range(np.uintp(blocks)):
                    mean[n] += values[i, j, n] / np.float32(BLOCK * BLOCK)
        for c in range(planes.shape[0]):
            _gather(planes[c], top, left, values)
            _mixed(basis, values, False, half)
            _mixed(basis, half, True, cosines)
            if wiener:
                _gather(pilot[c], top, left, values)
                _mixed(basis, values, False, half)
                _mixed(basis, half, True, guide)
            spent[:] = np.float32(1e-3)
            for i in range(BLOCK):
                for j in range(BLOCK):
                    for n in range(np.uintp(blocks)):
                        floor = noise[c, i, j] * mean[n]
                        if wiener:
                            power = guide[i, j, n] * guide[i, j, n]
                            keep = power / (power + floor + np.float32(1e-9))
                        else:
                            keep = (
                                np.float32(1) if cosines[i, j, n] * cosines[i, j, n] > square * floor else np.float32(0)
                            )
                        if i + j == 0:  # a block's mean is never shrunk: flats keep their level
                            keep = np.float32(1)
                        cosines[i, j, n] *= keep
                        spent[n] += keep * keep * floor
            _mixed(turned, cosines, False, half)
            _mixed(turned, half, True, values)
            for i in range(BLOCK):
                for j in range(BLOCK):
                    for n in range(np.uintp(blocks)):
                        column = left + j + np.uintp(BLOCK) * n
                        total[c, top + i, column] += values[i, j, n] / spent[n]
                        counted[c, top + i, column] += np.float32(1) / spent[n]
