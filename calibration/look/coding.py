"""How a movie's codes stand for light: one curve for its red, green and blue, and a matrix to ACEScg. Codecs do their work on
luma and chroma of these codes, and leave their noise there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.io.color import to_acescg

Array = NDArray[np.float32]
Curve = NDArray[np.float64]
STEPS = 1025
DARKEST = 0.03  # code: below it the curve's slope says little of what a codec changes
NOT_A_CURVE, FAINT = 0.02, 0.01  # relative error of a colour, and what counts as dark, beside white
STRAIGHT = 0.02
LUMA = 0.2126, 0.7152, 0.0722  # Rec.709, as 8 and 10 bit movies of cameras are coded


@dataclass(frozen=True, slots=True)
class Coding:
    """codes, linear: (K,) rising: the curve. acescg_from_rgb: (3, 3) of the codes' linear light, its rows sum to 1."""

    codes: Curve
    linear: Curve
    acescg_from_rgb: Curve

    def slope(self, level: Array | Curve) -> Array:
        """Light per code at a scene-linear level of one of its channels, any shape; held below DARKEST."""
        steps = np.gradient(self.linear, self.codes)
        level = np.maximum(level, np.interp(DARKEST, self.codes, self.linear))
        return np.interp(level, self.linear, steps).astype(np.float32)


def power_coding(gamma: float, acescg_from_rgb: Curve) -> Coding:
    """Codes 0 to 1 whose power is light."""
    codes = np.linspace(0, 1, STEPS)
    return Coding(codes, codes**gamma, acescg_from_rgb)


def coding_of(colorspace: str) -> Coding | None:
    """The curve and matrix of an OpenColorIO space; None where it is scene-linear or no one curve and matrix."""
    codes = np.linspace(0, 1, STEPS)
    ramp = np.repeat(codes[:, None], 3, axis=1).astype(np.float32)
    ends = np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype(np.float32)
    some = np.random.default_rng(1).uniform(0.1, 0.9, (64, 3)).astype(np.float32)
    grey, corners, mixed = (to_acescg(v[None], colorspace)[0].astype(np.float64) for v in (ramp, ends, some))
    linear = grey.mean(axis=1)
    if (np.diff(linear) <= 0).any() or np.abs(linear - np.interp(codes, [0, 1], linear[[0, -1]])).max() < STRAIGHT:
        return None
    matrix = (corners[1:] - corners[0]).T / (linear[-1] - linear[0])
    matrix /= matrix.sum(axis=1, keepdims=True)
    wanted = np.interp(some, codes, linear) @ matrix.T
    if (np.abs(wanted - mixed) / (np.abs(mixed) + FAINT * linear[-1])).max() > NOT_A_CURVE:
        return None
    return Coding(codes, linear, matrix)


def luma_chroma() -> Curve:
    """(3, 3) luma, blue and red difference of codes of red, green and blue (ITU-R BT.709)."""
    luma = np.array(LUMA)
    blue, red = (np.eye(3)[k] - luma for k in (2, 0))
    return np.stack([luma, blue / (2 * (1 - luma[2])), red / (2 * (1 - luma[0]))])
