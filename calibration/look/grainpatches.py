"""Is the grain the same everywhere, or does it swell and fade from place to place, as a codec leaves it?

Where there is hardly any picture, what two frames differ in is grain alone: there its size must scatter no more than
that of simulated blocks does. What scatters more is patches, and how alike the quarters of a block are tells how wide.
Such plates are measured on those calm blocks alone: elsewhere a codec's errors of the picture pass for grain, and clean
blocks are the ones that the codec emptied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.look.grainblocks import Array, Blocks
from calibration.look.graincorrelation import white_grain
from pipeline.kernels.grain import Grain, noise
from pipeline.kernels.grainpatches import MOST, SIDES

Curve = NDArray[np.float64]
CALM, ENOUGH, LEVELS = 0.05, 300, 5  # share of blocks, and a number to have, of so many ranges of light
LEAST = 0.12  # spread of blocks' sizes beyond even grain's: clean plates reach 0.04, 0.1 where all is texture
WIDTHS = 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0  # of patches, in blocks
TAIL = 0.98  # quantile
LOW, MIDDLE = 0.16, 0.5  # quantiles: texture only ever adds, so the lower half tells the spread


@dataclass(frozen=True, slots=True)
class Scatter:
    """spread: of the logarithm of blocks' sizes, beyond even grain's. alike: correlation of quarters of a block, 0 to 1."""

    spread: float
    alike: float


def calm(blocks: Blocks, sizes: Array) -> NDArray[np.intp]:
    """Indices of the blocks with the least picture beside their grain's size (N, 3), of dark, middle and bright ones."""
    rough = (blocks.smooth.var(axis=(1, 2)) / sizes**2).max(axis=1)
    share = min(max(CALM, ENOUGH / len(rough)), 1.0)
    order = np.argsort(blocks.level.mean(axis=1))
    parts = [
        part[rough[part] <= np.quantile(rough[part], share)] for part in np.array_split(order, LEVELS) if len(part)
    ]
    return np.sort(np.concatenate(parts))


def scatter(measured: Array, simulated: Array) -> Scatter:
    """How much more the sizes of measured rests (N, B, B, 3) scatter than those of simulated ones, both standardised."""
    whole, even = _low_spread(_log_sizes(measured, 1)), _low_spread(_log_sizes(simulated, 1))
    (alone, together), (even_alone, even_together) = _shared(measured), _shared(simulated)
    own = max(alone - even_alone, 1e-9)
    return Scatter(float(np.sqrt(max(whole**2 - even**2, 0))), float(np.clip((together - even_together) / own, 0, 1)))


def scales(measured: Array, simulated: Array) -> Curve:
    """Factors (3,) by which measured rests (N, B, B, 3) are stronger than simulated ones; the strongest blocks count as the
    ones at TAIL, which may hold picture."""
    square = (measured.astype(np.float64) ** 2).mean(axis=(1, 2))
    held = np.minimum(square, np.quantile(square, TAIL, axis=0)).mean(axis=0)
    return np.asarray(np.sqrt(held / (simulated.astype(np.float64) ** 2).mean(axis=(0, 1, 2))))


def gains(spread: float, count: int) -> Curve:
    """Factors (count,) of blocks' variances, log-normal, of mean 1: in no order, the same for the same count."""
    drawn = np.random.default_rng(count).standard_normal(count)
    factors = np.exp(2 * spread * drawn)
    return np.asarray(factors / factors.mean())


def patchiness(found: Scatter, block_px: int) -> NDArray[np.float32]:
    """The profile's patchiness (2,) whose own gains scatter so over blocks of `block_px`; zeros where that is little."""
    if found.spread < LEAST:
        return np.zeros(2, np.float32)
    sides = [int(np.clip(round(width * block_px), *SIDES)) for width in WIDTHS]
    made = [_scatter_of(min(found.spread, MOST), side, block_px) for side in sides]
    best = int(np.argmin([abs(m.alike - found.alike) for m in made]))
    spread = found.spread * min(found.spread / made[best].spread, 2.0)
    return np.array([min(spread, MOST), sides[best]], np.float32)


def _scatter_of(spread: float, side: int, block_px: int) -> Scatter:
    """What `scatter` would find of a profile's gains alone."""
    white, across = white_grain(), block_px * max(24, 6 * side // block_px)
    told = Grain(white.levels, white.sigmas, white.kernels, white.mix, patchiness=np.array([spread, side], np.float32))
    gain = noise(across, across, told, 3, 1) / noise(across, across, white, 3, 1)
    cut = gain.reshape(across // block_px, block_px, across // block_px, block_px, 3).transpose(0, 2, 1, 3, 4)
    blocks = cut.reshape(-1, block_px, block_px, 3)
    return scatter(blocks, np.ones_like(blocks))


def _log_sizes(rest: Array, parts: int) -> Curve:
    """Logarithm of the size of each of parts x parts pieces of blocks, the mean of the channels', (N, parts * parts)."""
    count, size = len(rest), rest.shape[1] // parts * parts
    cut = rest[:, :size, :size].astype(np.float64).reshape(count, parts, size // parts, parts, size // parts, 3)
    square = (cut**2).mean(axis=(2, 4)).reshape(count, -1, 3)
    return np.asarray(np.log(square + 1e-12).mean(axis=2) / 2)


def _low_spread(sizes: Curve) -> float:
    low, middle = np.quantile(sizes, [LOW, MIDDLE])
    return float(middle - low)


def _shared(rest: Array) -> tuple[float, float]:
    """Variance of the quarters' sizes, and their covariance within blocks; blocks far off do not count."""
    sizes = _log_sizes(rest, 2)
    mean = sizes.mean(axis=1)
    near = np.abs(mean - np.median(mean)) <= 3 * max(_low_spread(mean), 1e-6)
    found = np.cov(sizes[near].T)
    alone = float(np.trace(found) / 4)
    return alone, float((found.sum() - np.trace(found)) / 12)
