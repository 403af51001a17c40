"""Measure the plate's grain: the camera's channels, size over level, correlation in space and between channels.

Neighbouring frames are matched block by block at whole pixels (interpolating would smooth the very noise that is
measured); what the sub-pixel rest of the motion leaves is fitted with the gradient and taken out. Texture that does not
match only ever adds variance, so the low end of the blocks is what is clean; a simulation of clean blocks with the
grain found so far tells which quantile stands for which sigma. Flat areas bound the result from above.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.look.grainblocks import Array, Blocks, Curve, join_blocks, match_blocks, simulate_blocks
from calibration.look.graincamera import camera_matrix
from calibration.look.graincorrelation import MAX_LAG, lag_covariances, unit_grain, white_grain
from calibration.look.graincurve import sigma_curve
from calibration.look.grainflat import OF_FLAT, bounded, flat_blocks, pure_flats
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import Grain

ROUNDS = 5
MIN_BLOCKS = 24  # clean ones, for correlation
SMOOTH, MOST_NEEDED = 0.4, 1500  # share of the clean blocks, and a number, that suffice for correlation


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
    unit = white_grain()
    for _ in range(ROUNDS):  # the first round takes the grain for white, the next know better
        pure, lag_bias = simulate_blocks(unit, block_px)
        curves = [
            sigma_curve(blocks.level[:, c].astype(np.float64), blocks.variance[:, c], pure[:, c]) for c in range(3)
        ]
        clean = _clean(blocks, curves, pure)
        lags = lag_covariances(_standardised(blocks, curves, _smooth(blocks, clean))) + lag_bias
        size = np.sqrt(np.diagonal(lags[0, MAX_LAG]))
        correlation = lags[0, MAX_LAG] / np.outer(size, size)
        unit = unit_grain(lags / np.outer(size, size), steps=8)
    typical = np.quantile(pure_flats(unit, block_px), OF_FLAT, axis=0)
    curves = [bounded(curves[c], flat_level[:, c], flat_variance[:, c], typical[c]) for c in range(3)]
    levels, sigmas = (np.stack(v).astype(np.float32) for v in zip(*curves, strict=True))
    grain = replace(unit, levels=levels, sigmas=sigmas, acescg_from_camera=spread.astype(np.float32))
    return MeasuredGrain(grain, int(clean.sum()), float(clean.mean()), correlation)


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


def _smooth(blocks: Blocks, clean: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the clean blocks those with the least picture in them: what is left of texture would pass for fine grain."""
    here = blocks.pixels[clean].var(axis=(1, 2)) / np.maximum(blocks.variance[clean], 1e-14)
    rough = here.max(axis=1)
    chosen = clean.copy()
    chosen[clean] = rough <= np.quantile(rough, max(SMOOTH, min(1.0, MOST_NEEDED / len(rough))))
    return chosen


def _standardised(blocks: Blocks, curves: list[tuple[Curve, Curve]], clean: NDArray[np.bool_]) -> Array:
    unit = blocks.rest[clean].copy()
    for c in range(3):
        unit[..., c] /= np.interp(blocks.level[clean, c], *curves[c]).astype(np.float32)[:, None, None]
    return unit / np.sqrt((unit.astype(np.float64) ** 2).mean(axis=(0, 1, 2))).astype(np.float32)
