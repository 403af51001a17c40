"""The size of the grain over level, from blocks of which a share is clean and texture only ever adds to the others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Curve = NDArray[np.float64]
KNOTS, ROUNDS = 32, 3
EDGES: Curve = np.r_[
    0, 0.01, 0.03, np.linspace(0.1, 1, 10)
]  # quantiles; few blocks are dark, where curves fall to read noise
FINE_EDGES: Curve = np.r_[0, 0.01, 0.02, np.linspace(0, 0.96, 24)[1:], 0.975, 0.99, 1]  # nor bright, where they bend
LOW_QUANTILE = 0.15  # of all blocks of a bin ...
GUESSED_QUANTILE = 0.25  # ... is about this one of the clean blocks, before _scale finds the true share
SCALES = np.geomspace(0.6, 1.7, 121)
PARTS = np.linspace(0.02, 0.5, 25)
LEAST_READ = 0.1  # of the variance in the darkest bin, that is there without light
MOST_ABOVE = 0.2  # log of variance: a bin that lies farther above the smooth curve holds texture, not grain
LEAST_CLEAN = 0.2  # share of blocks; with fewer the shape of the lower half says nothing
FULL_TRUST = 80.0  # blocks in a bin that count as much as what its neighbours say
LEAST_RATIO = 0.4  # of the least that pure grain gives: below lies what a codec froze or white clipped


def sigma_curve(level: Curve, variance: Curve, pure: Curve) -> tuple[Curve, Curve]:
    """Knots (level, sigma), each (KNOTS,).

    level, variance: (N,) of one channel. pure: ascending variances of clean blocks of unit grain. A first law, read noise +
    photon noise + what grows with the signal, is bent to what each bin shows: texture only adds variance, so the share
    of clean blocks and the scale are those that lay the simulated blocks' lower half over the measured ones.
    """
    knots, curve = _law(level, variance, pure)
    for _ in range(ROUNDS):
        ratio = variance / np.interp(level, knots, curve)
        alive = ratio > LEAST_RATIO * pure[0]
        curve = curve * _bend(knots, level[alive], ratio[alive], pure)
    return knots, np.sqrt(curve)


def _law(level: Curve, variance: Curve, pure: Curve) -> tuple[Curve, Curve]:
    """Knots (level, variance): a low quantile per bin, and variance = a + b level + c level^2 through them."""
    edges = np.quantile(level, EDGES)
    inside = [(level >= low) & (level <= high) for low, high in pairwise(edges)]
    at, first = np.unique([np.median(level[i]) for i in inside], return_index=True)
    low = np.array([np.quantile(variance[i], LOW_QUANTILE) for i in inside])[first]
    seen = np.maximum(low, 1e-14) / np.quantile(pure, GUESSED_QUANTILE)
    scale = _terms(at).max(axis=0) + 1e-12
    trust = np.sqrt([i.sum() for i in inside])[first]
    weight = trust / seen
    for _ in range(4):  # a bin of texture, or of a codec's smoothness, must not bend the whole curve
        fit, _ = nnls(_terms(at) / scale * weight[:, None], seen * weight)
        off = np.log(np.maximum(_terms(at) / scale @ fit, 1e-14) / seen)
        weight = trust / (seen * np.sqrt(1 + (off / 0.2) ** 2))
    knots = np.r_[0.0, np.geomspace(max(at[0], 1e-4) / 4, max(2 * at[-1], 1.0), KNOTS - 1)]
    darkest = _terms(at[:1]) / scale @ fit
    return knots, np.maximum(_terms(knots) / scale @ fit, LEAST_READ * darkest + 1e-14)


def _terms(level: Curve) -> Curve:
    level = np.maximum(level, 0)
    return np.stack([np.ones_like(level), level, level**2], axis=1)


def _bend(knots: Curve, level: Curve, ratio: Curve, pure: Curve) -> Curve:
    """Factors (KNOTS,) by which the variance curve is off, smooth over level, each bin by the number of its blocks."""
    whole, share = _scale(ratio, pure)
    edges = np.unique(np.quantile(level, FINE_EDGES))
    at, off, trust = [], [], []
    for low, high in pairwise(edges):
        inside = ratio[(level >= low) & (level <= high)] / whole
        if len(inside) < 8:
            continue
        scale, _ = _scale(inside, pure, share)
        at.append(float(np.median(level[(level >= low) & (level <= high)])))
        off.append(min(np.log(scale), MOST_ABOVE))
        trust.append(len(inside) / FULL_TRUST)
    if len(at) < 3:
        return np.full(len(knots), whole)
    smooth = _smoothed(np.array(off), np.array(trust))
    return np.asarray(whole * np.exp(np.interp(knots, at, smooth)))


def _smoothed(values: Curve, trust: Curve) -> Curve:
    """Least squares to the values, second differences small."""
    bend = np.diff(np.eye(len(values)), 2, axis=0)
    return np.asarray(np.linalg.solve(np.diag(trust) + bend.T @ bend, trust * values))


def _scale(ratio: Curve, pure: Curve, expected: float = 0.0) -> tuple[float, float]:
    """Scale and share of clean blocks; a share near `expected` is preferred where few blocks hardly tell."""
    ascending, marks = np.sort(ratio), np.quantile(pure, PARTS)
    below = np.searchsorted(ascending, marks[None] * SCALES[:, None]) / len(ascending)
    share = below @ PARTS / (PARTS @ PARTS)
    shape = ((below - np.minimum(1.0, share)[:, None] * PARTS) ** 2).mean(axis=1) / np.maximum(share, 0.05) ** 2
    if expected:
        shape += 0.2 / len(ascending) * np.log(np.maximum(share, 0.05) / expected) ** 2
    shape[share < LEAST_CLEAN] = np.inf
    if not np.isfinite(shape).any():
        return 1.0, LEAST_CLEAN
    best = int(np.argmin(shape))
    return float(SCALES[best]), float(np.clip(share[best], LEAST_CLEAN, 1))
