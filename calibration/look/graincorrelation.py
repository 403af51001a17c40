"""Spatial correlation of grain: measured on blocks, and the small filter that gives white noise the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from pipeline.kernels.grain import TAPS

MAX_LAG = TAPS - 1  # beyond it a TAPS x TAPS filter correlates nothing
Lags = NDArray[np.float64]  # (MAX_LAG + 1, 2 MAX_LAG + 1): rows 0.., columns -MAX_LAG..MAX_LAG


def autocorrelation(blocks: NDArray[np.float32]) -> Lags:
    """Mean product of pixels (dy, dx) apart over (N, B, B) blocks of unit variance."""
    size = blocks.shape[1]
    lags = np.empty((MAX_LAG + 1, 2 * MAX_LAG + 1))
    for dy in range(MAX_LAG + 1):
        for dx in range(-MAX_LAG, MAX_LAG + 1):
            left, right = max(0, -dx), size - max(0, dx)
            here = blocks[:, : size - dy, left:right]
            there = blocks[:, dy:, left + dx : right + dx]
            lags[dy, dx + MAX_LAG] = np.mean(here * there, dtype=np.float64)
    return lags


def kernel_lags(kernel: NDArray[np.floating]) -> Lags:
    """The autocorrelation that white unit noise has after `kernel` (TAPS, TAPS)."""
    padded = np.pad(np.asarray(kernel, np.float64), MAX_LAG)
    lags = np.empty((MAX_LAG + 1, 2 * MAX_LAG + 1))
    for dy in range(MAX_LAG + 1):
        for dx in range(-MAX_LAG, MAX_LAG + 1):
            lags[dy, dx + MAX_LAG] = np.sum(padded * np.roll(padded, (-dy, -dx), (0, 1)))
    return lags


def kernel_from_autocorrelation(lags: Lags) -> NDArray[np.float64]:
    """Point-symmetric (TAPS, TAPS) kernel of unit energy whose autocorrelation comes closest to `lags`."""
    half = (TAPS * TAPS + 1) // 2

    def kernel(values: NDArray[np.float64]) -> NDArray[np.float64]:
        full = np.concatenate([values, values[:-1][::-1]]).reshape(TAPS, TAPS)
        return full / np.sqrt((full**2).sum())

    def miss(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return (kernel_lags(kernel(values)) - lags).ravel()

    found = least_squares(miss, _zero_phase(lags).ravel()[:half], max_nfev=60)
    return kernel(found.x)


def _zero_phase(lags: Lags) -> NDArray[np.float64]:
    """A first guess: the root of the power spectrum, cut to TAPS."""
    side = 2 * MAX_LAG + 1
    full = np.zeros((side, side))
    full[MAX_LAG:] = lags
    full[:MAX_LAG] = lags[:0:-1, ::-1]
    spectrum = np.fft.fft2(np.fft.ifftshift(full)).real
    root = np.fft.fftshift(np.fft.ifft2(np.sqrt(np.maximum(spectrum, 1e-6))).real)
    cut = slice(MAX_LAG - TAPS // 2, MAX_LAG + TAPS // 2 + 1)
    return root[cut, cut]
