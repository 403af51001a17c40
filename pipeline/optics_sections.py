"""[lens] of the shot file: focus, iris and what the lens does to light. What is left out is measured in the plate."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from pipeline.errors import ConfigError

Keys = tuple[tuple[int, float], ...]  # frame, value


@dataclass(frozen=True, slots=True)
class LensFacts:
    """[lens]: what the camera report says of the lens, which goes before what the plate tells.

    focus_m: distance in focus along the lens's axis, for the whole shot or as [frame, metres] keys, between which one over
    the distance goes straight; inf is allowed. blades: straight edges of the iris, 0 round; blades_deg turns its corners.
    shutter_phase_deg: where it opens, from the moment that the solved camera shows; None: half its angle before, centred.
    softness_px: sigma of the lens in focus. vignette: terms a, b of the light exp(-(a r^2 + b r^4)), r = 1 at the corner.
    aberration: shares by which the red and the blue picture are larger than the green one.
    glow: share of the light above white that is scattered, and the radius of that in pixels. None: measured; 0: none.
    """

    f_number: float = 0.0  # 0: not known
    focus_m: float | Keys | None = None
    blades: int = 0
    blades_deg: float = 0.0
    shutter_phase_deg: float | None = None
    softness_px: float | None = None
    vignette: tuple[float, float] | None = None
    aberration: tuple[float, float] | None = None
    glow: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.f_number and not 0.5 <= self.f_number <= 64:
            raise ConfigError(f"f_number is {self.f_number:g}, must be 0.5 to 64, or 0 where nobody knows. Change it.")
        if self.blades and not 4 <= self.blades <= 20:
            raise ConfigError(f"blades is {self.blades}, must be 4 to 20, or 0 for a round iris. Change it.")
        limits = (
            ("shutter_phase_deg", -360, 360),
            ("softness_px", 0, 20),
            ("vignette", 0, 4),
            ("aberration", -0.02, 0.02),
            ("glow", 0, 256),
        )
        for name, low, high in limits:
            said = getattr(self, name)
            for value in said if isinstance(said, tuple) else () if said is None else (said,):
                if not low <= value <= high:
                    raise ConfigError(f"{name} is {value:g}, must be {low:g} to {high:g}. Change it.")
        if isinstance(self.focus_m, tuple) and not self.focus_m:
            raise ConfigError("focus_m holds no key. Write metres, or [[frame, metres], ...].")
        for frame, metres in self.focus_keys:
            if not metres >= 0.05:
                raise ConfigError(f"focus_m is {metres:g} at frame {frame}, must be 0.05 m or more. Change it.")
        for (frame, _), (later, _) in pairwise(self.focus_keys):
            if later <= frame:
                raise ConfigError(f"focus_m: key {later} comes after key {frame}. Put the keys in the order of time.")

    @property
    def focus_keys(self) -> Keys:
        """The focus as keys; none when nothing was said."""
        if self.focus_m is None:
            return ()
        return self.focus_m if isinstance(self.focus_m, tuple) else ((0, self.focus_m),)


NOTHING_SAID = LensFacts()
