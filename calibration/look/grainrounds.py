"""Size, spectrum and binding of the grain in blocks, nearer to the truth round by round: each measures as the last one's grain would.

What the fit and the choice of blocks take is put back as they take it from the grain found so far, laid over the same picture.
The next grain to try is Anderson's: where the last step was too short, and by as much, the next is longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.look.grainblocks import Array, Blocks, Curve, Simulation
from calibration.look.graincorrelation import (
    MAX_LAG,
    Lags,
    lag_covariances,
    lags_of,
    needed_taps,
    unit_grain,
    white_grain,
)
from calibration.look.graincurve import sigma_curve
from calibration.look.grainfilter import taper
from calibration.look.grainpatches import gains
from pipeline.kernels.grain import Grain
from pipeline.kernels.noiselanes import TAPS

FIRST, LAST = (1, 1, 1, 4), (4, 8)  # rounds, and how often each lays noise over its blocks
PATCHY = (1, 1, 1, 1, 1, 1)
STEPS = -2.0, 0.5  # of Anderson's step, least and most: how much of the last grain counts
MIN_BLOCKS = 24  # clean ones, for correlation
SMOOTH, MOST_NEEDED = 0.4, 1500  # share of the clean blocks, and a number, that suffice for correlation
CLEAN = 0.002, 0.99  # quantiles of what clean blocks' variance is, between which a block is taken for clean
SIMULATED = 2000, 4000  # blocks, at most: for sizes, and for correlation
Curves = list[tuple[Curve, Curve]]


@dataclass(frozen=True, slots=True)
class Profiled:
    """Unit grain, its size over level, its covariances as measured, in all and in each half of the blocks, which blocks were
    clean, and by which factors (3,) the curves were made larger than the low end of all blocks says."""

    unit: Grain
    curves: Curves
    lags: Lags
    halves: tuple[Lags, Lags]
    clean: NDArray[np.bool_]
    larger: Curve

    @property
    def correlation(self) -> Curve:
        return np.asarray(self.lags[0, MAX_LAG])

    def clean_acescg(self, blocks: Blocks, spread: Curve) -> tuple[Array, Curve]:
        """Level (N, 3) and covariance (N, 3, 3) in ACEScg of the clean ones of the `blocks` that this was found in."""
        level = blocks.level[self.clean] @ spread.T.astype(np.float32)
        return level, spread @ blocks.covariance[self.clean] @ spread.T


def profiled(blocks: Blocks, spread: Curve, patchy: float = 0.0) -> Profiled:
    """What blocks in the camera's channels say, from white grain on.

    spread: (3, 3) ACEScg from camera. patchy: how the logarithms of clean blocks' sizes scatter beyond even grain's.
    """
    white = lags_of(white_grain())
    start = Profiled(white_grain(), [], white, (white, white), np.ones(len(blocks.level), bool), np.ones(3))
    return _rounds(blocks, spread, start, PATCHY if patchy else FIRST, TAPS, patchy)


def refined(blocks: Blocks, spread: Curve, found: Profiled) -> Profiled:
    """What was found, measured on: with more noise laid over the blocks, and with the filters that it needs.

    blocks, spread: those that it was found in, or in channels near them.
    """
    start = replace(found, clean=np.ones(len(blocks.level), bool))
    return _rounds(blocks, spread, start, LAST, needed_taps(found.halves), 0.0)


def _rounds(
    blocks: Blocks, spread: Curve, found: Profiled, rounds: tuple[int, ...], taps: int, patchy: float
) -> Profiled:
    unit, curves, clean, larger, halves = found.unit, found.curves, found.clean, found.larger, found.halves
    from_white, before, uneven = not curves, None, blocks.unevenness()
    for k, times in enumerate(rounds):
        pure = _pure(blocks.only(_some(clean, SIMULATED[0])), unit, curves, spread, patchy)
        curves = [
            _larger(sigma_curve(blocks.level[:, c].astype(np.float64), blocks.variance[:, c], pure[:, c]), larger[c])
            for c in range(3)
        ]
        clean = _clean(blocks, curves, pure)
        chosen = blocks.only(_smooth(uneven / sizes(blocks.level, curves) ** 2, clean))
        off, size, apart = _off(chosen, unit, curves, spread, times)
        measured = lags_of(unit) + off
        halves = _standard(lags_of(unit) + apart[0]), _standard(lags_of(unit) + apart[1])
        lags = measured
        if before is not None and k < len(rounds) - 1:
            lags = _accelerated(measured, off, before, taps)
        before = None if from_white and k == 0 else (measured, off)
        if not patchy and (k or not from_white):
            larger = larger * size
            curves = [_larger(curves[c], size[c]) for c in range(3)]
        lags = _standard(lags)
        unit = unit_grain(lags, taps)
    return Profiled(unit, curves, lags, halves, clean, larger)


def _standard(lags: Lags) -> Lags:
    """The covariances when each channel's variance is 1."""
    scale = np.sqrt(np.diagonal(lags[0, MAX_LAG]))
    return np.asarray(lags / np.outer(scale, scale))


