"""What a set of pixels tells of a grade: nine figures that a grade moves by about as much whatever the picture shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.color import LUMINANCE, RGB, Grade

Floats = NDArray[np.float64]
FIGURES = ("key", "low", "high", "lowest", "lit_red", "lit_blue", "dark_red", "dark_blue", "chroma")
PIVOT = 0.18  # mid grey: contrast turns about it
_FLOOR = 2.0**-10  # log2 of less says more of grain than of light
_KNEE = 0.25  # stops: a spread of nothing has a logarithm, too


@dataclass(frozen=True, slots=True)
class Tones:
    """A grade in the units in which grades are judged.

    exposure_ev: stops. red, blue: stops against green, luminance kept. lift: scene-linear. contrast_ev, saturation_ev:
    log2 of the factor; contrast turns about mid grey.
    """

    exposure_ev: float = 0.0
    red: float = 0.0
    blue: float = 0.0
    lift: float = 0.0
    contrast_ev: float = 0.0
    saturation_ev: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> Tones:
        return cls(*(float(v) for v in values))

    def values(self) -> Floats:
        """(6,) in the order of the fields."""
        return np.array(
            [self.exposure_ev, self.red, self.blue, self.lift, self.contrast_ev, self.saturation_ev], np.float64
        )

    def grade(self) -> Grade:
        """The same as exposure, CDL and saturation; no tones are exactly no grade."""
        if not self.values().any():
            return Grade()
        gains = 2.0 ** np.array([self.red, 0.0, self.blue])
        gains /= gains @ LUMINANCE.astype(np.float64)
        power = 2.0**self.contrast_ev
        onto_pivot = PIVOT ** ((1 - power) / power)
        slope = gains * onto_pivot
        offset = self.lift * onto_pivot
        return Grade(
            self.exposure_ev,
            (float(slope[0]), float(slope[1]), float(slope[2])),
            (offset, offset, offset),
            (power, power, power),
            2.0**self.saturation_ev,
        )

    def applied(self, rgb: Floats) -> Floats:
        """(N, 3) scene-linear pixels under this grade."""
        by = self.grade()
        bent = rgb * (np.array(by.slope) * 2.0**by.exposure_ev) + by.offset[0]
        bent = np.where(bent > 0, np.maximum(bent, 1e-12) ** by.power[0], bent)
        grey = (bent @ LUMINANCE.astype(np.float64))[:, None]
        return np.asarray(grey + (bent - grey) * by.saturation)

    def undone(self, rgb: Floats) -> Floats:
        """(N, 3) pixels of a picture that went through this grade, as they were before it."""
        by = self.grade()
        grey = (rgb @ LUMINANCE.astype(np.float64))[:, None]
        bent = grey + (rgb - grey) / by.saturation
        bent = np.where(bent > 0, np.maximum(bent, 1e-12) ** (1 / by.power[0]), bent)
        return np.asarray((bent - by.offset[0]) / (np.array(by.slope) * 2.0**by.exposure_ev))


def tone_stats(rgb: Floats, light: RGB = (1.0, 1.0, 1.0)) -> Floats:
    """FIGURES (9,) of pixels (N, 3), scene-linear, seen as reflectances under `light`.

    key: mean log2 luminance. low, high, lowest: log2 of how many stops the 10%, 90% and 2% quantiles lie off it. lit_, dark_:
    mean log2 of red and blue against green above and below the median luminance. chroma: log2 of their spread.
    """
    seen = rgb / np.array(light)
    logs = np.log2(np.maximum(seen, _FLOOR))
    light_of = np.log2(np.maximum(seen @ LUMINANCE.astype(np.float64), _FLOOR))
    q02, q10, q50, q90 = np.quantile(light_of, [0.02, 0.10, 0.5, 0.90])
    key = light_of.mean()
    ratios = logs[:, [0, 2]] - logs[:, 1:2]
    lit = light_of >= q50
    spreads = np.log2(np.maximum([key - q10, q90 - key, key - q02], 0.0) + _KNEE)
    chroma = np.log2(float(np.sqrt(ratios.var(axis=0).sum())) + 0.05)
    return np.array([key, *spreads, *ratios[lit].mean(0), *ratios[~lit].mean(0), chroma])
