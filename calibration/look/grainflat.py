"""Flat areas as an upper bound of the grain: a codec smooths them, and what is added there must not be rougher.

The difference of neighbouring frames sees grain only where the codec let it live, beside texture. In a flat block of one
frame all that is left after a smooth fit is grain; texture only adds to it. So a low quantile of these bounds the grain.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calibration.look.grainblocks import BELOW_WHITE, unit_noise
from pipeline.kernels.grain import Grain

Array = NDArray[np.float32]
Curve = NDArray[np.float64]
BINS, MIN_BLOCKS = 10, 24
LOW_QUANTILE, OF_FLAT = 0.05, 0.1  # this quantile of all blocks is about that one of the flat blocks
CLEARLY = 0.85  # flats under this share of the curve bound it; closer ones are only the scatter of two estimates


def flat_blocks(picture: Array, size: int) -> tuple[Array, Curve]:
    """Level (N, 3) and variance (N, 3) of blocks after a quadratic surface is taken out; clipped ones are left out.

    picture: (H, W, 3) float32 scene-linear, in the camera's channels: there white clips at one value.
    """
    rows, columns = picture.shape[0] // size, picture.shape[1] // size
    cut = picture[: rows * size, : columns * size].reshape(rows, size, columns, size, 3)
    blocks = cut.transpose(0, 2, 1, 3, 4).reshape(-1, size * size, 3)
    top, bottom = picture.max(axis=(0, 1)), picture.min(axis=(0, 1))
    blocks = blocks[((blocks < BELOW_WHITE * top) & (blocks > bottom)).all(axis=(1, 2))]
    y, x = (v.ravel() / size - 0.5 for v in np.mgrid[0:size, 0:size])
    surface, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1))
    part = np.tensordot(blocks, surface.astype(np.float32), axes=(1, 0))  # what the surface explains: (N, 3, terms)
    left = (blocks - blocks.mean(axis=1, keepdims=True)).astype(np.float64)
    variance = ((left**2).sum(axis=1) - (part[..., 1:].astype(np.float64) ** 2).sum(axis=2)) / (size * size - 6)
    return blocks.mean(axis=1), np.asarray(variance)


def bounded(curve: tuple[Curve, Curve], level: Array, variance: Curve, typical: float) -> tuple[Curve, Curve]:
    """The curve (levels, sigmas), lowered where flat blocks are clearly smoother than it.

    level, variance: (N,) of flat_blocks, one channel. typical: variance at quantile OF_FLAT of blocks of unit grain.
    """
    levels, sigmas = curve
    edges = np.quantile(level, np.linspace(0, 1, BINS + 1)) if len(level) else np.zeros(1)
    at: list[float] = []
    share: list[float] = []
    ratio = variance / np.maximum(np.interp(level, levels, sigmas), 1e-9) ** 2
    for low, high in pairwise(edges):
        chosen = (level >= low) & (level <= high)
        if chosen.sum() >= MIN_BLOCKS and (not at or np.median(level[chosen]) > at[-1]):
            at.append(float(np.median(level[chosen])))
            flat = float(np.sqrt(np.quantile(ratio[chosen], LOW_QUANTILE) / typical))
            share.append(flat if flat < CLEARLY else 1.0)
    if not at:
        return curve
    return levels, sigmas * np.interp(levels, at, share)


def pure_flats(unit: Grain, size: int) -> Curve:
    """(N, 3) ascending variances that flat blocks of unit grain of this correlation have."""
    _, variance = flat_blocks(unit_noise(unit, size * max(16, 400 // size), frame=3), size)
    return np.sort(variance, axis=0)