def _larger(curve: tuple[Curve, Curve], factor: float) -> tuple[Curve, Curve]:
    return curve[0], curve[1] * factor


def _accelerated(measured: Lags, off: Lags, before: tuple[Lags, Lags], taps: int) -> Lags:
    """The lags to try next, where by two rounds together nothing would be off.

    Source: Anderson, "Iterative procedures for nonlinear integral equations", JACM 1965, with one round remembered.
    """
    weights = taper(taps)[..., None, None]
    change = (off - before[1]) * weights
    step = ((off * weights) * change).sum() / max(float((change**2).sum()), 1e-12)
    return measured - np.clip(step, *STEPS) * (measured - before[0])


def _off(
    blocks: Blocks, unit: Grain, curves: Curves, spread: Curve, times: int
) -> tuple[Lags, Curve, tuple[Lags, Lags]]:
    """By how much the blocks' covariances at each lag differ from what is measured of `unit` laid over them `times`, how
    large their noise is beside it, (3,), and the former of either half of the blocks.

    Each pixel is standardised by its own level: noise that swells and fades within a block would pass for finer noise.
    """
    sigma = sizes(blocks.smooth, curves)
    some = _some(np.ones(len(sigma), bool), SIMULATED[1])
    under = blocks.only(some)
    simulation, after = Simulation(under, sigma[some], spread), []
    for frame in range(1, times + 1):
        variance, rest = simulation.run(unit, frame)
        ratio = _ratio(under, variance, curves)
        low, high = np.quantile(ratio, CLEAN, axis=0)
        after.append(lag_covariances(rest[((ratio >= low) & (ratio <= high)).all(axis=1)]))
    standard = blocks.rest / sigma
    left = [lag_covariances(standard[half::2]) for half in (0, 1)]
    seen = np.mean(after, axis=0)
    off, size = _beyond((left[0] + left[1]) / 2, seen)
    return off, size, (_beyond(left[0], seen)[0], _beyond(left[1], seen)[0])


def _beyond(left: Lags, after: Lags) -> tuple[Lags, Curve]:
    """By how much `left` differs from `after` when both are as large, and how much larger it is, (3,)."""
    size = np.sqrt(np.diagonal(left[0, MAX_LAG]) / np.diagonal(after[0, MAX_LAG]))
    return left / np.outer(size, size) - after, size


def _clean(blocks: Blocks, curves: Curves, pure: Curve) -> NDArray[np.bool_]:
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


def _smooth(uneven: Curve, clean: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the clean blocks those whose slopes (N, 3) change least beside their grain, in the channel where they change most.

    What is left of texture when the motion is taken out would pass for fine grain; of a ramp of light nothing is left.
    """
    most = uneven[clean].max(axis=1)
    chosen = clean.copy()
    chosen[clean] = most <= np.quantile(most, max(SMOOTH, min(1.0, MOST_NEEDED / len(most))))
    return chosen


def _some(chosen: NDArray[np.bool_], most: int) -> NDArray[np.intp]:
    """Indices of at most so many of the chosen, evenly."""
    every = np.flatnonzero(chosen)
    return every[:: -(-len(every) // most)]


def _pure(blocks: Blocks, unit: Grain, curves: Curves, spread: Curve, patchy: float) -> Curve:
    """Ascending variances (N, 3) that these blocks would have, were they clean, in units of their mean level's."""
    sigma = sizes(blocks.smooth, curves)
    variance, _ = Simulation(blocks, sigma, spread).run(unit)
    ratio = _ratio(blocks, variance, curves)
    return np.sort(ratio * gains(patchy, len(ratio))[:, None] if patchy else ratio, axis=0)


def _ratio(blocks: Blocks, variance: Curve, curves: Curves) -> Curve:
    """Variances (N, 3) in units of what the curves say of each block's mean level."""
    return np.asarray(variance / sizes(blocks.level, curves).astype(np.float64) ** 2)


def sizes(level: Array, curves: Curves) -> Array:
    """Sigma of each camera channel at `level` (..., 3), 1 where no curve is known yet."""
    if not curves:
        return np.ones_like(level)
    return np.stack([np.interp(level[..., c], *curves[c]).astype(np.float32) for c in range(3)], axis=-1)
