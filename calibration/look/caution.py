"""How much of a grade to lay on when it is not sure: as much as does good on average, where harm counts more than good."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from calibration.look.likeliest import MOST, Found
from calibration.look.tonestats import Tones

Floats = NDArray[np.float64]
HARM = 6.0  # times that a colour further off than without a grade counts more than one that is nearer
_DRAWS = 64
_PIXELS = 100
_STRENGTHS = np.linspace(0.35, 1, 14)  # a little of the likeliest grade mostly helps, and never harms by much
# ACEScg to X, Y, Z of its white: Academy S-2014-004.
_XYZ = np.array([[0.6955, 0.1407, 0.1638], [0.2722, 0.6741, 0.0537], [-0.0055, 0.0040, 1.0015]])


def strength(layer: Floats, found: Sequence[Found], weights: Floats) -> float:
    """How much of the mean grade, 0.35 to 1.

    layer: (N, 3) scene-linear ACEScg that is graded. found, weights (K,): the hypotheses and how probable each is. Grades are
    drawn from all of them; each in its turn is taken for the true one, and the strength is the one at which the layer's
    colours are least off, harm counted HARM times more.
    """
    rgb = layer[:: max(1, len(layer) // _PIXELS)]
    values = np.array([f.tones.values() for f in found])
    which = np.minimum(np.searchsorted(weights.cumsum(), (np.arange(_DRAWS) + 0.5) / _DRAWS), len(found) - 1)
    wide = np.array([np.linalg.cholesky(f.covariance) for f in found])[which]
    drawn = np.clip(values[which] + np.einsum("nij,nj->ni", wide, _draws()), -MOST, MOST)
    laid_on = np.array([_seen(Tones.of(s * (weights @ values)).applied(rgb)) for s in _STRENGTHS])
    off = np.array([np.linalg.norm(laid_on - _seen(Tones.of(v).applied(rgb)), axis=-1).mean(-1) for v in drawn])
    loss = (off + HARM * np.maximum(off - off[:, :1], 0)).mean(0)
    return float(_STRENGTHS[loss.argmin()])


@cache
def _draws() -> Floats:
    return np.random.default_rng(1).standard_normal((_DRAWS, 6))


def _seen(rgb: Floats) -> Floats:
    """(N, 3) pixels as L*, a*, b* of what a display shows, chroma bent so that distances look as large as they are.

    Source: CIE 94's weight of chroma, integrated.
    """
    x, y, z = np.moveaxis(np.cbrt(np.clip(rgb, 0, 1) @ (_XYZ / _XYZ.sum(1, keepdims=True)).T), -1, 0)
    ab = np.stack([500 * (x - y), 200 * (y - z)], axis=-1)
    chroma = np.linalg.norm(ab, axis=-1, keepdims=True) + 1e-9
    return np.concatenate([116 * y[..., None] - 16, ab * np.log1p(0.045 * chroma) / (0.045 * chroma)], axis=-1)
