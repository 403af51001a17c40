"""Correlation of grain in space and between channels, and the small filters that give white noise the same.

Noise of a plate is taken for three sources, each with a filter of its own. Either they are independent and mixed into
the camera's channels afterwards: luma may be fine and colour blotchy, as debayering, noise reduction and codecs leave
them. Or each channel is one, and what they filter is bound together: the layers of a film. What explains more is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2

from calibration.look.grainfilter import (
    MAX_LAG,
    SIDE,
    Lags,
    filter_of,
    smooth_power,
    spectrum,
    taper,
    white_shares,
)
from pipeline.kernels.grain import Grain
from pipeline.kernels.noiselanes import TAPS, WIDE_TAPS

BETTER = 0.7  # of the simpler model's misfit: what layers of film must leave, or noise decides
CLOSE = 5e-4  # a gain for which a wider filter is not worth its time
_POINT = np.pad(np.ones((1, 1)), TAPS // 2)


def lag_covariances(blocks: NDArray[np.float32]) -> Lags:
    """Mean products of channels of pixels (dy, dx) apart over (N, B, B, 3) blocks, (.., .., 3, 3), symmetric.

    Pixels at a block's edges weigh less: coarse grain that is cut there would scatter over the faint frequencies.
    """
    count, size, _, _ = blocks.shape
    wide = next_fast_len(size + MAX_LAG, real=True)
    weights = edge_weights(size)
    power = np.zeros((3, 3, wide * (wide // 2 + 1)))
    for first in range(0, count, 256):
        planes = np.ascontiguousarray(np.moveaxis(blocks[first : first + 256] * weights[..., None], 3, 0))
        seen = rfft2(planes, s=(wide, wide)).reshape(3, len(planes[0]), -1)
        parts = seen.view(seen.real.dtype)  # the products' imaginary part is what is not point-symmetric
        for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
            power[a, b] += np.einsum("nw,nw->w", parts[a], parts[b]).reshape(-1, 2).sum(axis=1)
    power += np.where(np.tri(3, k=-1)[..., None], power.swapaxes(0, 1), 0)
    products = irfft2(power.reshape(3, 3, wide, -1), s=(wide, wide)) / count
    shared = irfft2(np.abs(rfft2(weights.astype(np.float64), s=(wide, wide))) ** 2, s=(wide, wide))
    near = np.ix_(np.arange(MAX_LAG + 1), np.arange(-MAX_LAG, MAX_LAG + 1))
    return np.asarray(np.moveaxis(products, (0, 1), (2, 3))[near] / shared[near][..., None, None])


def edge_weights(size: int) -> NDArray[np.float32]:
    """(size, size): 1 inside, a quarter of a sine's wave down over a quarter of the side at each edge (Tukey's window)."""
    inward = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
    side = np.sin(np.pi / 2 * np.minimum(4 * inward / size, 1))
    return np.outer(side, side).astype(np.float32)


def lags_of(grain: Grain) -> Lags:
    """Covariances of unit grain at all lags, (.., .., 3, 3), between the camera's channels."""
    kernels, mix = (a.astype(np.float64) for a in (grain.kernels, grain.mix))
    shares = np.sqrt(1 - grain.white_share.astype(np.float64))
    sources = _shared_lags(kernels) * grain.bonds * np.outer(shares, shares)
    sources[0, MAX_LAG] += np.diag(grain.white_share)
    return np.asarray(mix @ sources @ mix.T)


def _shared_lags(kernels: NDArray[np.float64]) -> Lags:
    """What the same white noise has in common after each two of three kernels, (.., .., 3, 3), point-symmetric."""
    seen = np.fft.fft2(kernels, s=(SIDE, SIDE))
    power = (seen[:, None] * seen[None].conj()).real
    lags = np.fft.ifft2(power).real[..., : MAX_LAG + 1, :][..., np.arange(-MAX_LAG, MAX_LAG + 1)]
    return np.asarray(np.moveaxis(lags, (0, 1), (2, 3)))


def unit_grain(lags: Lags, taps: int = TAPS) -> Grain:
    """Grain of sigma 1 at every level with covariances as near to `lags` as the two models come.

    lags: (.., .., 3, 3), of lag_covariances, with a unit diagonal at lag 0. taps: side of the filters, 9 or 11.
    """
    mix, own = separate(lags)
    mixed_after = _unit(*_filters(_powers(own, taps), [None] * 3, taps), mix=mix)
    powers = _powers(np.stack([lags[..., c, c] for c in range(3)], axis=-1), taps)
    kernels, over = _filters(powers, list(white_shares(lags, powers, taps)), taps)
    alike = np.einsum("iyx,jyx->ij", kernels, kernels) * np.sqrt(np.outer(1 - over, 1 - over))
    bound = lags[0, MAX_LAG] / alike  # what must go in for the channels to come out as correlated as they are
    np.fill_diagonal(bound, 1)
    blended_before = _unit(kernels, over, blend=_root(bound))
    return (
        blended_before if _miss(blended_before, lags, taps) < BETTER * _miss(mixed_after, lags, taps) else mixed_after
    )


def needed_taps(halves: tuple[Lags, Lags]) -> int:
    """Side of the filters that grain needs whose covariances were measured twice: the wide one where, fitted to either half,
    it comes nearer to the other. To the half that it was fitted to it always does, by following its scatter."""
    ways = halves, halves[::-1]
    small, wide = (
        sum(_miss(unit_grain(fitted, taps), held, WIDE_TAPS) for fitted, held in ways) for taps in (TAPS, WIDE_TAPS)
    )
    return WIDE_TAPS if wide + CLOSE < small else TAPS


def _miss(unit: Grain, lags: Lags, taps: int) -> float:
    """How far off a model is: its channels' spectra, where faint frequencies count like strong ones, and all lags."""
    made = lags_of(unit)
    spectra = [((spectrum(made[..., c, c], taps) - spectrum(lags[..., c, c], taps)) ** 2).mean() for c in range(3)]
    return float(sum(spectra) + (taper(taps)[..., None, None] * (made - lags) ** 2).sum())


def white_grain() -> Grain:
    """unit_grain of noise without correlation."""
    return _unit(np.tile(_POINT, (3, 1, 1)), np.zeros(3))


def _unit(kernels: NDArray[np.float64], over: NDArray[np.float64], **mixes: NDArray[np.float64]) -> Grain:
    ends = np.tile(np.array([0, 1], np.float32), (3, 1))
    held = {"mix": np.eye(3, dtype=np.float32)} | {k: v.astype(np.float32) for k, v in mixes.items()}
    return Grain(
        ends, np.ones((3, 2), np.float32), kernels.astype(np.float32), white_share=over.astype(np.float32), **held
    )


def _powers(lags: Lags, taps: int) -> NDArray[np.float64]:
    return np.stack([smooth_power(lags[..., k], taps) for k in range(3)])


def _filters(
    powers: NDArray[np.float64], shares: Sequence[float | None], taps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernels (3, taps, taps) and shares of white noise over them (3,) for three of smooth_power."""
    kernels, over = zip(*(filter_of(powers[k], shares[k], taps) for k in range(3)), strict=True)
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
