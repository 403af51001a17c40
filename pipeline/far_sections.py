"""[[set.cards]] of the shot file: pictures that stand far away, for what needs no geometry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError

CARD_SHAPES = ("plane", "cylinder")


@dataclass(frozen=True, slots=True)
class SetCard:
    """[[set.cards]]: one picture with alpha that stands upright in the distance. See docs/sets.md.

    Its size is said by one of width_m, width_deg, height_m, height_deg (the picture's sides give the other), or by two.
    """

    name: str
    picture: Path  # EXR, PNG, TIFF, ...; alpha 0 where nothing stands
    distance_m: float  # from the first frame's camera, along the level
    base_px: tuple[float, float] | None = None  # where the middle of its lower edge is seen in the first frame
    bearing_deg: float | None = None  # instead: to the right of where the first frame's camera looks ...
    rise_deg: float = 0.0  # ... and how far its lower edge stands above the horizon
    width_m: float | None = None
    height_m: float | None = None
    width_deg: float | None = None
    height_deg: float | None = None
    shape: str = "plane"  # or "cylinder": a part of one about the first frame's camera
    depth: Path | None = None  # grey picture of its relief: white is near
    depth_m: float = 0.0  # how much nearer white stands than black
    haze_m: float | None = None  # metres of the plate's air before it; None: as far as it stands. 0: painted in
    exposure_ev: float = 0.0
    colorspace: str = ""  # OpenColorIO name; "": as the file says, else by its type
    shadow: bool = True  # it throws one, as set pieces do

    def __post_init__(self) -> None:
        if self.shape not in CARD_SHAPES:
            raise ConfigError(f'shape is {self.shape!r}, must be "plane" or "cylinder". Change it.')
        if not 1 <= self.distance_m <= 200_000:
            raise ConfigError(f"distance_m is {self.distance_m:g}, must be 1 to 200000. Change it.")
        if (self.base_px is None) == (self.bearing_deg is None):
            raise ConfigError("one of base_px and bearing_deg says where the card stands. Write one of them.")
        for axis in ("width", "height"):
            metres, degrees = getattr(self, f"{axis}_m"), getattr(self, f"{axis}_deg")
            if metres is not None and degrees is not None:
                raise ConfigError(f"{axis}_m and {axis}_deg are both given. Take one of them out.")
            if metres is not None and not 0 < metres < math.inf:
                raise ConfigError(f"{axis}_m is {metres:g}, must be above 0. Change it.")
            most = 360 if axis == "width" and self.shape == "cylinder" else 150
            if degrees is not None and not 0 < degrees <= most:
                raise ConfigError(f"{axis}_deg is {degrees:g}, must be above 0, at most {most}. Change it.")
        if all(v is None for v in (self.width_m, self.width_deg, self.height_m, self.height_deg)):
            raise ConfigError("the card has no size. Write width_m, width_deg, height_m or height_deg.")
        if (self.depth is None) != (self.depth_m == 0) or not 0 <= self.depth_m < self.distance_m:
            raise ConfigError("depth and depth_m belong together, and depth_m is less than distance_m. Change them.")
        if self.haze_m is not None and self.haze_m < 0:
            raise ConfigError(f"haze_m is {self.haze_m:g}, must be 0 or more. Change it.")
        if not -20 <= self.exposure_ev <= 20 or not -60 <= self.rise_deg <= 60:
            raise ConfigError("exposure_ev must be -20 to 20 and rise_deg -60 to 60. Change them.")


@dataclass(frozen=True, slots=True)
class FarCards:
    """Of [set]: its cards, as the stage that draws them takes them, so that they build and paint nothing again."""

    cards: tuple[SetCard, ...] = field(default=())

    def __post_init__(self) -> None:
        names = [card.name for card in self.cards]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"set: two cards are called {name!r}. Give each its own name.")
