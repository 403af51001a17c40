"""Measure the plate's grain: the camera's channels, size over level, correlation in space and between channels.

Neighbouring frames are matched block by block at whole pixels (interpolating would smooth the very noise that is
measured); what the sub-pixel rest of the motion leaves is fitted with the gradient and taken out. Texture that does not
match only ever adds variance, so the low end of the blocks is what is clean; the grain found so far, laid over the same
picture and measured in the same way, tells which quantile stands for which sigma and what measuring took. Flat areas bound
the result from above.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.look.grainblocks import Array, Blocks, Curve, join_blocks, match_blocks, simulate_blocks
from calibration.look.graincamera import camera_matrix
from calibration.look.graincorrelation import MAX_LAG, Lags, lag_covariances, unit_grain, white_grain
from calibration.look.graincurve import sigma_curve
from calibration.look.grainflat import OF_FLAT, bounded, flat_blocks, pure_flats
from calibration.look.grainpatches import LEAST, Scatter, calm, gains, patchiness, scales, scatter
from calibration.look.graintexture import texture_law
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import Grain

ROUNDS, PATCH_ROUNDS = 6, 2
MIN_BLOCKS = 24  # clean ones, for correlation
SMOOTH, MOST_NEEDED = 0.4, 1500  # share of the clean blocks, and a number, that suffice for correlation
CLEAN = 0.002, 0.99  # quantiles of what clean blocks' variance is, between which a block is taken for clean
SIMULATED = 2000  # blocks, at most
Curves = list[tuple[Curve, Curve]]


@dataclass(frozen=True, slots=True)
class MeasuredGrain:
    """The profile and how it came about: blocks used, share of all that were clean."""

    grain: Grain
    blocks: int
    clean_share: float
    correlation: NDArray[np.float64]  # (3, 3) between the camera's channels


def measure_grain(pairs: Iterable[tuple[Array, Array]], block_px: int = 16) -> MeasuredGrain:
    """Profile the grain of pairs of neighbouring frames.

    pairs: (H, W, 3) float32 scene-linear ACEScg each; one pair is enough for a picture of a few thousand blocks. Both
    frames of a pair must come from the same camera setting. Frames that merely repeat are measured in flat areas alone
    (blocks is 0 then). Raises CalibrationError when too few blocks are usable.
    """
    matched, firsts = [], []
    for first, second in pairs:
        matched.append(match_blocks(first, second, block_px))
        firsts.append(first)
    blocks = join_blocks(matched)
    if len(blocks.level) < 3 * MIN_BLOCKS:  # frames that repeat, or a codec that froze them
        return _from_flats(*_flats(firsts, np.eye(3), block_px), block_px)
    spread = camera_matrix(blocks.level, blocks.covariance)
    back = np.asarray(np.linalg.inv(spread), np.float64)
    blocks = blocks.through(back).below_white()
    flat_level, flat_variance = _flats(firsts, back, block_px)
    found, patches = _profiled(blocks, spread), np.zeros(2, np.float32)
    texture = np.zeros((2, 0), np.float32)
    scattered, quiet = _scatter(blocks, found, spread)
    if scattered.spread >= LEAST:
        patchy = found
        for _ in range(PATCH_ROUNDS):
            patchy = _profiled(blocks.only(quiet), spread, scattered.spread)
            scattered, quiet = _scatter(blocks, patchy, spread)
        patches = patchiness(scattered, block_px)
        if patches[0]:
            found = _scaled(blocks.only(quiet), patchy, spread)
            texture = texture_law(blocks, _sizes(blocks.smooth, found.curves), spread, quiet)
    unit, curves = found.unit, found.curves
    if not patches[0]:
        typical = np.quantile(pure_flats(unit, block_px), OF_FLAT, axis=0)
        curves = [bounded(curves[c], flat_level[:, c], flat_variance[:, c], typical[c]) for c in range(3)]
    levels, sigmas = (np.stack(v).astype(np.float32) for v in zip(*curves, strict=True))
    grain = replace(
        unit,
        levels=levels,
        sigmas=sigmas,
        acescg_from_camera=spread.astype(np.float32),
        patchiness=patches,
        texture=texture,
    )
    return MeasuredGrain(grain, found.blocks, found.blocks / len(blocks.level), found.correlation)


@dataclass(frozen=True, slots=True)
class _Profiled:
    """Unit grain, its size over level, its correlation between channels, how many blocks were clean."""

    unit: Grain
    curves: Curves
    correlation: NDArray[np.float64]
    blocks: int


def _profiled(blocks: Blocks, spread: Curve, patchy: float = 0.0) -> _Profiled:
    """spread: (3, 3) ACEScg from camera. patchy: how the logarithms of clean blocks' sizes scatter beyond even grain's."""
    curves: Curves = []
    unit, clean = white_grain(), np.ones(len(blocks.level), bool)
    for _ in range(ROUNDS):  # the first round takes the grain for white, the next know better
        pure = _pure(blocks.only(_some(clean)), unit, curves, spread, patchy)
        curves = [
            sigma_curve(blocks.level[:, c].astype(np.float64), blocks.variance[:, c], pure[:, c]) for c in range(3)
        ]
        clean = _clean(blocks, curves, pure)
        lags = _correlation(blocks.only(_smooth(blocks, curves, clean)), unit, curves, spread)
        size = np.sqrt(np.diagonal(lags[0, MAX_LAG]))
        correlation = lags[0, MAX_LAG] / np.outer(size, size)
        unit = unit_grain(lags / np.outer(size, size))
    return _Profiled(unit, curves, correlation, int(clean.sum()))


def _scatter(blocks: Blocks, found: _Profiled, spread: Curve) -> tuple[Scatter, NDArray[np.intp]]:
    """How blocks without picture scatter beside what was found, and which they are."""
    quiet = calm(blocks, _sizes(blocks.level, found.curves))
    chosen = blocks.only(quiet)
    sigma = _sizes(chosen.smooth, found.curves)
    _, _, rest = simulate_blocks(chosen, found.unit, sigma, spread)
    return scatter(chosen.rest / sigma, rest), quiet


def _scaled(quiet: Blocks, found: _Profiled, spread: Curve) -> _Profiled:
    """Sizes under which the quiet blocks' mean square is that of simulated ones: a codec's grain is no normal noise, whose
    smaller values would tell the size."""
    sigma = _sizes(quiet.smooth, found.curves)
    _, _, rest = simulate_blocks(quiet, found.unit, sigma, spread)
    factors = scales(quiet.rest / sigma, rest)
    curves = [(level, size * factor) for (level, size), factor in zip(found.curves, factors, strict=True)]
    return replace(found, curves=curves)


def _flats(pictures: list[Array], matrix: Curve, block_px: int) -> tuple[Array, Curve]:
    found = [flat_blocks(p @ matrix.T.astype(np.float32), block_px) for p in pictures]
    level, variance = (np.concatenate(v) for v in zip(*found, strict=True))
    return level, variance


def _from_flats(level: Array, variance: Curve, block_px: int) -> MeasuredGrain:
    """Size alone, from flat areas; the grain is taken for white and grey plates' channels for independent."""
    if len(level) < 3 * MIN_BLOCKS:
        raise CalibrationError(
            f"grain: {len(level)} usable blocks, need {3 * MIN_BLOCKS}. The plate is too small or clipped: "
            "choose other frames with --set measure_look.frames=N, or smaller blocks with measure_look.block_px=8."
        )
    unit = white_grain()
    pure = pure_flats(unit, block_px)
    curves = [sigma_curve(level[:, c].astype(np.float64), variance[:, c], pure[:, c]) for c in range(3)]
    levels, sigmas = (np.stack(v).astype(np.float32) for v in zip(*curves, strict=True))
    return MeasuredGrain(replace(unit, levels=levels, sigmas=sigmas), 0, 0.0, np.eye(3))


