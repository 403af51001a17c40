"""[sky] of the shot or show file: what stands behind everything instead of the plate's own sky."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError

MODELS = ("", "clear", "overcast")
LEVELS = ("plate", "file")


@dataclass(frozen=True, slots=True)
class SkyBrief:
    """[sky]: a picture or a model of the sky, fixed in the solved world, infinitely far. Neither: the plate keeps its own.

    picture: a panorama once round (lat-long), or with fov_deg a flat picture. See docs/sky.md.
    """

    picture: Path | None = None  # EXR, HDR, TIFF, PNG, ...
    colorspace: str = ""  # OpenColorIO name; "": as the file says, else by its type
    horizon: float | None = (
        None  # of a panorama: at which share of its height the horizon lies, 0 top; None: the middle
    )
    yaw_deg: float = 0.0  # what a panorama's middle, or a flat picture's, stands to the right of where the camera looks
    rise_deg: float = 0.0  # how far everything is raised above the world's horizon
    fov_deg: float = 0.0  # how wide a flat picture is seen; 0: it is a panorama
    model: str = ""  # instead of a picture: clear | overcast, by the shot's sun
    turbidity: float = 3.0  # of the clear model: 2 the clearest air, 10 haze
    level: str = "plate"  # as bright as the plate's sky was, or as the "file" (the model) says ...
    exposure_ev: float = 0.0  # ... and this much brighter
    saturation: float = 1.0
    haze: float = 0.5  # 0 .. 1, how much of the plate's air stands before it at the horizon ...
    haze_deg: float = 3.0  # ... and how far above it 1/e of that is left

    def __post_init__(self) -> None:
        if self.picture is not None and self.model:
            raise ConfigError("picture and model are both given. Take one of them out.")
        for name, known in (("model", MODELS), ("level", LEVELS)):
            if getattr(self, name) not in known:
                words = ", ".join(f'"{word}"' for word in known if word)
                raise ConfigError(f"{name} is {getattr(self, name)!r}, must be one of {words}. Change it.")
        for name, least, most in (
            ("yaw_deg", -360, 360),
            ("rise_deg", -60, 60),
            ("turbidity", 1.7, 10),
            ("exposure_ev", -20, 20),
            ("saturation", 0, 4),
            ("haze", 0, 1),
            ("haze_deg", 0.1, 90),
        ):
            if not least <= getattr(self, name) <= most:
                raise ConfigError(f"{name} is {getattr(self, name):g}, must be {least:g} to {most:g}. Change it.")
        if self.fov_deg and not 1 <= self.fov_deg <= 150:
            raise ConfigError(f"fov_deg is {self.fov_deg:g}, must be 1 to 150, or 0 for a panorama. Change it.")
        if self.horizon is not None and not 0 < self.horizon <= 1:
            raise ConfigError(
                f"horizon is {self.horizon:g}, must be above 0, at most 1: a share of the height. Change it."
            )
        if self.horizon is not None and self.fov_deg:
            raise ConfigError("horizon is of a panorama. Of a flat picture write rise_deg, where its middle stands.")
        if self.picture is None and (self.fov_deg or self.horizon is not None or self.colorspace):
            raise ConfigError("fov_deg, horizon and colorspace are of a picture, and there is none. Write picture.")

    @property
    def some(self) -> bool:
        """Is the plate's sky replaced?"""
        return self.picture is not None or self.model != ""


@dataclass(frozen=True, slots=True)
class SkyWanted:
    """Of [sky]: whether there is one, as the stage that finds the plate's sky takes it: no new picture pulls a matte again."""

    some: bool = False
