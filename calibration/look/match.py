"""The grade that lies between a layer and the plate, by what is likely: of grades, of pictures, and of both together.

Three things are known before a plate is seen: how far directors grade, how pictures of ground, standing things and people
look ungraded in a known light, and how much two pictures of one thing differ. The grade is the one that is likeliest after
the plate is seen: strong where plate and layer show the same, weak where they have nothing in common, never turned around.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.look.tonestats import Tones, tone_stats
from pipeline.kernels.color import RGB

Floats = NDArray[np.float64]
Pixels = NDArray[np.float32] | Floats
KNOWN = Path(__file__).with_name("known_tones.json")
MOST_PIXELS = 1500  # of a class: more say nothing new
LEAST_PIXELS = 120
# How far grades go, one standard deviation of each of Tones' figures: a director's range.
USUAL = np.array([0.55, 0.16, 0.16, 0.005, 0.13, 0.17])
_MIDDLE = np.array([0.0, 0.0, 0.0, 0.004, 0.0, 0.0])  # of grades: lenses and scans veil, they take no light away
_BEFORE = np.array([0.4, 0.3, 0.3])  # of hypotheses: other, alike, same
_TEMPER = 1.5  # classes of one picture do not speak independently
WARY = (
    0.7  # of the likeliest grade between things that differ: costs 0.3 deltaE on average, spares what it would worsen
)
_STEPS = np.array([0.02, 0.02, 0.02, 0.0005, 0.02, 0.02])
_MOST = np.array([2.0, 0.8, 0.8, 0.02, 0.5, 0.6])
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Known:
    """Learnt from ungraded pictures: FIGURES' mean and covariance of a class, and how much two pictures of one differ.

    usual: class: (mean (9,), covariance (9, 9)). same: of one scene, alike: of one material: covariances of differences.
    """

    usual: dict[str, tuple[Floats, Floats]]
    same: dict[str, Floats]
    alike: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Match:
    """What was found: the grade, how sure (one standard deviation of each figure, before the strength), and how much the plate shows the same.

    same, alike: probabilities that plate and layer show one content, one material. tones is the likeliest grade times
    `strength`: whole where plate and layer show alike things, WARY where they do not.
    """

    tones: Tones
    doubt: Tones
    same: float
    alike: float
    strength: float


@cache
def known() -> Known:
    """What ships with the house; learnt by `python -m benchmarks.colour --learn`."""
    content = json.loads(KNOWN.read_text())
    usual = {k: (np.array(v["mean"]), np.array(v["covariance"])) for k, v in content["usual"].items()}
    return Known(usual, *({k: np.array(v) for k, v in content[part].items()} for part in ("same", "alike")))


Residual = Callable[[Tones], Floats]


def match_tones(
    plate: Mapping[str, Pixels],
    layer: Mapping[str, Pixels],
    lights: Mapping[str, RGB],
    prior: Known | None = None,
) -> Match:
    """The likeliest grade of the plate, for a layer.

    plate, layer: pixels (N, 3) scene-linear ACEScg by class (ground, standing, people); haze taken out of the plate. lights:
    by class, what a white there sends back on average (calibration.look.arriving). Classes of fewer than LEAST_PIXELS
    pixels say nothing; without any, the grade is none and its doubt is the usual.

    Source: maximum a posteriori by Gauss-Newton; three hypotheses, that plate and layer show other, alike or the same
    things, weighed by Laplace's evidence (MacKay, "Information Theory, Inference, and Learning Algorithms", 2003).
    """
    prior = prior or known()
    seen, own = _thinned(plate), _thinned(layer)
    usual = [_usual(rgb, prior.usual[name], lights[name]) for name, rgb in seen.items()]
    shared = [name for name in own if name in seen]
    other = {name: 2 * prior.usual[name][1] for name in shared}
    hypotheses = [(_likeliest(usual), other)]
    for table in (prior.alike, prior.same) if shared else ():
        pairs = [_pair(own[n], seen[n], table[n], lights[n]) for n in shared]
        hypotheses.append((_likeliest([*usual, *pairs]), {}))
    evidence = []
    for found, apart in hypotheses:
        rest = [_pair(own[n], seen[n], apart[n], lights[n]) for n in apart]
        evidence.append(found.evidence - 0.5 * sum(r.cost(found.tones) for r in rest))
    weights = np.exp(np.array(evidence) - max(evidence)) * _BEFORE[: len(evidence)]
    weights /= weights.sum()
    values = np.array([found.tones.values() for found, _ in hypotheses])
    mean = weights @ values
    spread = weights @ np.array([np.diag(found.covariance) for found, _ in hypotheses]) + weights @ (values - mean) ** 2
    alike, same = (float(weights[k]) if len(weights) > k else 0.0 for k in (1, 2))
    strength = WARY + (1 - WARY) * (same + alike)
    return Match(Tones.of(strength * mean), Tones.of(np.sqrt(spread)), same, alike, strength)


@dataclass(frozen=True, slots=True)
class _Told:
    """One observation: figures' misfit under a grade, whitened; scale: log determinant of its covariance."""

    misfit: Residual
    scale: float

    def cost(self, tones: Tones) -> float:
        return float((self.misfit(tones) ** 2).sum()) + self.scale


@dataclass(frozen=True, slots=True)
class _Found:
    tones: Tones
    covariance: Floats
    evidence: float


def _usual(plate: Floats, told: tuple[Floats, Floats], light: RGB) -> _Told:
    """The plate without its grade looks as pictures of its class do."""
    mean, covariance = told
    white, scale = _whitener(covariance)
    return _Told(lambda tones: white @ (tone_stats(tones.undone(plate), light) - mean), scale)


def _pair(layer: Floats, plate: Floats, covariance: Floats, light: RGB) -> _Told:
    """The layer under the grade looks as the plate does."""
    white, scale = _whitener(covariance)
    wanted = tone_stats(plate, light)
    return _Told(lambda tones: white @ (tone_stats(tones.applied(layer), light) - wanted), scale)


def _whitener(covariance: Floats) -> tuple[Floats, float]:
    factor = np.linalg.cholesky(_TEMPER * covariance + 1e-6 * np.eye(len(covariance)))
    return np.linalg.inv(factor), float(2 * np.log(np.diag(factor)).sum())


def _likeliest(told: Sequence[_Told]) -> _Found:
    """Gauss-Newton from no grade; steps that do not help are halved."""

    def misfits(values: Floats) -> Floats:
        tones = Tones.of(np.clip(values, -_MOST, _MOST))
        return np.concatenate([(values - _MIDDLE) / USUAL, *(t.misfit(tones) for t in told)])

    at = _MIDDLE.copy()
    now = misfits(at)
    slopes = np.eye(6)
    for _ in range(_ROUNDS):
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
    return _Found(Tones.of(np.clip(at, -_MOST, _MOST)), covariance, evidence)


def _thinned(pixels: Mapping[str, Pixels]) -> dict[str, Floats]:
    """Evenly chosen pixels of the classes that have enough."""
    return {
        name: np.asarray(rgb[:: max(1, len(rgb) // MOST_PIXELS)], np.float64)
        for name, rgb in pixels.items()
        if len(rgb) >= LEAST_PIXELS
    }
