"""Measure the plate's grain: size over level, spatial correlation, correlation between channels.

Neighbouring frames are matched block by block at whole pixels (interpolating would smooth the very noise that is
measured); what the sub-pixel rest of the motion leaves is fitted with the gradient and taken out. Texture that does not
match only ever adds variance, so the low quantile of the blocks is what is clean; a simulation of clean blocks with the
grain found so far tells which quantile stands for which sigma. Flat areas bound the result from above. All in scene-linear
ACEScg.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from calibration.look.grainblocks import Array, Blocks, Curve, join_blocks, match_blocks, simulate_blocks
from calibration.look.graincorrelation import Lags, autocorrelation, kernel_from_autocorrelation, kernel_lags
from calibration.look.grainflat import OF_FLAT, bounded, flat_blocks, pure_flats
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import TAPS, Grain

BINS, KNOTS, ROUNDS = 10, 16, 3
LOW_QUANTILE = 0.15  # of all blocks of a bin ...
GUESSED_QUANTILE = 0.25  # ... is about this one of the clean blocks, before _scale finds the true share
SCALES = np.geomspace(0.8, 1.3, 81)
MOST_ABOVE = 0.2  # log of variance: a bin that lies farther above the smooth curve holds texture, not grain
LEAST_CLEAN = 0.25  # share of blocks; with fewer the shape of the lower half says nothing
MIN_BLOCKS = 24  # per bin


@dataclass(frozen=True, slots=True)
class MeasuredGrain:
    """The profile and how it came about: blocks used, share of all that were clean."""

    grain: Grain
    blocks: int
    clean_share: float
    correlation: NDArray[np.float64]  # (3, 3) between channels


def measure_grain(pairs: Iterable[tuple[Array, Array]], block_px: int = 16) -> MeasuredGrain:
    """Profile the grain of pairs of neighbouring frames.

    pairs: (H, W, 3) float32 scene-linear ACEScg each; one pair is enough for a picture of a few thousand blocks. Both
    frames of a pair must come from the same camera setting. Frames that merely repeat are measured in flat areas alone
    (blocks is 0 then). Raises CalibrationError when too few blocks are usable.
    """
    matched, flat = [], []
    for first, second in pairs:
        matched.append(match_blocks(first, second, block_px))
        flat.append(flat_blocks(first, block_px))
    blocks = join_blocks(matched)
    flat_level, flat_variance = (np.concatenate(v) for v in zip(*flat, strict=True))
    if len(blocks.level) < 3 * MIN_BLOCKS:  # frames that repeat, or a codec that froze them
        return _from_flats(flat_level, flat_variance, block_px)
    kernels, mix = _point(), np.eye(3, dtype=np.float32)
    for _ in range(ROUNDS):  # the first round takes the grain for white, the next know better
        pure, lag_bias = simulate_blocks(kernels, block_px)
        curves = [_sigma_curve(blocks.level[:, c], blocks.variance[:, c], pure[:, c]) for c in range(3)]
        clean = _clean(blocks, curves, pure)
        unit = _standardised(blocks, curves, clean)
        correlation = _correlation(unit)
        mix = np.linalg.cholesky(correlation).astype(np.float32)
        kernels = _kernels([autocorrelation(unit[..., c]) + lag_bias[c] for c in range(3)], mix)
    typical = np.quantile(pure_flats(kernels, block_px), OF_FLAT, axis=0)
    curves = [bounded(curves[c], flat_level[:, c], flat_variance[:, c], typical[c]) for c in range(3)]
    levels, sigmas = (np.stack(v).astype(np.float32) for v in zip(*curves, strict=True))
    return MeasuredGrain(Grain(levels, sigmas, kernels, mix), int(clean.sum()), float(clean.mean()), correlation)


def _from_flats(level: Array, variance: Curve, block_px: int) -> MeasuredGrain:
    """Size alone, from flat areas; the grain is taken for white and grey plates' channels for independent."""
    if len(level) < 3 * MIN_BLOCKS:
        raise CalibrationError(
            f"grain: {len(level)} usable blocks, need {3 * MIN_BLOCKS}. The plate is too small or clipped: "
            "choose other frames with --set measure_look.frames=N, or smaller blocks with measure_look.block_px=8."
        )
    kernels = _point()
    pure = pure_flats(kernels, block_px)
    curves = [_sigma_curve(level[:, c], variance[:, c], pure[:, c]) for c in range(3)]
    levels, sigmas = (np.stack(v).astype(np.float32) for v in zip(*curves, strict=True))
    return MeasuredGrain(Grain(levels, sigmas, kernels, np.eye(3, dtype=np.float32)), 0, 0.0, np.eye(3))


