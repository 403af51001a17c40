"""Where the plate's ground lies in shade already: told by how much darker and of which colour its shadows are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.color import RGB

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_ROUNDS = 20
_APART = (
    16.0  # squared, in deviations of the ground: a shadow that differs less from what the ground varies by is not told
)
_LEAST, _MOST = 0.002, 0.6  # of the ground, that lies in shade
_TOE = 1e-3  # linear light below which differences are noise
_LEAST_PLACES = 500
_SPREAD = 4e-3  # squared log of light: the ground varies at least by this


@dataclass(frozen=True, slots=True, eq=False)
class Shade:
    """The logarithm of the ground's light as two bell curves of one shape, the one of what lies in shade off by a known step.

    mean, step: (3,); inverse: (3, 3) of the covariance; lit: share of the ground in the sun.
    """

    mean: Doubles
    step: Doubles
    inverse: Doubles
    lit: float

    def share(self, light: Floats) -> Floats:
        """(..., 3) light of the ground to (...) how much of the sun it lacks, 0..1."""
        at = _logs(light) - self.mean
        apart = float(self.step @ self.inverse @ self.step)
        along = np.einsum("...i,ij,j->...", at, self.inverse, self.step) - apart / 2
        soft = min(1.0, _APART / apart)  # the edge of a shadow is a mixture
        along -= np.log(self.lit / (1 - self.lit))
        return np.asarray(1 / (1 + np.exp(np.clip(-soft * along, -50, 50))), np.float32)


def find_shade(light: Floats, left: RGB) -> Shade | None:
    """From (N, 3) light of places of the ground, scene-linear and without the air before it, lit and shaded ones together. left:
    what a full shadow leaves of it, per channel. None: nothing lies in shade, or it is not told from what is dark.

    Expectation and maximization of a mixture whose parts differ by a known step.
    """
    if len(light) < _LEAST_PLACES:
        return None
    logs, step = _logs(light), np.log(np.clip(np.array(left, np.float64), 1e-3, 1))
    sums = logs.sum(axis=1)
    bright = logs[sums >= np.quantile(sums, 0.4)]
    mean, spread, lit = bright.mean(axis=0), _spread(bright - bright.mean(axis=0), np.ones(len(bright))), 0.8
    for _ in range(_ROUNDS):
        found = Shade(mean, step, _inverse(spread), lit)
        at = logs - mean
        along = np.einsum("ni,ij,j->n", at, found.inverse, step) - step @ found.inverse @ step / 2
        dark = 1 / (1 + lit / (1 - lit) * np.exp(np.clip(-along, -50, 50)))
        lit = float(np.clip(1 - dark.mean(), 0.02, 1 - _LEAST / 4))
        spread = _spread(at, 1 - dark) + _spread(at - step, dark) - _SPREAD * np.eye(3)
        mean = mean + (at - dark[:, None] * step).mean(axis=0)
    found = Shade(mean, step, _inverse(spread), lit)
    told = float(step @ found.inverse @ step) >= _APART and _LEAST <= 1 - lit <= _MOST
    return found if told else None


def _spread(off: Doubles, weights: Doubles) -> Doubles:
    return np.asarray(np.einsum("n,ni,nj->ij", weights, off, off) / len(off) + _SPREAD * np.eye(3))


def _inverse(spread: Doubles) -> Doubles:
    return np.asarray(np.linalg.inv(spread), np.float64)


def _logs(light: Floats) -> Doubles:
    return np.log(np.maximum(light, _TOE).astype(np.float64))