def _clean(blocks: Blocks, curves: Curves, pure: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Blocks whose variance is what grain alone gives, in every channel; if those are few, the ones nearest to it."""
    clean, distance = np.ones(len(blocks.level), bool), np.zeros(len(blocks.level))
    for c in range(3):
        ratio = blocks.variance[:, c] / np.interp(blocks.level[:, c], *curves[c]) ** 2
        low, high = np.quantile(pure[:, c], CLEAN)
        clean &= (ratio >= low) & (ratio <= high)
        distance = np.maximum(distance, np.abs(np.log(np.maximum(ratio, 1e-9))))
    if clean.sum() < MIN_BLOCKS:
        clean = distance <= np.sort(distance)[MIN_BLOCKS]
    return clean


def _smooth(blocks: Blocks, curves: Curves, clean: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the clean blocks those with the least picture in them: what is left of texture would pass for fine grain.

    What the mean of two frames shows, which is independent of how they differ: else noise would choose its own blocks.
    """
    here = blocks.smooth[clean].var(axis=(1, 2)) / _sizes(blocks.level[clean], curves) ** 2
    rough = here.max(axis=1)
    chosen = clean.copy()
    chosen[clean] = rough <= np.quantile(rough, max(SMOOTH, min(1.0, MOST_NEEDED / len(rough))))
    return chosen


def _some(chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Indices of at most SIMULATED of the chosen, evenly."""
    every = np.flatnonzero(chosen)
    return every[:: -(-len(every) // SIMULATED)]


def _pure(blocks: Blocks, unit: Grain, curves: Curves, spread: Curve, patchy: float) -> Curve:
    """Ascending variances (N, 3) that these blocks would have, were they clean, in units of their mean level's."""
    sigma = _sizes(blocks.smooth, curves)
    _, variance, _ = simulate_blocks(blocks, unit, sigma, spread)
    ratio = _ratio(blocks, variance, curves)
    return np.sort(ratio * gains(patchy, len(ratio))[:, None] if patchy else ratio, axis=0)


def _ratio(blocks: Blocks, variance: Curve, curves: Curves) -> Curve:
    """Variances (N, 3) in units of what the curves say of each block's mean level."""
    return np.asarray(variance / _sizes(blocks.level, curves).astype(np.float64) ** 2)


def _sizes(level: Array, curves: Curves) -> Array:
    """Sigma of each camera channel at `level` (..., 3), 1 where no curve is known yet."""
    if not curves:
        return np.ones_like(level)
    return np.stack([np.interp(level[..., c], *curves[c]).astype(np.float32) for c in range(3)], axis=-1)


def _correlation(blocks: Blocks, unit: Grain, curves: Curves, spread: Curve) -> Lags:
    """Covariance of unit noise at each lag, with what fit and choice of blocks take put back as they take it from `unit`.

    Each pixel is standardised by its own level: noise that swells and fades within a block would pass for finer noise.
    """
    sigma = _sizes(blocks.smooth, curves)
    some = _some(np.ones(len(sigma), bool))
    made, variance, rest = simulate_blocks(blocks.only(some), unit, sigma[some], spread)
    ratio = _ratio(blocks.only(some), variance, curves)
    low, high = np.quantile(ratio, CLEAN, axis=0)
    before, after = lag_covariances(made), lag_covariances(rest[((ratio >= low) & (ratio <= high)).all(axis=1)])
    left = lag_covariances(blocks.rest / sigma)
    scale = np.sqrt(np.diagonal(after[0, MAX_LAG]) / np.diagonal(left[0, MAX_LAG]))
    return left * np.outer(scale, scale) + (before - after)