def _point() -> Array:
    """Kernels of white grain, (3, TAPS, TAPS)."""
    kernels = np.zeros((3, TAPS, TAPS), np.float32)
    kernels[:, TAPS // 2, TAPS // 2] = 1
    return kernels


def _sigma_curve(level: Array, variance: Curve, pure: NDArray[np.float64]) -> tuple[Curve, Curve]:
    """Knots (level, sigma), each (KNOTS,): a low quantile per bin, smoothed by variance = a + b level + c level^2.

    The three terms are read noise, photon noise and what grows with the signal; bins with many blocks keep their own.
    """
    edges = np.quantile(level, np.linspace(0, 1, BINS + 1))
    levels = [level[(level >= low) & (level <= high)] for low, high in pairwise(edges)]
    values = [variance[(level >= low) & (level <= high)] for low, high in pairwise(edges)]
    counts = np.array([len(v) for v in values])
    at = np.array([np.median(v) for v in levels], dtype=np.float64)
    low = np.array([np.quantile(v, LOW_QUANTILE) for v in values])
    seen = np.maximum(low, 1e-14) / np.quantile(pure, GUESSED_QUANTILE)
    at, first = np.unique(at, return_index=True)
    seen, counts = seen[first], counts[first]
    scale = _terms(at).max(axis=0) + 1e-12
    weight = 1 / seen
    for _ in range(4):  # a bin of texture, or of a codec's smoothness, must not bend the whole curve
        fit, _ = nnls(_terms(at) / scale * weight[:, None], seen * weight)
        off = np.log(np.maximum(_terms(at) / scale @ fit, 1e-14) / seen)
        weight = 1 / (seen * np.sqrt(1 + (off / 0.2) ** 2))

    def smooth(x: Curve) -> Curve:
        return np.maximum(_terms(x) / scale @ fit, 1e-14)

    own = np.minimum(np.log(seen / smooth(at)) * counts / (counts + 50.0), MOST_ABOVE)
    knots = np.r_[0.0, np.geomspace(max(at[0], 1e-4) / 4, max(2 * at[-1], 1.0), KNOTS - 1)]
    curve = smooth(knots) * np.exp(np.interp(knots, at, own))
    curve *= _scale(variance / np.interp(level, knots, curve), pure)
    return knots, np.sqrt(curve)


def _terms(level: Curve) -> NDArray[np.float64]:
    level = np.maximum(level, 0)
    return np.stack([np.ones_like(level), level, level**2], axis=1)


def _scale(ratio: NDArray[np.float64], pure: NDArray[np.float64]) -> float:
    """By how much the curve missed because another share of blocks is clean than was guessed.

    Texture only adds variance, so the lower half of the clean blocks is seen undisturbed: the share and the scale that
    lay the simulated blocks' lower half over the measured ones.
    """
    parts = np.linspace(0.02, 0.5, 25)
    ascending, marks = np.sort(ratio), np.quantile(pure, parts)
    misses = []
    for scale in SCALES:
        below = np.searchsorted(ascending, marks * scale) / len(ascending)
        share = float(below @ parts / (parts @ parts))
        shape = float(((below - min(1.0, share) * parts) ** 2).sum()) / max(share, 0.05) ** 2
        misses.append(shape if share > LEAST_CLEAN else np.inf)
    return float(SCALES[int(np.argmin(misses))]) if np.isfinite(misses).any() else 1.0


def _clean(blocks: Blocks, curves: list[tuple[Curve, Curve]], pure: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Blocks whose variance is what grain alone gives, in every channel; if those are few, the ones nearest to it."""
    clean, distance = np.ones(len(blocks.level), bool), np.zeros(len(blocks.level))
    for c in range(3):
        ratio = blocks.variance[:, c] / np.interp(blocks.level[:, c], *curves[c]) ** 2
        clean &= (ratio >= np.quantile(pure[:, c], 0.002)) & (ratio <= np.quantile(pure[:, c], 0.99))
        distance = np.maximum(distance, np.abs(np.log(np.maximum(ratio, 1e-9))))
    if clean.sum() < MIN_BLOCKS:
        clean = distance <= np.sort(distance)[MIN_BLOCKS]
    return clean


def _standardised(blocks: Blocks, curves: list[tuple[Curve, Curve]], clean: NDArray[np.bool_]) -> Array:
    unit = blocks.rest[clean].copy()
    for c in range(3):
        unit[..., c] /= np.interp(blocks.level[clean, c], *curves[c]).astype(np.float32)[:, None, None]
    return unit / np.sqrt((unit.astype(np.float64) ** 2).mean(axis=(0, 1, 2))).astype(np.float32)


def _correlation(unit: Array) -> NDArray[np.float64]:
    flat = unit.reshape(-1, 3).astype(np.float64)
    found = np.corrcoef(flat.T)
    return 0.998 * found + 0.002 * np.eye(3)  # grey plates: keep the matrix invertible


def _kernels(lags: list[Lags], mix: Array) -> Array:
    """Spatial kernels before the channel mix: what a later channel takes from an earlier one is already correlated."""
    kernels: list[NDArray[np.float64]] = []
    for c in range(3):
        own = lags[c] - sum((float(mix[c, k]) ** 2 * kernel_lags(kernels[k]) for k in range(c)), np.zeros_like(lags[c]))
        share = float(mix[c, c]) ** 2
        kernels.append(kernel_from_autocorrelation(own / share if share > 0.1 else lags[c]))
    return np.stack(kernels).astype(np.float32)
