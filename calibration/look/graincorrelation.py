"""Correlation of grain in space and between channels, and the small filters that give white noise the same.

Noise of a plate is taken for three sources, each with a filter of its own. Either they are independent and mixed into
the camera's channels afterwards: luma may be fine and colour blotchy, as debayering, noise reduction and codecs leave
them. Or each channel is one, and what they filter is bound together: the layers of a film. What explains more is taken.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from pipeline.kernels.grain import Grain
from pipeline.kernels.grainrows import TAPS

MAX_LAG = TAPS - 1  # beyond it a TAPS x TAPS filter correlates nothing
SIDE = 2 * TAPS  # of transforms that hold all lags without wrapping round
FLOOR = 3e-3  # of a spectrum's mean: what lies under it is not fitted
TAPER = np.cos(np.pi / 2 * np.minimum(np.hypot(*np.mgrid[0:TAPS, 1 - TAPS : TAPS]) / TAPS, 1)) ** 2
FIRST_SHARE = 0.25  # of the faintest frequency's power, that is white noise over the filtered one, to begin with
BETTER = 0.7  # of the other model's misfit: what the layers of a film must leave at most, or noise decides
_POINT = np.pad(np.ones((1, 1)), TAPS // 2)
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


def lags_of(grain: Grain) -> Lags:
    """Covariances of unit grain at all lags, (.., .., 3, 3), between the camera's channels."""
    kernels, blend, mix = (a.astype(np.float64) for a in (grain.kernels, grain.blend, grain.mix))
    shares = np.sqrt(1 - grain.white_share.astype(np.float64))
    sources = _shared_lags(kernels) * (blend @ blend.T) * np.outer(shares, shares)
    sources[0, MAX_LAG] += np.diag(grain.white_share)
    return np.asarray(mix @ sources @ mix.T)


def _shared_lags(kernels: NDArray[np.float64]) -> Lags:
    """What the same white noise has in common after each two of three kernels, (.., .., 3, 3), point-symmetric."""
    seen = np.fft.fft2(kernels, s=(SIDE, SIDE))
    power = (seen[:, None] * seen[None].conj()).real
    lags = np.fft.ifft2(power).real[..., : MAX_LAG + 1, :][..., np.arange(-MAX_LAG, MAX_LAG + 1)]
    return np.asarray(np.moveaxis(lags, (0, 1), (2, 3)))


def unit_grain(lags: Lags, steps: int = 40) -> Grain:
    """Grain of sigma 1 at every level with covariances as near to `lags` as the two models come.

    lags: (.., .., 3, 3), of lag_covariances, with a unit diagonal at lag 0.
    """
    mix, own = separate(lags)
    mixed_after = _unit(*_filters(own, steps), mix=mix)
    channels = np.stack([lags[..., c, c] for c in range(3)], axis=-1)
    kernels, over = _filters(channels, steps)
    alike = np.einsum("iyx,jyx->ij", kernels, kernels) * np.sqrt(np.outer(1 - over, 1 - over))
    bound = lags[0, MAX_LAG] / alike  # what must go in for the channels to come out as correlated as they are
    np.fill_diagonal(bound, 1)
    blended_before = _unit(kernels, over, blend=_root(bound))
    return blended_before if _miss(blended_before, lags) < BETTER * _miss(mixed_after, lags) else mixed_after


def _miss(unit: Grain, lags: Lags) -> float:
    """How far off a model is: its channels' spectra, where faint frequencies count like strong ones, and all lags."""
    made = lags_of(unit)
    spectra = [((_spectrum(made[..., c, c]) - _spectrum(lags[..., c, c])) ** 2).mean() for c in range(3)]
    return float(sum(spectra) + (TAPER[..., None, None] * (made - lags) ** 2).sum())


def white_grain() -> Grain:
    """unit_grain of noise without correlation."""
    return _unit(np.tile(_POINT, (3, 1, 1)), np.zeros(3))


def _unit(kernels: NDArray[np.float64], over: NDArray[np.float64], **mixes: NDArray[np.float64]) -> Grain:
    ends = np.tile(np.array([0, 1], np.float32), (3, 1))
    held = {"mix": np.eye(3, dtype=np.float32)} | {k: v.astype(np.float32) for k, v in mixes.items()}
    return Grain(
        ends, np.ones((3, 2), np.float32), kernels.astype(np.float32), white_share=over.astype(np.float32), **held
    )


def _filters(lags: Lags, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernels (3, TAPS, TAPS) and shares of white noise over them (3,) for the autocorrelations (.., .., 3)."""
    kernels, over = zip(*(filter_from_autocorrelation(lags[..., k], steps) for k in range(3)), strict=True)
    return np.stack(kernels), np.array(over)


def _root(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (3, 3) with rows of unit length whose square is nearest to a measured correlation."""
    values, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
    root = (vectors * np.sqrt(np.maximum(values, 1e-3))) @ vectors.T
    return np.asarray(root / np.sqrt((root**2).sum(axis=1, keepdims=True)))


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


def filter_from_autocorrelation(lags: Lags, steps: int = 40) -> tuple[NDArray[np.float64], float]:
    """Point-symmetric (TAPS, TAPS) kernel of unit energy, and the share of white noise over what it filters, whose
    spectrum comes closest to that of `lags`, in decibels."""
    half = (TAPS * TAPS + 1) // 2
    wanted = _spectrum(lags).ravel()
    ahead, behind, waves = _fit_tables()
    point = kernel_lags(_POINT)

    def unfolded(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([values, values[:-1][::-1]])

    def made(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], Lags, float]:
        """The unit kernel, its autocorrelation, the share of white noise."""
        full = unfolded(values[:half])
        unit = full / np.linalg.norm(full)
        return unit, kernel_lags(unit.reshape(TAPS, TAPS)), float(values[half] ** 2 / (1 + values[half] ** 2))

    def miss(values: NDArray[np.float64]) -> NDArray[np.float64]:
        _, own, share = made(values)
        mixed = own + share * (point - own)
        return np.concatenate([(_spectrum(mixed).ravel() - wanted) / SIDE, (mixed - lags).ravel()])

    def slope(values: NDArray[np.float64]) -> NDArray[np.float64]:
        unit, own, share = made(values)
        energy = np.linalg.norm(unfolded(values[:half]))
        padded = np.append(unit, 0.0)  # the last stands for all that lies outside
        rises = padded[ahead] + padded[behind]  # of each lag by each tap
        rises = (rises - np.outer(rises @ unit, unit)) / energy
        rises = np.concatenate([rises[:, : half - 1] + rises[:, : half - 1 : -1], rises[:, half - 1 : half]], axis=1)
        whiter = (point - own).ravel() * (2 * values[half] / (1 + values[half] ** 2) ** 2)
        rises = np.concatenate([(1 - share) * rises, whiter[:, None]], axis=1)
        power = np.exp(_spectrum(own + share * (point - own))).ravel()
        return np.concatenate([waves @ rises / power[:, None] / SIDE, rises])

    share = FIRST_SHARE * max(float(np.exp(wanted.min())) - FLOOR, FLOOR / 10)
    start = np.append(_zero_phase((lags - share * point) / (1 - share)).ravel()[:half], np.sqrt(share / (1 - share)))
    found = least_squares(miss, start, jac=slope, max_nfev=steps).x
    unit, _, share = made(found)
    return np.asarray(unit.reshape(TAPS, TAPS)), share


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
