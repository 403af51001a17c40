"""The cycle of a clip: how long it is, where it begins best, and its frames as one seamless round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import Akima1DInterpolator

Array = NDArray[np.float64]

_SHORTEST_S = 0.35
_ALIKE = 0.35  # poses a cycle apart differ by less than this share of what any two poses do
_NEARLY = 0.12  # and two rounds, which may fall nearer to whole frames, are no better than one by less
_STILL = 0.06  # a clip whose poses differ by less (leg lengths) is someone standing: any piece of it loops


@dataclass(frozen=True, slots=True)
class Cycle:
    """From frame `start` on, `frames` (a fraction is left) later the same pose comes back. loops: whether it does."""

    start: int
    frames: float
    loops: bool


def find_cycle(features: Array, frame_s: float) -> Cycle:
    """The shortest round in `features` (F, K), and the pair of frames that match best; the whole clip when none does."""
    count = len(features)
    apart = np.sqrt(np.maximum(_squares(features), 0.0))
    usual = float(np.median(apart))
    if usual < _STILL:
        return Cycle(0, float(count - 1), True)
    lags = np.arange(max(2, round(_SHORTEST_S / frame_s)), count)
    means = np.array([np.sqrt(np.mean(np.diagonal(apart, lag) ** 2)) for lag in lags])
    before, after = np.append(np.inf, means[:-1]), np.append(means[1:], np.inf)
    lowest = (means <= before) & (means <= after) & (means < _ALIKE * usual)
    if not lowest.any():
        return Cycle(0, float(count - 1), False)
    lag = int(lags[lowest & (means <= 1.3 * means[lowest].min() + _NEARLY * usual)][0])
    start = int(np.argmin(np.diagonal(apart, lag)))
    # Between frames: how far along their own movement the later poses lack to be the earlier ones.
    speed = np.gradient(features, axis=0)[lag:]
    late = float((speed * (features[:-lag] - features[lag:])).sum() / max((speed * speed).sum(), 1e-12))
    return Cycle(start, lag + float(np.clip(late, -1.0, 1.5)), True)


def resampled(rows: Array, cycle: Cycle, samples: int) -> Array:
    """(samples + 1, k) of `rows` (F, k) over the cycle; when it loops the last equals the first, the seam spread evenly."""
    times = cycle.start + cycle.frames * np.arange(samples + 1) / samples
    last = len(rows) - 1
    closing = max(cycle.start + cycle.frames, float(last) + 0.01)  # a clip may end just before its pose comes back
    places, values = np.append(np.arange(last + 1.0), closing), np.vstack([rows, rows[cycle.start]])
    there = Akima1DInterpolator(places, values)(np.minimum(times, closing))
    if cycle.loops:
        gap = there[0] - there[-1]
        there = there + gap * (np.arange(samples + 1)[:, None] / samples - 0.5)
    return there


def _squares(features: Array) -> Array:
    """(F, F) squared distances between poses."""
    lengths = (features * features).sum(axis=1)
    return lengths[:, None] + lengths[None] - 2 * features @ features.T
