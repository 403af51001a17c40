"""The grade of a layer, as measured and as a person says, and its air. No stage: match_look's first step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.look.grades import Measured
from calibration.look.haze import Haze
from calibration.look.tonestats import Tones
from pipeline.errors import ConfigError
from pipeline.kernels import color
from pipeline.kernels.color import RGB, Grade
from pipeline.types import VEIL

_SHARES = ("exposure", "balance", "lift", "contrast", "saturation", "follow", "crowd_match", "set_match")
_AS = {VEIL: "crowd"}  # whose grade a layer takes that has none of its own


@dataclass(frozen=True, slots=True)
class GradeParams:
    """The measured grade goes first, then what a person says per layer: exposure, CDL, saturation.

    exposure, balance, lift, contrast, saturation, black, follow: how much of each measured part counts, for every layer;
    crowd_match and set_match: how much of the measured grade. 0 turns one off.
    """

    exposure: float = 1.0
    balance: float = 1.0
    lift: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    black: float = 1.0  # of the lift of what is darker than the plate's black
    follow: float = 1.0  # of how the plate's exposure and white balance stray over time
    crowd_match: float = 1.0
    set_match: float = 1.0
    haze: float = 1.0  # times the measured extinction
    crowd_exposure_ev: float = 0.0
    crowd_saturation: float = 1.0
    crowd_slope: RGB = (1.0, 1.0, 1.0)
    crowd_offset: RGB = (0.0, 0.0, 0.0)
    crowd_power: RGB = (1.0, 1.0, 1.0)
    set_exposure_ev: float = 0.0
    set_saturation: float = 1.0
    set_slope: RGB = (1.0, 1.0, 1.0)
    set_offset: RGB = (0.0, 0.0, 0.0)
    set_power: RGB = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        for name, most in (*((share, 2) for share in _SHARES), ("black", 1.5)):
            if not 0 <= getattr(self, name) <= most:
                raise ConfigError(f"match_look.{name} is {getattr(self, name)}, must be 0 to {most}. 1 is as measured.")
        for layer in ("crowd", "set"):
            try:
                self.said(layer)
            except ValueError as error:
                raise ConfigError(f"match_look.{layer}_*: {error}") from error

    def said(self, layer: str) -> Grade:
        """The person's grade for a layer; a layer without settings of its own gets none."""
        layer = _AS.get(layer, layer)
        if layer not in ("crowd", "set"):
            return Grade()
        parts = ("exposure_ev", "slope", "offset", "power", "saturation")
        return Grade(**{part: getattr(self, f"{layer}_{part}") for part in parts})

    def counted(self, layer: str, measured: Measured) -> Tones:
        """Of the measured grade of a layer what a person lets count."""
        known = layer if layer in measured.matches else _AS.get(layer, layer)
        found, whole = measured.of(known), getattr(self, f"{_AS.get(layer, layer)}_match", 1.0)
        return Tones(
            exposure_ev=whole * self.exposure * found.exposure_ev,
            red=whole * self.balance * found.red,
            blue=whole * self.balance * found.blue,
            lift=whole * self.lift * found.lift,
            contrast_ev=whole * self.contrast * found.contrast_ev,
            saturation_ev=whole * self.saturation * found.saturation_ev,
        )

    def lifted(self, layer: str, measured: Measured, rgba: np.ndarray) -> np.ndarray:
        """A graded layer, (H, W, 4) float32, with what is darker than the plate's black lifted towards it; itself where it has no
        grade or the plate no black."""
        if measured.black is None or self.black == 0 or layer not in measured.matches:
            return rgba
        out = np.empty_like(rgba)
        color.lift_black(rgba, measured.black, self.black, out)
        return out

    def strayed(self, measured: Measured, frame: int) -> Grade:
        """The frame's exposure against the shot's: it comes last, as it came last upon the plate's air."""
        return strayed(measured, frame, self.follow)


def strayed(measured: Measured, frame: int, follow: float) -> Grade:
    """How the plate's exposure strays on a frame, `follow` times."""
    red, green, blue = (2.0 ** (follow * stops) for stops in measured.stops(frame))
    return Grade(slope=(red, green, blue))


def graded(
    rgba: np.ndarray,
    depth_m: np.ndarray,
    layer: str,
    measured: Measured,
    haze: Haze,
    strayed: Grade,
    params: GradeParams,
) -> np.ndarray:
    """Measured grade, blacks, the person's grade, air by depth, the frame's exposure: (H, W, 4) float32 premultiplied, a new
    array.

    depth_m: (H, W) float32, +inf where empty. Grades that change nothing leave the bits.
    """
    out = params.lifted(layer, measured, _by(rgba, params.counted(layer, measured).grade()))
    out = _by(out, params.said(layer))
    hazed = np.empty_like(rgba)
    color.haze(out, depth_m, np.array(haze.colour, np.float32), haze.extinction_per_m * params.haze, hazed)
    return _by(hazed, strayed)


def _by(rgba: np.ndarray, grade: Grade) -> np.ndarray:
    if grade == Grade():
        return rgba
    out = np.empty_like(rgba)
    color.grade(rgba, grade, out)
    return out
