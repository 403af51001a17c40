"""Colours that plate and layer share, laid over each other whatever is seen how often: materials, lit and in shade.

A layer's pixels fall into some clouds of like colour. Under the right grade the plate's pixels fall into the same clouds; how
many into which is free, for another place shows more of one cloth, or more shade, and some of the plate's lie in none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.look.likeliest import Found, Told, likeliest
from calibration.look.tonestats import Tones
from pipeline.kernels.color import LUMINANCE

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
CLOUDS = 8
_LAYER, _PLATE = 1000, 500  # pixels looked at
_COUNTS = 80.0  # as many pixels as speak independently
_SOFT = (0.4, 0.2, 0.1)  # stops that clouds are widened by, coarse to fine
_STRAY = 0.03  # least share of the plate's pixels that no cloud explains
_FLOOR = 2.0**-8  # log2 of less says more of grain than of colour
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Clouds:
    """The layer's pixels (N, 3) and the cloud (N,) that each is of; the plate's pixels as log2 (M, 3)."""

    layer: Floats
    cloud: Ints
    plate: Floats

    @classmethod
    def of(cls, layer: Floats, plate: Floats) -> Clouds:
        """layer, plate: (N, 3) scene-linear pixels of one class."""
        mine = layer[:: max(1, len(layer) // _LAYER)]
        return cls(mine, _split(_logs(mine)), _logs(plate[:: max(1, len(plate) // _PLATE)]))

    def shares(self) -> Floats:
        """(K + 1,) of the plate's pixels before they are looked at: as many in each cloud, then the strays."""
        count = int(self.cloud.max()) + 1
        return np.append(np.full(count, (1 - _STRAY) / count), _STRAY)

    def means(self, tones: Tones) -> Floats:
        """(K, 3) of the clouds under a grade."""
        return _means(_logs(tones.applied(self.layer)), self.cloud)

    def laid(self, tones: Tones, soft: float, shares: Floats) -> tuple[Told, Floats, float]:
        """What the plate's pixels say of the grade near `tones`, their shares of the clouds, and their mean log likelihood.

        Source: expectation maximisation, Dempster, Laird, Rubin, "Maximum Likelihood from Incomplete Data", 1977.
        """
        logs = _logs(tones.applied(self.layer))
        means = _means(logs, self.cloud)
        off = logs - means[self.cloud]
        covariances = [np.cov(off[self.cloud == k].T, bias=True) + soft**2 * np.eye(3) for k in range(len(means))]
        white = [np.linalg.inv(np.linalg.cholesky(c)) for c in covariances]
        far = np.linalg.cholesky(2 * np.cov(self.plate.T) + 0.3 * np.eye(3))
        stray = _log_normal(self.plate - self.plate.mean(0), np.linalg.inv(far))
        near = [_log_normal(self.plate - m, w) for m, w in zip(means, white, strict=True)]
        logs_of = np.stack([*near, stray], axis=1)
        for _ in range(3):
            joint = logs_of + np.log(shares)
            highest = joint.max(axis=1, keepdims=True)
            belongs = np.exp(joint - highest)
            total = belongs.sum(axis=1, keepdims=True)
            belongs /= total
            shares = belongs.sum(0) + 2.0
            shares[-1] = max(shares[-1], _STRAY * shares.sum())
            shares /= shares.sum()
        counts = belongs[:, :-1].sum(0)
        wanted = (belongs[:, :-1].T @ self.plate) / np.maximum(counts, 1e-9)[:, None]
        by = np.sqrt(counts / len(self.plate) * _COUNTS)[:, None, None] * np.array(white)
        told = Told(lambda t: np.asarray(np.einsum("kij,kj->ki", by, self.means(t) - wanted).ravel()))
        return told, shares, float((highest + np.log(total)).mean())


def registered(first: Found, told: Sequence[Told], clouds: Sequence[Clouds]) -> tuple[Found, list[float]]:
    """The grade from `first` on that also lays the clouds over the plate; per set of clouds how far they stay apart.

    told: what else was observed. Apart: by how many nats a pixel the plate is better explained by its own colours than by
    the layer's under the grade.
    """
    found, shares = first, [c.shares() for c in clouds]
    for soft in _SOFT:
        laid = [c.laid(found.tones, soft, s) for c, s in zip(clouds, shares, strict=True)]
        shares = [s for _, s, _ in laid]
        found = likeliest([*told, *(t for t, _, _ in laid)], found.tones, _ROUNDS)
    apart = []
    for mine, share in zip(clouds, shares, strict=True):
        own = Clouds.of(2.0 ** mine.plate[::2], 2.0 ** mine.plate[1::2])
        _, own_shares, _ = own.laid(Tones(), _SOFT[-2], own.shares())
        itself = own.laid(Tones(), _SOFT[-1], own_shares)[2]
        apart.append(itself - mine.laid(found.tones, _SOFT[-1], share)[2])
    return found, apart


def _logs(rgb: Floats) -> Floats:
    return np.asarray(np.log2(np.maximum(rgb, _FLOOR)))


def _means(logs: Floats, cloud: Ints) -> Floats:
    count = int(cloud.max()) + 1
    sums = np.stack([np.bincount(cloud, logs[:, c], count) for c in range(3)], axis=1)
    return np.asarray(sums / np.bincount(cloud, minlength=count)[:, None])


def _log_normal(off: Floats, white: Floats) -> Floats:
    return np.asarray(-0.5 * ((off @ white.T) ** 2).sum(axis=1) + np.log(np.diag(white)).sum())


def _split(logs: Floats) -> Ints:
    """(N,) cloud of each pixel: the widest is halved along its longest axis until there are CLOUDS.

    Source: Orchard and Bouman, "Color Quantization of Images", IEEE Transactions on Signal Processing 39, 1991.
    """
    grey = logs @ LUMINANCE.astype(np.float64)
    seen = np.stack([grey, 2 * (logs[:, 0] - logs[:, 1]), 2 * (logs[:, 2] - logs[:, 1])], axis=1)
    cloud = np.zeros(len(seen), np.intp)
    least = 2 * max(8, len(seen) // 60)
    for new in range(1, CLOUDS):
        width = [_width(seen[cloud == k]) if (cloud == k).sum() >= least else 0.0 for k in range(new)]
        widest = int(np.argmax(width))
        if width[widest] <= 1e-6:
            break
        inside = np.flatnonzero(cloud == widest)
        off = seen[inside] - seen[inside].mean(0)
        cloud[inside[_upper(off @ np.linalg.eigh(off.T @ off)[1][:, -1])]] = new
    return cloud


def _width(seen: Floats) -> float:
    return float(seen.var(axis=0).sum() * len(seen))


def _upper(along: Floats) -> NDArray[np.bool_]:
    """Which of values (N,) are of the upper of two groups: Lloyd's two means, at least a twelfth each."""
    edge = float(np.median(along))
    low, high = (float(v) for v in np.quantile(along, [1 / 12, 11 / 12]))
    for _ in range(8):
        up = along > edge
        if up.all() or not up.any():
            break
        edge = min(max(0.5 * float(along[up].mean() + along[~up].mean()), low), high)
    up = along > edge
    return up if up.any() else along >= edge
