"""The grade that lies between a layer and the plate, by what is likely: of grades, of pictures, and of both together.

Three things are known before a plate is seen: how far directors grade, how pictures of ground, standing things and people
look ungraded in a known light, and how much two pictures of one thing differ. The grade is the one that is likeliest after
the plate is seen: where plate and layer show the same materials these are laid over each other, where they have nothing in
common only as much is laid on as does good on average; no tone is ever turned around.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.look.caution import strength
from calibration.look.likeliest import USUAL, Found, Told, cost, likeliest
from calibration.look.shared import Clouds, registered
from calibration.look.tonestats import Tones, tone_stats
from pipeline.kernels.color import RGB

Floats = NDArray[np.float64]
Pixels = NDArray[np.float32] | Floats
KNOWN = Path(__file__).with_name("known_tones.json")
MOST_PIXELS = 1500  # of a class: more say nothing new
LEAST_PIXELS = 120
HYPOTHESES = ("other", "alike", "same")
_BEFORE = np.array([0.4, 0.3, 0.3])  # of hypotheses
_LEAST_APART = 0.08  # nats of a pixel: less is chance
_MOVED = 0.3  # of how unlikely shared colours make a grade: they and the figures are of the same pixels
_TEMPER = 1.5  # classes of one picture do not speak independently


@dataclass(frozen=True, slots=True)
class Known:
    """Learnt from ungraded pictures: FIGURES' mean and covariance of a class, and how much two pictures of one differ.

    usual: class: (mean (9,), covariance (9, 9)). same: of one scene, alike: of one material: covariances of differences.
    apart: class: HYPOTHESES' mean and deviation (3, 2) of how far a layer's colours stay from the plate's (`apartness`).
    """

    usual: dict[str, tuple[Floats, Floats]]
    same: dict[str, Floats]
    alike: dict[str, Floats]
    apart: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Match:
    """What was found: the grade, how sure (one standard deviation of each figure, before the strength), and how much the plate shows the same.

    same, alike: probabilities that plate and layer show one content, one material. tones is the likeliest grade times
    `strength` (calibration.look.caution): near 1 where plate and layer show alike things, less the more doubt there is.
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
    return Known(usual, *({k: np.array(v) for k, v in content[part].items()} for part in ("same", "alike", "apart")))


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
    if not seen:
        return Match(Tones(), Tones.of(USUAL), 0.0, 0.0, 0.0)
    usual = [_usual(rgb, prior.usual[name], lights[name]) for name, rgb in seen.items()]
    shared = [name for name in own if name in seen]
    unlike = [_pair(own[n], seen[n], 2 * prior.usual[n][1], lights[n]) for n in shared]
    found = [likeliest(usual)]
    evidence = [found[0].evidence - 0.5 * sum(pair.cost(found[0].tones) for pair in unlike)]
    apart: list[dict[str, float]] = []
    for table in (prior.alike, prior.same) if shared else ():
        laid, likely, left = _laid(seen, own, table, usual, lights)
        found.append(laid)
        evidence.append(likely)
        apart.append(left)
    likely_apart = sum((_log_normal(apart[0][n], prior.apart[n]) for n in shared), np.zeros(len(found)))
    logs = np.array(evidence) + likely_apart
    weights = np.exp(logs - logs.max()) * _BEFORE[: len(logs)]
    weights /= weights.sum()
    values = np.array([f.tones.values() for f in found])
    mean = weights @ values
    spread = weights @ np.array([np.diag(f.covariance) for f in found]) + weights @ (values - mean) ** 2
    alike, same = (float(weights[k]) if len(weights) > k else 0.0 for k in (1, 2))
    share = strength(np.concatenate(list(own.values())), found, weights) if own else 0.0
    return Match(Tones.of(share * mean), Tones.of(np.sqrt(spread)), same, alike, share)


def apartness(
    plate: Mapping[str, Pixels], layer: Mapping[str, Pixels], lights: Mapping[str, RGB], prior: Known
) -> dict[str, float]:
    """By class that both show: log2 of how far the plate's colours stay from the layer's, laid over them as alike things.

    What Known.apart is learnt from; arguments as of match_tones.
    """
    seen, own = _thinned(plate), _thinned(layer)
    usual = [_usual(rgb, prior.usual[name], lights[name]) for name, rgb in seen.items()]
    return _laid(seen, own, prior.alike, usual, lights)[2]


def _laid(
    seen: Mapping[str, Floats],
    own: Mapping[str, Floats],
    table: Mapping[str, Floats],
    usual: Sequence[Told],
    lights: Mapping[str, RGB],
) -> tuple[Found, float, dict[str, float]]:
    """The likeliest grade if figures differ as `table` says and colours are shared, its log evidence, and `apartness`.

    Shared colours that ask for an unusual grade of an unusual plate are shared by chance more likely.
    """
    shared = [name for name in own if name in seen]
    told = [*usual, *(_pair(own[n], seen[n], table[n], lights[n]) for n in shared)]
    first = likeliest(told)
    found, apart = registered(first, told, [Clouds.of(own[n], seen[n]) for n in shared])
    evidence = first.evidence - 0.5 * _MOVED * (cost(found.tones, usual) - cost(first.tones, usual))
    return found, evidence, {n: float(np.log2(max(a, 0.0) + _LEAST_APART)) for n, a in zip(shared, apart, strict=True)}


def _usual(plate: Floats, told: tuple[Floats, Floats], light: RGB) -> Told:
    """The plate without its grade looks as pictures of its class do."""
    mean, covariance = told
    white, scale = _whitener(covariance)
    return Told(lambda tones: white @ (tone_stats(tones.undone(plate), light) - mean), scale)


def _pair(layer: Floats, plate: Floats, covariance: Floats, light: RGB) -> Told:
    """The layer under the grade looks as the plate does."""
    white, scale = _whitener(covariance)
    wanted = tone_stats(plate, light)
    return Told(lambda tones: white @ (tone_stats(tones.applied(layer), light) - wanted), scale)


def _whitener(covariance: Floats) -> tuple[Floats, float]:
    factor = np.linalg.cholesky(_TEMPER * covariance + 1e-6 * np.eye(len(covariance)))
    return np.linalg.inv(factor), float(2 * np.log(np.diag(factor)).sum())


def _log_normal(value: float, table: Floats) -> Floats:
    """(K,) log density of a value under each row's mean and deviation."""
    return np.asarray(-0.5 * ((value - table[:, 0]) / table[:, 1]) ** 2 - np.log(table[:, 1]))


def _thinned(pixels: Mapping[str, Pixels]) -> dict[str, Floats]:
    """Evenly chosen pixels of the classes that have enough."""
    return {
        name: np.asarray(rgb[:: max(1, len(rgb) // MOST_PIXELS)], np.float64)
        for name, rgb in pixels.items()
        if len(rgb) >= LEAST_PIXELS
    }
