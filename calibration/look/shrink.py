"""Spatial noise removal where the noise is stationary and its correlation known: shrunk cosines of sliding blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from calibration.look.graincorrelation import MAX_LAG, lags_of
from pipeline.kernels.cosines import BLOCK, drop, weigh
from pipeline.kernels.grain import Grain

Array = NDArray[np.float32]
STEPS = (0, 3, 6)  # offsets of the grids of blocks
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
    pilot = drop(opponent, left, noise, STEPS, THRESHOLD)
    found = weigh(opponent, left, noise, STEPS, pilot)[:, BLOCK : BLOCK + height, BLOCK : BLOCK + width]
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
