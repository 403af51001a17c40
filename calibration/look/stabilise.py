"""Pictures whose grain has the same size everywhere: a curve per channel that undoes the profile's law of levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.grain import Grain

Array = NDArray[np.float32]
STEPS = 4096
LEAST_SIGMA = 1e-3  # of the profile's largest: a profile may say 0 at black


@dataclass(frozen=True, slots=True)
class Stabiliser:
    """The integral of 1 / sigma as a table, (3, STEPS) of camera levels and of what they become."""

    levels: NDArray[np.float64]
    values: NDArray[np.float64]
    grain: Grain

    def __call__(self, picture: Array) -> Array:
        """ACEScg (H, W, 3) to camera channels on a scale on which the grain's standard deviation is 1."""
        return self._each(picture @ self.grain.camera_from_acescg.T, self.levels, self.values)

    def back(self, picture: Array) -> Array:
        """From that scale to ACEScg."""
        return self._each(picture, self.values, self.levels) @ self.grain.acescg_from_camera.T

    @staticmethod
    def _each(picture: Array, at: NDArray[np.float64], values: NDArray[np.float64]) -> Array:
        return np.stack([np.interp(picture[..., c], at[c], values[c]) for c in range(3)], axis=-1).astype(np.float32)


def stabiliser(grain: Grain, *pictures: Array) -> Stabiliser:
    """For these pictures, (H, W, 3) finite ACEScg; what lies outside their range is held.

    Source: Foi, Trimeche, Katkovnik, Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for
    single-image raw-data", IEEE TIP 2008, with the profile's curve instead of a formula.
    """
    camera = [p @ grain.camera_from_acescg.T for p in pictures]
    lowest, highest = min(float(c.min()) for c in camera), max(float(c.max()) for c in camera)
    steps = np.linspace(0, 1, STEPS) ** 2  # dense in the shadows, where sigma bends
    levels, values = np.empty((3, STEPS)), np.empty((3, STEPS))
    for c in range(3):
        levels[c] = lowest + max(highest - lowest, 1e-6) * steps
        sigma = np.interp(levels[c], grain.levels[c], grain.sigmas[c])
        slope = 1 / np.maximum(sigma, LEAST_SIGMA * max(float(grain.sigmas[c].max()), 1e-9))
        values[c] = np.r_[0, np.cumsum(np.diff(levels[c]) * (slope[1:] + slope[:-1]) / 2)]
    return Stabiliser(levels, values, grain)
