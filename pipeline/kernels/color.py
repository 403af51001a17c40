"""Colour of a layer: exposure, CDL and saturation in one monotone step; haze by depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from pipeline.kernels.check import same_rgba, shaped

# Luminance of ACEScg (AP1, D60): SMPTE ST 2065-1 / S-2014-004, second row of AP1 to XYZ.
LUMINANCE = np.array([0.2722287168, 0.6740817658, 0.0536895174], np.float32)

RGB = tuple[float, float, float]


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
        _grade_linear(layer, *_linear(by), out)
        return
    gain = np.asarray(by.slope, np.float32) * np.float32(2.0**by.exposure_ev)
    offset = np.asarray(by.offset, np.float32)
    power = np.asarray(by.power, np.float32)
    _grade(layer, gain, offset, power, np.float32(by.saturation), LUMINANCE, out)


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
    _haze(layer, depth_m, np.asarray(colour, np.float32), np.float32(extinction_per_m), out)


def _linear(by: Grade) -> tuple[np.ndarray, np.ndarray]:
    """A grade without power as matrix (3, 3) and offset (3,): premultiplied colour needs no division then."""
    saturate = by.saturation * np.eye(3) + (1 - by.saturation) * LUMINANCE.astype(np.float64)
    matrix = saturate * (np.asarray(by.slope) * 2.0**by.exposure_ev)
    return matrix.astype(np.float32), (saturate @ np.asarray(by.offset)).astype(np.float32)


@njit(parallel=True, cache=True)
def _grade_linear(layer, matrix, offset, out):
    height, width, _ = out.shape
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    for y in prange(height):
        for x in range(width):
            red, green, blue = layer[y, x, 0], layer[y, x, 1], layer[y, x, 2]
            alpha = layer[y, x, 3]
            out[y, x, 0] = a * red + b * green + c * blue + offset[0] * alpha
            out[y, x, 1] = d * red + e * green + f * blue + offset[1] * alpha
            out[y, x, 2] = g * red + h * green + i * blue + offset[2] * alpha
            out[y, x, 3] = alpha


@njit(parallel=True, cache=True)
def _grade(layer, gain, offset, power, saturation, weights, out):
    height, width, _ = out.shape
    one, zero = np.float32(1), np.float32(0)
    for y in prange(height):
        for x in range(width):
            alpha = layer[y, x, 3]
            if alpha == zero:
                for c in range(3):
                    out[y, x, c] = layer[y, x, c] * gain[c]
                out[y, x, 3] = alpha
                continue
            rgb = (
                _curve(layer[y, x, 0] / alpha, gain[0], offset[0], power[0]),
                _curve(layer[y, x, 1] / alpha, gain[1], offset[1], power[1]),
                _curve(layer[y, x, 2] / alpha, gain[2], offset[2], power[2]),
            )
            grey = zero
            if saturation != one:
                grey = weights[0] * rgb[0] + weights[1] * rgb[1] + weights[2] * rgb[2]
            for c in range(3):
                out[y, x, c] = (grey * (one - saturation) + rgb[c] * saturation) * alpha
            out[y, x, 3] = alpha


@njit(inline="always")
def _curve(value, gain, offset, power):
    value = value * gain + offset
    if power != np.float32(1) and value > np.float32(0):
        value = value**power
    return value


@njit(parallel=True, cache=True)
def _haze(layer, depth, colour, extinction, out):
    height, width, _ = out.shape
    for y in prange(height):
        for x in range(width):
            through = np.exp(-extinction * depth[y, x])
            alpha = layer[y, x, 3]
            for c in range(3):
                out[y, x, c] = layer[y, x, c] * through + alpha * colour[c] * (np.float32(1) - through)
            out[y, x, 3] = alpha
