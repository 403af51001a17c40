"""Spatial noise removal where the noise is stationary and its correlation known: shrunk cosines of sliding blocks."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, dctn, idctn

from calibration.look.graincorrelation import MAX_LAG, lags_of
from pipeline.kernels.grain import Grain

Array = NDArray[np.float32]
BLOCK, STEP = 8, 3
THRESHOLD = 2.7  # standard deviations of a cosine's noise, below which the first pass drops it
# luma and two differences, orthonormal: pictures are sparse there, whatever the noise's own axes are
OPPONENT = (np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])).astype(np.float32)


def shrink(picture: Array, grain: Grain, variance: Array) -> Array:
    """Remove noise of the profile's correlation from a picture on which its size is the same everywhere.

    picture: (H, W, 3) float32, stabilised. variance: (H, W) float32, what is left of the noise's unit variance.
    Two passes: large cosines are kept, then all are weighed by what the first pass found (Wiener). Blocks slide, and
    those that keep little count more. Sources: Yu and Sapiro, "DCT image denoising", IPOL 2011; Dabov, Foi, Katkovnik,
    Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative filtering", IEEE TIP 2007 (the two passes).
    """
    height, width, _ = picture.shape
    pad = ((BLOCK, 2 * BLOCK - height % BLOCK), (BLOCK, 2 * BLOCK - width % BLOCK))
    opponent = np.pad(np.moveaxis(picture @ OPPONENT.T, -1, 0), ((0, 0), *pad), mode="symmetric")
    left = np.pad(variance, pad, mode="symmetric")
    noise = cosine_noise(grain)
    pilot = _pass(opponent, left, noise, None)
    found = _pass(opponent, left, noise, pilot)[:, BLOCK : BLOCK + height, BLOCK : BLOCK + width]
    return np.asarray(np.moveaxis(found, 0, -1) @ OPPONENT, np.float32)


def cosine_noise(grain: Grain) -> NDArray[np.float32]:
    """Variance (3, BLOCK, BLOCK) that unit grain of this profile has in each cosine of a block, per opponent channel."""
    at = np.arange(BLOCK)
    apart = at[:, None] - at[None, :]
    inside = np.abs(apart) <= MAX_LAG
    basis = dct(np.eye(BLOCK), axis=0, norm="ortho")  # rows are cosines
    spread = np.empty((3, BLOCK, BLOCK))
    axes = OPPONENT.astype(np.float64)
    opponent = np.einsum("kc,yxcd,kd->yxk", axes, lags_of(grain), axes)
    for k in range(3):
        lags = opponent[..., k]
        whole = np.concatenate([lags[:0:-1, ::-1], lags])  # rows -MAX_LAG..MAX_LAG
        seen = np.where(inside[:, :, None], whole[np.where(inside, apart, 0) + MAX_LAG], 0)  # (y, y', dx)
        rows = np.einsum("uy,yzd,uz->ud", basis, seen, basis)
        toeplitz = np.where(inside, rows[:, np.where(inside, apart, 0) + MAX_LAG], 0)  # (u, x, x')
        spread[k] = np.einsum("vx,uxz,vz->uv", basis, toeplitz, basis)
    return np.maximum(spread, 0).astype(np.float32)


def _pass(planes: Array, variance: Array, noise: Array, pilot: Array | None) -> Array:
    """One sweep over all offsets of the block grid; without a pilot cosines are dropped, with one they are weighed."""
    total, counted = np.zeros_like(planes), np.zeros_like(planes)
    for y, x in product(range(0, BLOCK, STEP), repeat=2):
        cosines = dctn(_blocks(planes, y, x), axes=(-2, -1), norm="ortho")
        left = _blocks(variance[None], y, x).mean(axis=(-2, -1), keepdims=True)
        floor = noise[:, None, None] * left
        if pilot is None:
            keep = (cosines**2 > THRESHOLD**2 * floor).astype(np.float32)
        else:
            power = dctn(_blocks(pilot, y, x), axes=(-2, -1), norm="ortho") ** 2
            keep = power / (power + floor + np.float32(1e-9))
        keep[..., 0, 0] = 1  # a block's mean is never shrunk: flats keep their level
        weight = 1 / (1e-3 + (keep**2 * floor).sum(axis=(-2, -1), keepdims=True))
        _add(total, idctn(cosines * keep, axes=(-2, -1), norm="ortho") * weight, y, x)
        _add(counted, np.broadcast_to(weight, cosines.shape), y, x)
    return np.asarray(total / np.maximum(counted, np.float32(1e-12)), np.float32)


def _blocks(planes: Array, y: int, x: int) -> Array:
    """(C, rows, columns, BLOCK, BLOCK) blocks of the grid that begins at (y, x)."""
    count, height, width = planes.shape
    rows, columns = (height - y) // BLOCK, (width - x) // BLOCK
    cut = planes[:, y : y + rows * BLOCK, x : x + columns * BLOCK]
    return cut.reshape(count, rows, BLOCK, columns, BLOCK).swapaxes(2, 3)


def _add(planes: Array, blocks: Array, y: int, x: int) -> None:
    count, rows, columns, _, _ = blocks.shape
    whole = blocks.swapaxes(2, 3).reshape(count, rows * BLOCK, columns * BLOCK)
    planes[:, y : y + rows * BLOCK, x : x + columns * BLOCK] += whole
