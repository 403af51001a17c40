"""A monocular guess brought to metres: scale and shift by what is known, then a smooth correction towards it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
LEAST = 24  # known pixels, or nothing can be aligned
_ROUNDS = 12  # of the robust line
_FAR = 2.0  # robust standard deviations from which a known pixel counts less
_NEAR = 0.08  # of the picture's width: how far a known pixel's correction reaches
_MOST = 1.6  # times, at most, that the correction changes an inverse depth
_GOOD = 0.15  # relative error within which the guess is called right
_FLOOR = 1e-5  # 1/m: 100 km


@dataclass(frozen=True, eq=False)
class Aligned:
    """inverse_depth: (h, w) float32 1/m, above 0. agreement: 0..1, the share of what is known that it tells within 15%,
    before the correction: what the guess is worth by itself."""

    inverse_depth: Floats
    agreement: float


def aligned(nearness: Floats, known: Floats, weight: Floats) -> Aligned | None:
    """Align `nearness` to `known`; None where too little is known, or where the guess runs against it.

    nearness: (h, w) float32, larger is nearer, linear in inverse depth but for scale and shift (Ranftl and others, TPAMI 2022).
    known: (h, w) float32 inverse depth, 0 where nothing is known. weight: (h, w) float32 0..1, how sure that is.
    """
    y, x = np.nonzero((known > 0) & (weight > 0))
    if len(y) < LEAST:
        return None
    guess, truth, sure = (a[y, x].astype(np.float64) for a in (nearness, known, weight))
    line = _line(guess, truth, sure)
    if line is None:
        return None
    scale, shift = line
    floor = max(_FLOOR, 0.05 * float(np.quantile(truth, 0.02)))
    straight = np.maximum(scale * nearness + shift, floor).astype(np.float32)
    off = np.abs(straight[y, x] / truth - 1)
    agreement = float((sure * (off < _GOOD)).sum() / sure.sum())
    return Aligned(_corrected(straight, known, weight), agreement)


def _line(guess: npt.NDArray, truth: npt.NDArray, sure: npt.NDArray) -> tuple[float, float] | None:
    """Scale and shift that bring guess to truth, relative errors counting and Cauchy's weights for those that are far off.

    Source: Holland and Welsch, "Robust regression using iteratively reweighted least-squares", 1977.
    """
    if np.ptp(guess) <= 1e-9:
        return None
    design, trust = np.stack([guess, np.ones_like(guess)], axis=1), sure / truth
    scale, shift = 0.0, 0.0
    for _ in range(_ROUNDS):
        scale, shift = np.linalg.lstsq(design * trust[:, None], truth * trust, rcond=None)[0]
        off = (scale * guess + shift - truth) / truth
        spread = max(1.4826 * float(np.median(np.abs(off))), 1e-4)
        trust = sure / truth / np.sqrt(1 + (off / (_FAR * spread)) ** 2)
    return (float(scale), float(shift)) if scale > 0 else None


def _corrected(straight: Floats, known: Floats, weight: Floats) -> Floats:
    """Times what known pixels around say, smoothly: a guess bends where it has no feature to hold on to."""
    there = np.where(known > 0, weight, 0).astype(np.float32)
    ratio = np.where(known > 0, np.log(np.maximum(known, _FLOOR) / straight), 0).astype(np.float32)
    ratio = np.clip(ratio, -np.log(_MOST), np.log(_MOST)) * there
    sigma = _NEAR * straight.shape[1]
    amount, total = (cv2.GaussianBlur(a, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for a in (there, ratio))
    hold = np.float32(0.05 * max(float(amount.max()), 1e-9))  # where little is known nearby the straight line stands
    return (straight * np.exp(total / (amount + hold))).astype(np.float32)
