"""Correlation of grain in space and between channels, and the small filters that give white noise the same.

Noise of a plate is taken for three independent sources, each with a filter of its own, mixed into the camera's channels:
luma may be fine and colour blotchy, as debayering, noise reduction and codecs leave them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from pipeline.kernels.grain import TAPS

MAX_LAG = TAPS - 1  # beyond it a TAPS x TAPS filter correlates nothing
SIDE = 2 * TAPS  # of transforms that hold all lags without wrapping round
FLOOR = 3e-3  # of a spectrum's mean: what lies under it is not fitted
TAPER = np.cos(np.pi / 2 * np.minimum(np.hypot(*np.mgrid[0:TAPS, 1 - TAPS : TAPS]) / TAPS, 1)) ** 2
Lags = NDArray[np.float64]  # (MAX_LAG + 1, 2 MAX_LAG + 1, ...): rows 0.., columns -MAX_LAG..MAX_LAG


def lag_covariances(blocks: NDArray[np.float32]) -> Lags:
    """Mean products of channels of pixels (dy, dx) apart over (N, B, B, 3) blocks, (.., .., 3, 3), symmetric."""
    count, size, _, _ = blocks.shape
    wide = 1 << int(np.ceil(np.log2(size + MAX_LAG)))
    power = np.zeros((wide, wide, 3, 3))
    for first in range(0, count, 1024):
        seen = np.fft.fft2(blocks[first : first + 1024], s=(wide, wide), axes=(1, 2)).transpose(1, 2, 3, 0)
        power += (seen @ seen.conj().swapaxes(-1, -2)).real  # the imaginary part is what is not point-symmetric
    products = np.fft.ifft2(power, axes=(0, 1)).real / count
    overlap = size - np.abs(np.arange(-MAX_LAG, MAX_LAG + 1))
    lags = products[: MAX_LAG + 1][:, np.arange(-MAX_LAG, MAX_LAG + 1)]
    return np.asarray(lags / (overlap[MAX_LAG:, None] * overlap[None, :])[..., None, None])


def kernel_lags(kernel: NDArray[np.floating]) -> Lags:
    """The autocorrelation that white unit noise has after `kernel` (TAPS, TAPS)."""
    power = np.abs(np.fft.fft2(np.asarray(kernel, np.float64), s=(SIDE, SIDE))) ** 2
    return np.asarray(np.fft.ifft2(power).real[: MAX_LAG + 1][:, np.arange(-MAX_LAG, MAX_LAG + 1)])


def source_lags(kernels: NDArray[np.floating]) -> Lags:
    """kernel_lags of each source, (.., .., 3)."""
    return np.stack([kernel_lags(k) for k in kernels], axis=-1)


def separate(lags: Lags) -> tuple[NDArray[np.float64], Lags]:
    """Mix (3, 3) and lags (.., .., 3) of the three sources whose covariances at all lags these (.., .., 3, 3) are.

    lags[0, MAX_LAG] has a unit diagonal. Source: Belouchrani et al., "A blind source separation technique using
    second-order statistics" (SOBI), IEEE TSP 1997.
    """
    values, vectors = np.linalg.eigh(lags[0, MAX_LAG])
    values = np.maximum(values, 2e-3)  # grey plates: keep the matrix invertible
    root, back = ((vectors * values**e) @ vectors.T for e in (0.5, -0.5))
    whitened = back @ lags @ back
    near = (np.hypot(*np.mgrid[0 : MAX_LAG + 1, -MAX_LAG : MAX_LAG + 1]) <= 3.5).ravel()
    turn = _joint_axes(whitened.reshape(-1, 3, 3)[near])
    sources = np.einsum("ki,yxkl,li->yxi", turn, whitened, turn)
    mix = root @ turn
    return mix / np.sqrt((mix**2).sum(axis=1, keepdims=True)), sources / sources[0, MAX_LAG]


def _joint_axes(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation (3, 3) under which symmetric (N, 3, 3) matrices become most nearly diagonal.

    Source: Cardoso and Souloumiac, "Jacobi angles for simultaneous diagonalization", SIAM JMAA 1996.
    """
    turn, left = np.eye(3), matrices.copy()
    for _ in range(12):
        for p, q in ((0, 1), (0, 2), (1, 2)):
            h = np.stack([left[:, p, p] - left[:, q, q], 2 * left[:, p, q]])
            gram = h @ h.T
            angle = 0.25 * np.arctan2(2 * gram[0, 1], gram[0, 0] - gram[1, 1])
            step = np.eye(3)
            step[p, p] = step[q, q] = np.cos(angle)
            step[q, p], step[p, q] = np.sin(angle), -np.sin(angle)
            left, turn = step.T @ left @ step, turn @ step
    return turn


