"""Aerial perspective of the plate: the colour of its air and how fast it takes over, fitted over depth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from calibration.look.color import Sample
from pipeline.kernels.color import LUMINANCE, RGB

BINS = 18
NEAREST_M = 2.0
LEAST_PIXELS = 150  # per bin
EXTINCTIONS_PER_M = np.geomspace(2e-5, 3e-2, 90)
LEAST_GAIN = 0.25  # share of the misfit that haze must explain, else it is no haze
LEAST_VEIL = 0.03  # share of air before the farthest ground, else it cannot be measured


@dataclass(frozen=True, slots=True)
class Haze:
    """colour: scene-linear ACEScg radiance of endless air. extinction_per_m: 0 when none was found. note: why."""

    colour: RGB = (0.0, 0.0, 0.0)
    extinction_per_m: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Bins:
    depth_m: NDArray[np.float64]  # (K,)
    low: NDArray[np.float64]  # (K, 3) the darkest things of each depth
    mean: NDArray[np.float64]  # (K, 3)


def fit_haze(samples: Iterable[Sample]) -> Haze:
    """Fit radiance = surface * t + air * (1 - t), t = exp(-extinction * depth), to the plate.

    Per depth both the darkest 5% and the mean must follow with one air: what is dark rises towards the air's colour while
    contrast shrinks by t. The horizon's sky, where seen, is a hint for the air. No haze is a valid answer: then
    extinction is 0 and `note` says why; the layers stay clear rather than wrong.

    Source: Koschmieder 1924; the darkest values as witness of air: He, Sun and Tang, "Single Image Haze Removal Using
    Dark Channel Prior", CVPR 2009.
    """
    chosen = list(samples)
    bins = _binned(chosen)
    if len(bins.depth_m) < 5 or bins.depth_m[-1] < 3 * bins.depth_m[0]:
        return Haze(note=f"none: depth spans only {len(bins.depth_m)} bins, need 5 over a threefold distance")
    horizon = _horizon(chosen)
    clear, _ = _misfit(bins, 0.0, None)
    misfits = [_misfit(bins, e, horizon) for e in EXTINCTIONS_PER_M]
    best = int(np.argmin([m for m, _ in misfits]))
    misfit, air = misfits[best]
    extinction = float(EXTINCTIONS_PER_M[best])
    veil = 1 - float(np.exp(-extinction * bins.depth_m[-1]))
    if misfit > (1 - LEAST_GAIN) * clear:
        return Haze(
            note=f"none: haze explains {1 - misfit / clear:.0%} of how tones change over depth, need {LEAST_GAIN:.0%}"
        )
    if veil < LEAST_VEIL:
        return Haze(note=f"none: {veil:.1%} air before the farthest ground is too little to measure")
    most = 1.5 * (horizon if horizon is not None else bins.mean.max(axis=0))
    air = np.minimum(air, most)
    if float(air @ LUMINANCE) <= float(bins.low[0] @ LUMINANCE):
        return Haze(note="none: far things are darker than near ones")
    return Haze((float(air[0]), float(air[1]), float(air[2])), extinction, "fitted")


def _binned(samples: list[Sample]) -> _Bins:
    """Darkest 5% and mean per depth; bins hold equal parts of the logarithm of depth."""
    depths, pixels = [], []
    for sample in samples:
        use = sample.ground() & (sample.confidence > 0.2) & (sample.depth_m > NEAREST_M)
        depths.append(sample.depth_m[use][::3])
        pixels.append(sample.smooth()[use][::3])
    depth, rgb = np.concatenate(depths).astype(np.float64), np.concatenate(pixels).astype(np.float64)
    empty = np.empty((0, 3))
    if len(depth) < 5 * LEAST_PIXELS:
        return _Bins(np.empty(0), empty, empty)
    low, high = np.log(np.quantile(depth, [0.002, 0.998]))
    which = ((np.log(depth) - low) / max(high - low, 1e-6) * BINS).astype(int)
    rows = [(which == k) for k in range(BINS) if (which == k).sum() >= LEAST_PIXELS]
    if not rows:
        return _Bins(np.empty(0), empty, empty)
    return _Bins(
        np.array([np.median(depth[r]) for r in rows]),
        np.array([np.quantile(rgb[r], 0.05, axis=0) for r in rows]),
        np.array([rgb[r].mean(axis=0) for r in rows]),
    )


def _horizon(samples: list[Sample]) -> NDArray[np.float64] | None:
    """Mean colour of the sky just above the ground, (3,); None when no sky is seen."""
    found = []
    for sample in samples:
        sky = sample.sky()
        lowest = np.where(sky.any(axis=0), sky.shape[0] - 1 - np.argmax(sky[::-1], axis=0), -1)
        band = max(2, sky.shape[0] // 40)
        rows = np.arange(sky.shape[0])[:, None]
        near = sky & (rows <= lowest - 2) & (rows > lowest - 2 - band)
        if near.sum() > 50:
            found.append(np.median(sample.rgb[near], axis=0))
    return np.mean(found, axis=0).astype(np.float64) if found else None


def _misfit(bins: _Bins, extinction: float, horizon: NDArray[np.float64] | None) -> tuple[float, NDArray[np.float64]]:
    """Robust relative misfit of the best surfaces and air for this extinction, and that air (3,)."""
    through = np.exp(-extinction * bins.depth_m)
    zero = np.zeros_like(through)
    design = np.concatenate([np.stack([1 - through, through, zero], 1), np.stack([1 - through, zero, through], 1)])
    total, air = 0.0, np.zeros(3)
    for c in range(3):
        target = np.concatenate([bins.low[:, c], bins.mean[:, c]])
        scale = float(bins.mean[:, c].mean()) + 1e-9
        rows, wanted = design / scale, target / scale
        if horizon is not None and extinction > 0:  # as much as one bin says
            rows = np.concatenate([rows, [[1 / scale, 0, 0]]])
            wanted = np.append(wanted, horizon[c] / scale)
        weight = np.ones(len(wanted))
        for _ in range(4):
            found, _ = nnls(rows * weight[:, None], wanted * weight)
            rest = rows @ found - wanted
            weight = 1 / np.sqrt(1 + (rest / 0.15) ** 2)
        rest = rest[: len(target)]
        total += float(np.mean(rest**2 / (1 + (rest / 0.15) ** 2)))
        air[c] = found[0]
    return total, air
