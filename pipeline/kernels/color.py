"""Colour of a layer: exposure, CDL and saturation in one monotone step; haze by depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.kernels import comprows as rows
from pipeline.kernels.bands import in_bands
from pipeline.kernels.check import same_rgba, shaped
from pipeline.kernels.gradelanes import SIXTEEN, grade_sixteen

# Luminance of ACEScg (AP1, D60): SMPTE ST 2065-1 / S-2014-004, second row of AP1 to XYZ.
LUMINANCE = np.array([0.2722287168, 0.6740817658, 0.0536895174], np.float32)

RGB = tuple[float, float, float]
_LIFT = 2 / 3  # of what a tone lacks of a black


@dataclass(frozen=True, slots=True)
class Grade:
    """exposure, then ASC CDL slope, offset, power, then saturation about the luminance of ACEScg.

    Each channel's curve rises everywhere, so no grade can turn light and dark around. Raises ValueError otherwise.
    """

    exposure_ev: float = 0.0
    slope: RGB = (1.0, 1.0, 1.0)
    offset: RGB = (0.0, 0.0, 0.0)
    power: RGB = (1.0, 1.0, 1.0)
    saturation: float = 1.0

    def __post_init__(self) -> None:
        if min(self.slope) <= 0 or min(self.power) <= 0 or self.saturation < 0:
            raise ValueError(f"{self}: slope and power must be above 0, saturation 0 or more, or tones turn around.")
        if abs(self.exposure_ev) > 16:
            raise ValueError(f"{self}: exposure_ev beyond 16 stops is surely a slip.")


def grade(layer: np.ndarray, by: Grade, out: np.ndarray) -> None:
    """Grade a premultiplied layer: unpremultiply, exposure, CDL, saturation, premultiply; alpha stays.

    layer, out: (H, W, 4) float32 scene-linear ACEScg; `out` may be `layer`. Where alpha is 0 the colour is pure light and
    gets no offset and no power. Values below 0 keep clear of the power, as in most grading tools.

    Source: ASC Color Decision List, transfer functions v1.2 (2009), without its clamp: scene-linear goes above 1.
    """
    same_rgba(layer=layer, out=out)
    if by.power == (1.0, 1.0, 1.0):
        matrix, shift = linear(by)
        in_bands(len(out), lambda top, bottom: _grade_linear(top, bottom, layer, matrix, shift, out))
        return
    gain = np.multiply(by.slope, 2.0**by.exposure_ev)
    grey = (1 - by.saturation) * LUMINANCE
    terms = np.concatenate([gain, by.offset, by.power, grey, [by.saturation]]).astype(np.float32)
    in_bands(len(out), lambda top, bottom: _grade(top, bottom, layer, terms, out))


def haze(layer: np.ndarray, depth_m: np.ndarray, colour: np.ndarray, extinction_per_m: float, out: np.ndarray) -> None:
    """Put air before a layer: rgb * t + alpha * colour * (1 - t), t = exp(-extinction * depth).

    layer, out: (H, W, 4) float32 premultiplied scene-linear; depth_m: (H, W) float32, +inf where empty; colour: (3,)
    scene-linear radiance of endless air; extinction_per_m >= 0. Alpha stays. An extinction of 0 leaves the bits.

    Source: Koschmieder, "Theorie der horizontalen Sichtweite", 1924.
    """
    size = same_rgba(layer=layer, out=out)
    shaped(size, depth_m=depth_m)
    if extinction_per_m < 0:
        raise ValueError(f"extinction_per_m is {extinction_per_m}; air cannot add light to what it hides.")
    if extinction_per_m == 0:
        out[...] = layer
        return
    air = depth_m, np.asarray(colour, np.float32), np.float32(extinction_per_m)
    in_bands(len(out), lambda top, bottom: _haze(top, bottom, layer, *air, out))


def lift_black(layer: np.ndarray, black: RGB, strength: float, out: np.ndarray) -> None:
    """Lift what of a premultiplied layer is darker than a black: two thirds of what lacks in luminance, in the black's colour.

    layer, out: (H, W, 4) float32 scene-linear ACEScg, `out` may be `layer`; black: not below 0, a quarter of it on both sides of
    it is the bend; strength: times the lift, 0 .. 1.5. The curve rises everywhere. What is lighter and empty keeps its bits.
    """
    same_rgba(layer=layer, out=out)
    if min(black) < 0 or not 0 <= strength <= 1.5:
        raise ValueError(f"black {black} must not be below 0, strength {strength} must be 0 to 1.5.")
    level = float(np.dot(black, LUMINANCE))
    if strength * level == 0:
        out[...] = layer
        return
    colour = (np.array(black) / level * strength * _LIFT).astype(np.float32)
    in_bands(len(out), lambda top, bottom: _lift_black(top, bottom, layer, colour, LUMINANCE, np.float32(level), out))


def linear(by: Grade) -> tuple[np.ndarray, np.ndarray]:
    """A grade without power as matrix (3, 3) and offset (3,): premultiplied colour needs no division then."""
    saturate = by.saturation * np.eye(3) + (1 - by.saturation) * LUMINANCE.astype(np.float64)
    matrix = saturate * (np.asarray(by.slope) * 2.0**by.exposure_ev)
    return matrix.astype(np.float32), (saturate @ np.asarray(by.offset)).astype(np.float32)


@njit(nogil=True, cache=True)
def _grade_linear(top, bottom, layer, matrix, offset, out):
    width = out.shape[1]
    for left in range(0, width, rows.COLUMNS):
        right = min(left + rows.COLUMNS, width)
        rgba = np.empty((4, right - left), np.float32)
        for y in range(top, bottom):
            rows.load_pixels(layer[y, left:right], rgba)
            rows.grade_linear_row(rgba, matrix, offset)
            rows.store_pixels(rgba, out[y, left:right])


@njit(nogil=True, cache=True)
def _lift_black(top, bottom, layer, colour, weights, level, out):
    bend = np.float32(0.25) * level
    for y in range(top, bottom):
        for x in range(out.shape[1]):
            alpha = layer[y, x, 3]
            light = weights[0] * layer[y, x, 0] + weights[1] * layer[y, x, 1] + weights[2] * layer[y, x, 2]
            lack, lift = level * alpha - light, np.float32(0)  # premultiplied, as what is added will be
            if alpha > 0 and lack > -bend * alpha:
                lift = lack
                if lack < bend * alpha:
                    lift = (lack + bend * alpha) ** 2 / (np.float32(4) * bend * alpha)
            for c in range(3):
                out[y, x, c] = layer[y, x, c] + lift * colour[c]
            out[y, x, 3] = alpha


@njit(nogil=True, cache=True)
def _grade(top, bottom, layer, terms, out):
    width = out.shape[1]
    whole = width - width % SIXTEEN
    rest = np.zeros((SIXTEEN, 4), np.float32)
    for y in range(top, bottom):
        before, after = layer[y], out[y]
        for x in range(0, whole, SIXTEEN):
            grade_sixteen(before, after, x, terms)
        if whole < width:
            rest[: width - whole] = before[whole:]
            grade_sixteen(rest, rest, 0, terms)
            after[whole:] = rest[: width - whole]


@njit(nogil=True, cache=True)
def _haze(top, bottom, layer, depth, colour, extinction, out):
    width = out.shape[1]
    for left in range(0, width, rows.COLUMNS):
        right = min(left + rows.COLUMNS, width)
        rgba = np.empty((4, right - left), np.float32)
        for y in range(top, bottom):
            rows.load_pixels(layer[y, left:right], rgba)
            rows.haze_row(rgba, depth[y, left:right], colour, extinction)
            rows.store_pixels(rgba, out[y, left:right])