def kernel_from_autocorrelation(lags: Lags, steps: int = 40) -> NDArray[np.float64]:
    """Point-symmetric (TAPS, TAPS) kernel of unit energy whose spectrum comes closest to that of `lags`, in decibels."""
    half = (TAPS * TAPS + 1) // 2
    wanted = _spectrum(lags).ravel()
    ahead, behind, waves = _fit_tables()

    def unfolded(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([values, values[:-1][::-1]])

    def miss(values: NDArray[np.float64]) -> NDArray[np.float64]:
        full = unfolded(values)
        made = kernel_lags((full / np.linalg.norm(full)).reshape(TAPS, TAPS))
        return np.concatenate([(_spectrum(made).ravel() - wanted) / SIDE, (made - lags).ravel()])

    def slope(values: NDArray[np.float64]) -> NDArray[np.float64]:
        full = unfolded(values)
        energy = np.linalg.norm(full)
        unit = np.append(full / energy, 0.0)  # the last stands for all that lies outside
        rises = unit[ahead] + unit[behind]  # of each lag by each tap
        rises = (rises - np.outer(rises @ unit[:-1], unit[:-1])) / energy
        rises = np.concatenate([rises[:, : half - 1] + rises[:, : half - 1 : -1], rises[:, half - 1 : half]], axis=1)
        made = kernel_lags(unit[:-1].reshape(TAPS, TAPS))
        power = np.exp(_spectrum(made)).ravel()
        return np.concatenate([waves @ rises / power[:, None] / SIDE, rises])

    found = unfolded(least_squares(miss, _zero_phase(lags).ravel()[:half], jac=slope, max_nfev=steps).x)
    return np.asarray((found / np.linalg.norm(found)).reshape(TAPS, TAPS))


@lru_cache(maxsize=1)
def _fit_tables() -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Which tap lies a lag ahead of and behind each, (lags, taps), and the smoothed power of each lag, (waves, lags)."""
    dy, dx = (v.ravel()[:, None] for v in np.mgrid[0 : MAX_LAG + 1, -MAX_LAG : MAX_LAG + 1])
    y, x = (v.ravel()[None] for v in np.mgrid[0:TAPS, 0:TAPS])

    def tap(y: NDArray[np.intp], x: NDArray[np.intp]) -> NDArray[np.intp]:
        inside = (y >= 0) & (y < TAPS) & (x >= 0) & (x < TAPS)
        return np.where(inside, y * TAPS + x, TAPS * TAPS)

    each = np.eye(len(dy)).reshape(-1, MAX_LAG + 1, 2 * MAX_LAG + 1)
    waves = np.stack([np.fft.fft2(_whole(one * TAPER)).real.ravel() for one in each], axis=1)
    return tap(y + dy, x + dx), tap(y - dy, x - dx), waves


def _whole(lags: Lags) -> NDArray[np.float64]:
    """All lags around (0, 0), (SIDE, SIDE), the centre first."""
    full = np.zeros((SIDE, SIDE))
    rows, columns = np.mgrid[0 : MAX_LAG + 1, -MAX_LAG : MAX_LAG + 1]
    full[-rows, -columns] = lags
    full[rows, columns] = lags
    return full


def _spectrum(lags: Lags) -> NDArray[np.float64]:
    """Logarithm of the power, (SIDE, SIDE), smoothed by a taper: far lags are mostly the scatter of the measurement."""
    return np.asarray(np.log(np.maximum(np.fft.fft2(_whole(lags * TAPER)).real, 0) + FLOOR))


def _zero_phase(lags: Lags) -> NDArray[np.float64]:
    """A first guess: the root of the power spectrum, cut to TAPS."""
    root = np.fft.ifft2(np.sqrt(np.exp(_spectrum(lags)))).real
    near = np.arange(-(TAPS // 2), TAPS // 2 + 1)
    return np.asarray(root[np.ix_(near, near)])
