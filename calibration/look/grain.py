"""Measure the plate's grain: the camera's channels, size over level, correlation in space and between channels.

Neighbouring frames are matched block by block at whole pixels (interpolating would smooth the very noise that is
measured); what the sub-pixel rest of the motion leaves is fitted with the gradient and taken out. Texture that does not
match only ever adds variance, so the low end of the blocks is what is clean; the grain found so far, laid over the same
picture and measured in the same way, tells which quantile stands for which sigma and what measuring took. The clean blocks
tell the camera's channels once more. Flat areas bound the result from above.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.look.coding import Coding
from calibration.look.grainblocks import Array, Blocks, Curve, Simulation, join_blocks, match_blocks
from calibration.look.graincamera import camera_matrix
from calibration.look.graincodec import codec_grain
from calibration.look.graincorrelation import white_grain
from calibration.look.graincurve import sigma_curve
from calibration.look.grainflat import OF_FLAT, bounded, flat_blocks, pure_flats
from calibration.look.grainpatches import LEAST, Scatter, calm, patchiness, scales, scatter
from calibration.look.grainrounds import MIN_BLOCKS, Profiled, profiled, refined, sizes
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import Grain

PATCH_ROUNDS = 2
CODEC_PIXELS = 4.5e6  # of the pairs' first frames, of which a codec's noise is told


@dataclass(frozen=True, slots=True)
class MeasuredGrain:
    """The profile and how it came about: blocks used, share of all that were clean."""

    grain: Grain
    blocks: int
    clean_share: float
    correlation: NDArray[np.float64]  # (3, 3) between the camera's channels


def measure_grain(
    pairs: Iterable[tuple[Array, Array]], block_px: int = 16, coding: Coding | None = None
) -> MeasuredGrain:
    """Profile the grain of pairs of neighbouring frames.

    pairs: (H, W, 3) float32 scene-linear ACEScg each; one pair is enough for a picture of a few thousand blocks. Both
    frames of a pair must come from the same camera setting. coding: of the movie that they come from, if it is known: noise
    that a codec left is told in its codes. Frames that merely repeat are measured in flat areas alone (blocks is 0 then).
    Raises CalibrationError when too few blocks are usable.
    """
    matched, firsts, seconds = [], [], []
    for first, second in pairs:
        matched.append(match_blocks(first, second, block_px))
        firsts.append(first)
        if coding:
            seconds.append(second.astype(np.float16))  # what a plate's frames are
    blocks = join_blocks(matched)
    if len(blocks.level) < 3 * MIN_BLOCKS:  # frames that repeat, or a codec that froze them
        return _from_flats(*_flats(firsts, np.eye(3), block_px), block_px)
    spread = camera_matrix(blocks.level, blocks.covariance)
    seen = blocks.in_camera(spread).below_white()
    found, patches = profiled(seen, spread), np.zeros(2, np.float32)
    scattered, quiet = _scatter(seen, found, spread)
    if scattered.spread >= LEAST:
        patchy = found
        for _ in range(PATCH_ROUNDS):
            patchy = profiled(seen.only(quiet), spread, scattered.spread)
            scattered, quiet = _scatter(seen, patchy, spread)
        patches = patchiness(scattered, block_px)
        if patches[0]:
            found = _scaled(seen.only(quiet), patchy, spread)
    if not patches[0]:
        if (spread != np.eye(3)).any():
            better = camera_matrix(*found.clean_acescg(seen, spread), quiet=1)
            spread = better if (better != np.eye(3)).any() else spread
            seen = blocks.in_camera(spread).below_white()
        found = refined(seen, spread, found)
    unit, curves = found.unit, found.curves
    if not patches[0]:
        flat_level, flat_variance = _flats(firsts, np.asarray(np.linalg.inv(spread), np.float64), block_px)
        typical = np.quantile(pure_flats(unit, block_px), OF_FLAT, axis=0)
        curves = [bounded(curves[c], flat_level[:, c], flat_variance[:, c], typical[c]) for c in range(3)]
    levels, sigmas = (np.stack(v).astype(np.float32) for v in zip(*curves, strict=True))
    grain = replace(
        unit,
        levels=levels,
        sigmas=sigmas,
        acescg_from_camera=spread.astype(np.float32),
        patchiness=patches,
    )
    if patches[0] and coding:
        count = max(int(CODEC_PIXELS / firsts[0][..., 0].size), 1)
        some = np.unique(np.linspace(0, len(firsts) - 1, min(count, len(firsts))).round().astype(int))
        chosen = [(firsts[k], seconds[k].astype(np.float32)) for k in some]
        grain = codec_grain(chosen, [matched[k] for k in some], coding, grain)
    blocks_used = int(found.clean.sum())
    return MeasuredGrain(grain, blocks_used, blocks_used / len(seen.level), found.correlation)


def _scatter(blocks: Blocks, found: Profiled, spread: Curve) -> tuple[Scatter, NDArray[np.intp]]:
    """How blocks without picture scatter beside what was found, and which they are."""
    quiet = calm(blocks, sizes(blocks.level, found.curves))
    chosen = blocks.only(quiet)
    sigma = sizes(chosen.smooth, found.curves)
    _, rest = Simulation(chosen, sigma, spread).run(found.unit)
    return scatter(chosen.rest / sigma, rest), quiet


def _scaled(quiet: Blocks, found: Profiled, spread: Curve) -> Profiled:
    """Sizes under which the quiet blocks' mean square is that of simulated ones: a codec's grain is no normal noise, whose
    smaller values would tell the size."""
    sigma = sizes(quiet.smooth, found.curves)
    _, rest = Simulation(quiet, sigma, spread).run(found.unit)
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
