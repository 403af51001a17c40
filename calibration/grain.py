"""Measure the plate's grain: size over level, spatial correlation, correlation between channels.

Neighbouring frames are matched block by block at whole pixels (interpolating would smooth the very noise that is
measured); what the sub-pixel rest of the motion leaves is fitted with the gradient and taken out. Texture that does not
match only ever adds variance, so the low quantile of the blocks is what is clean; a simulation of clean blocks with the
grain found so far tells which quantile stands for which sigma. Flat areas bound the result from above. All in scene-linear ACEScg.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from calibration.graincorrelation import Lags, autocorrelation, kernel_from_autocorrelation, kernel_lags
from calibration.grainflat import OF_FLAT, bounded, flat_blocks, pure_flats
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import TAPS, Grain, noise

Array = NDArray[np.float32]
Curve = NDArray[np.float64]
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


@dataclass(frozen=True, slots=True)
class _Blocks:
    rest: Array  # (N, B, B, 3), noise of one frame's variance
    level: Array  # (N, 3) mean scene-linear value
    variance: Curve  # (N, 3) unbiased for white noise


def measure_grain(pairs: Iterable[tuple[Array, Array]], block_px: int = 16) -> MeasuredGrain:
    """Profile the grain of pairs of neighbouring frames.

    pairs: (H, W, 3) float32 scene-linear ACEScg each; one pair is enough for a picture of a few thousand blocks. Both
    frames of a pair must come from the same camera setting. Frames that merely repeat are measured in flat areas alone
    (blocks is 0 then). Raises CalibrationError when too few blocks are usable.
    """
    matched, flat = [], []
    for first, second in pairs:
        matched.append(_match(first, second, block_px))
        flat.append(flat_blocks(first, block_px))
    blocks = _joined(matched)
    flat_level, flat_variance = (np.concatenate(v) for v in zip(*flat, strict=True))
    if len(blocks.level) < 3 * MIN_BLOCKS:  # frames that repeat, or a codec that froze them
        return _from_flats(flat_level, flat_variance, block_px)
    kernels, mix = _point(), np.eye(3, dtype=np.float32)
    for _ in range(ROUNDS):  # the first round takes the grain for white, the next know better
        pure, lag_bias = _simulate(kernels, block_px)
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


def _match(first: Array, second: Array, size: int) -> _Blocks:
    """Differences of `first` to `second`, block by block, with their sub-pixel motion taken out."""
    height, width, _ = first.shape
    flow = _flow(first, second)
    y, x = (v.ravel() for v in np.mgrid[0 : height - size + 1 : size, 0 : width - size + 1 : size])
    inside = np.arange(size)
    rows, columns = (y[:, None] + inside)[:, :, None], (x[:, None] + inside)[:, None, :]
    move = np.rint(np.median(flow[rows, columns].reshape(len(y), -1, 2), axis=1)).astype(int)
    there_y, there_x = y + move[:, 1], x + move[:, 0]
    fits = (there_y >= 0) & (there_x >= 0) & (there_y + size <= height) & (there_x + size <= width)
    y, x, there_y, there_x = y[fits], x[fits], there_y[fits], there_x[fits]

    def cut(image: Array, top: NDArray[np.intp], left: NDArray[np.intp]) -> Array:
        return image[(top[:, None] + inside)[:, :, None], (left[:, None] + inside)[:, None, :]]

    a, b = cut(first, y, x), cut(second, there_y, there_x)
    slopes = [
        (cut(s1, y, x) + cut(s2, there_y, there_x)) / 2
        for s1, s2 in zip(_gradient(first), _gradient(second), strict=True)
    ]
    ties = ((a == b).mean(axis=(1, 2)) < 0.4).all(axis=1)  # frozen by a codec, or clipped: no noise to see there
    rest, variance = _without_motion((a - b)[ties], [s[ties] for s in slopes])
    level = ((a + b) / 2)[ties].mean(axis=(1, 2))
    return _Blocks(rest / np.float32(np.sqrt(2)), level, variance / 2)


def _flow(first: Array, second: Array) -> Array:
    """Dense motion (H, W, 2) in pixels, on a logarithm that shows shadows and lights alike."""
    grey = []
    for image in (first, second):
        luma = np.log2(np.maximum(image.mean(axis=2), 0) + 0.02)
        grey.append(cv2.GaussianBlur(luma, (0, 0), 1.0))
    low, high = np.percentile(np.stack(grey), [1, 99])
    eight = [np.clip((g - low) / max(high - low, 1e-3) * 255, 0, 255).astype(np.uint8) for g in grey]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    still = np.zeros((*eight[0].shape, 2), np.float32)
    return np.asarray(search.calc(eight[0], eight[1], still), np.float32)


def _gradient(image: Array) -> tuple[Array, Array]:
    smooth = cv2.GaussianBlur(image, (0, 0), 1.5)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _without_motion(difference: Array, slopes: list[Array]) -> tuple[Array, Curve]:
    """Take constant and the two slopes out of each block and channel; returns the rest and its variance (N, 3)."""
    count, size, _, _ = difference.shape
    samples = size * size
    rest = np.empty_like(difference)
    for c in range(3):
        columns = [np.ones((count, samples), np.float32), *(s[..., c].reshape(count, samples) for s in slopes)]
        for k in (1, 2):  # equal scale, or the flat blocks' tiny slopes make the system singular
            columns[k] = columns[k] / (columns[k].std(axis=1, keepdims=True) + 1e-12)
        design = np.stack(columns, axis=2).astype(np.float64)
        target = difference[..., c].reshape(count, samples, 1).astype(np.float64)
        normal = design.transpose(0, 2, 1) @ design + 1e-6 * samples * np.eye(3)
        solution = np.linalg.solve(normal, design.transpose(0, 2, 1) @ target)
        rest[..., c] = (target - design @ solution).reshape(count, size, size)
    return rest, (rest.astype(np.float64) ** 2).sum(axis=(1, 2)) / (samples - 3)


def _joined(parts: list[_Blocks]) -> _Blocks:
    if not parts:
        raise CalibrationError("grain: no pair of frames to compare. The plate needs two neighbouring frames.")
    return _Blocks(
        np.concatenate([p.rest for p in parts]),
        np.concatenate([p.level for p in parts]),
        np.concatenate([p.variance for p in parts]),
    )


def _simulate(kernels: Array, size: int) -> tuple[NDArray[np.float64], list[Lags]]:
    """Run clean blocks of unit grain through the same fit.

    Returns their variances (N, 3), ascending, and per channel what the fit takes from each lag.
    """
    ends = np.tile(np.array([0, 1], np.float32), (3, 1))
    flat = Grain(ends, np.ones((3, 2), np.float32), kernels, np.eye(3, dtype=np.float32))
    side = size * max(16, 400 // size)
    first, second = (noise(side, side, flat, seed=11, frame=f) for f in (1, 2))
    y, x = (v.ravel() for v in np.mgrid[0:side:size, 0:side:size])
    inside = np.arange(size)
    where = (y[:, None] + inside)[:, :, None], (x[:, None] + inside)[:, None, :]
    slopes = [(s1 + s2)[where] / 2 for s1, s2 in zip(_gradient(first), _gradient(second), strict=True)]
    rest, variance = _without_motion((first - second)[where], slopes)
    unit = rest / np.sqrt((rest**2).mean(axis=(0, 1, 2)))
    return np.sort(variance / 2, axis=0), [kernel_lags(kernels[c]) - autocorrelation(unit[..., c]) for c in range(3)]


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


def _clean(blocks: _Blocks, curves: list[tuple[Curve, Curve]], pure: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Blocks whose variance is what grain alone gives, in every channel; if those are few, the ones nearest to it."""
    clean, distance = np.ones(len(blocks.level), bool), np.zeros(len(blocks.level))
    for c in range(3):
        ratio = blocks.variance[:, c] / np.interp(blocks.level[:, c], *curves[c]) ** 2
        clean &= (ratio >= np.quantile(pure[:, c], 0.002)) & (ratio <= np.quantile(pure[:, c], 0.99))
        distance = np.maximum(distance, np.abs(np.log(np.maximum(ratio, 1e-9))))
    if clean.sum() < MIN_BLOCKS:
        clean = distance <= np.sort(distance)[MIN_BLOCKS]
    return clean


def _standardised(blocks: _Blocks, curves: list[tuple[Curve, Curve]], clean: NDArray[np.bool_]) -> Array:
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
