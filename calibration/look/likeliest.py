"""The likeliest grade under observations whose doubt is known: Gauss-Newton on how far directors grade and on what was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.look.tonestats import Tones

Floats = NDArray[np.float64]
Residual = Callable[[Tones], Floats]
# How far grades go, one standard deviation of each of Tones' figures: a director's range.
USUAL = np.array([0.55, 0.16, 0.16, 0.005, 0.13, 0.17])
MOST = np.array([2.0, 0.8, 0.8, 0.02, 0.5, 0.6])
_MIDDLE = np.array([0.0, 0.0, 0.0, 0.004, 0.0, 0.0])  # of grades: lenses and scans veil, they take no light away
_STEPS = np.array([0.02, 0.02, 0.02, 0.0005, 0.02, 0.02])
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Told:
    """One observation: its misfit under a grade, whitened; scale: log determinant of its covariance."""

    misfit: Residual
    scale: float = 0.0

    def cost(self, tones: Tones) -> float:
        return float((self.misfit(tones) ** 2).sum()) + self.scale


@dataclass(frozen=True, slots=True)
class Found:
    """The likeliest grade, the covariance (6, 6) of its figures, and the log evidence of what was observed."""

    tones: Tones
    covariance: Floats
    evidence: float


def cost(tones: Tones, told: Sequence[Told]) -> float:
    """How unlikely a grade is with what it must explain: minus twice its log probability, up to a constant."""
    return float((((tones.values() - _MIDDLE) / USUAL) ** 2).sum()) + sum(t.cost(tones) for t in told)


def likeliest(told: Sequence[Told], start: Tones | None = None, rounds: int = _ROUNDS) -> Found:
    """Gauss-Newton from `start` (or the middle of all grades) on; steps that do not help are halved.

    Source: Laplace's evidence: MacKay, "Information Theory, Inference, and Learning Algorithms", 2003.
    """

    def misfits(values: Floats) -> Floats:
        tones = Tones.of(np.clip(values, -MOST, MOST))
        return np.concatenate([(values - _MIDDLE) / USUAL, *(t.misfit(tones) for t in told)])

    at = _MIDDLE.copy() if start is None else start.values()
    now = misfits(at)
    slopes = np.eye(6)
    for _ in range(rounds):
        slopes = np.stack([(misfits(at + step) - now) / step.sum() for step in np.diag(_STEPS)], axis=1)
        move = -np.linalg.solve(slopes.T @ slopes, slopes.T @ now)
        share = 1.0
        while share > 0.05 and ((trial := misfits(at + share * move)) ** 2).sum() > (now**2).sum():
            share /= 2
        if share <= 0.05:
            break
        at, now = at + share * move, trial
        if np.abs(share * move / USUAL).max() < 0.02:
            break
    information = slopes.T @ slopes
    evidence = -0.5 * (float((now**2).sum()) + sum(t.scale for t in told) + float(np.linalg.slogdet(information)[1]))
    covariance = np.asarray(np.linalg.inv(information), np.float64)
    return Found(Tones.of(np.clip(at, -MOST, MOST)), covariance, evidence)
