"""The shot file's sections, as `pipeline.config` builds them: what people ask for, checked one by one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.far_sections import SetCard


@dataclass(frozen=True, slots=True)
class ShotInfo:
    """[shot]: whose shot this is."""

    name: str
    version: int = 1
    first_frame: int = 1001


@dataclass(frozen=True, slots=True)
class PlateSource:
    """[plate]: the camera original and what is known of it. Paths are relative to the shot file."""

    path: Path  # a movie, a folder of frames, a pattern (plate.%04d.exr, plate.####.dpx) or one frame of a sequence
    colorspace: str = ""  # OpenColorIO name; empty: by type of file, and said in the report
    frame_rate: str = ""  # "24000/1001"; empty: the file's own, else 24
    pixel_aspect: float = 0.0  # 0: the file's own


MATTE_KINDS = ("", "roto", "difference", "key")
MATTE_JOINS = ("max", "min", "multiply")
SCREENS = ("", "green", "blue")


@dataclass(frozen=True, slots=True)
class MatteSource:
    """[mattes]: how what stands in front of every layer is found. White = in front. See docs/mattes.md."""

    path: Path | None = None  # supplied roto, frames of PNG, TIFF or EXR
    kind: str = ""  # roto | difference | key; "": roto where a path is given, else difference
    screen: str | tuple[float, float, float] = ""  # of a key: green | blue | its scene-linear ACEScg; "": looked for
    combine: str = "max"  # how a roto joins a key or a difference: max (adds), min or multiply (takes away)
    channel: str = ""  # of EXR mattes: "roto.A"; "": A, else the first that may be one
    first: int = 0  # number of the file that belongs to the shot's first frame; 0: by their numbers or their count
    garbage: Path | None = None  # white = never in front, whatever the picture shows there
    holdout: Path | None = None  # white = always in front
    clean_plate: Path | None = None  # the bare screen, one picture or as many as frames

    def __post_init__(self) -> None:
        for name, value, known in (("kind", self.kind, MATTE_KINDS), ("combine", self.combine, MATTE_JOINS)):
            if value not in known:
                said = ", ".join(repr(k) for k in known if k)
                raise ConfigError(f"{name} is {value!r}, must be one of {said}. Change it.")
        if isinstance(self.screen, str) and self.screen not in SCREENS:
            raise ConfigError(f"screen is {self.screen!r}, must be 'green', 'blue' or its colour [r, g, b]. Change it.")
        if self.kind == "roto" and self.path is None:
            raise ConfigError("kind is 'roto', but no path is given. Add path, or another kind.")
        if self.kind != "key" and (self.screen != "" or self.clean_plate):
            raise ConfigError('screen and clean_plate belong to a key. Add kind = "key".')

    @property
    def method(self) -> str:
        """roto | difference | key."""
        return self.kind or ("roto" if self.path else "difference")


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """[camera]: what was written down on set. 0 means unknown."""

    height_m: float = 0.0  # lens above the ground at the first frame: sets the world's scale
    focal_mm: float = 0.0
    sensor_width_mm: float = 0.0
    focal_sigma_mm: float = 0.0  # one standard deviation of focal_mm, its sensor's width counted in; 0: held
    squeeze: float = 0.0  # of an anamorphic lens; 0: the plate's pixel aspect from 1.2 on, else none
    shutter_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.focal_sigma_mm < 0 or (self.focal_mm and self.focal_sigma_mm > self.focal_mm / 2):
            raise ConfigError(
                f"focal_sigma_mm is {self.focal_sigma_mm:g}, must be 0 to half of focal_mm. A lens's marking is 1 or 2% off."
            )


@dataclass(frozen=True, slots=True)
class LightFacts:
    """[light]: where the sun stands, as the first frame's camera sees it. One sun lights the crowd, the set, the shadows.

    sun_azimuth_deg: 0 behind the camera (world +Z), 90 from the right (+X), 180 from ahead, 270 from the left.
    sun_elevation_deg: above the horizon. sun_rgb, sky_rgb: linear ACEScg; a matte white that faces the sun sends back
    their sum. source: "said" takes these, "plate" what the plate's shadows tell. shadow_rgb: what a full shadow leaves
    of the ground's light, instead of what is measured. relight: "auto" brings pictures that were painted in another light
    into this one, "off" leaves them. relight_strength: how much of the way, 0 .. 1.
    """

    sun_azimuth_deg: float = 40.0
    sun_elevation_deg: float = 38.0
    sun_rgb: tuple[float, float, float] = (0.90, 0.80, 0.66)
    sky_rgb: tuple[float, float, float] = (0.20, 0.23, 0.29)
    source: str = "said"
    shadow_rgb: tuple[float, float, float] | None = None
    relight: str = "auto"
    relight_strength: float = 1.0

    def __post_init__(self) -> None:
        if not -5 <= self.sun_elevation_deg <= 90:
            raise ConfigError(f"sun_elevation_deg is {self.sun_elevation_deg:g}, must be -5 to 90. Change it.")
        for name in ("sun_rgb", "sky_rgb"):
            light = getattr(self, name)
            if len(light) != 3 or min(light) < 0:
                raise ConfigError(f"{name} is {light}, must be three numbers of 0 or more. Change it.")
        if self.relight not in ("auto", "off"):
            raise ConfigError(f'light relight is {self.relight!r}, must be "auto" or "off". Change it.')
        if not 0 <= self.relight_strength <= 1:
            raise ConfigError(f"relight_strength is {self.relight_strength:g}, must be 0 to 1. Change it.")
        if self.source not in ("said", "plate"):
            raise ConfigError(f'light source is {self.source!r}, must be "said" or "plate". Change it.')
        if self.shadow_rgb is not None and not (len(self.shadow_rgb) == 3 and all(0 < v <= 1 for v in self.shadow_rgb)):
            raise ConfigError(f"shadow_rgb is {self.shadow_rgb}, must be three numbers above 0, at most 1. Change it.")

    @property
    def to_sun(self) -> tuple[float, float, float]:
        """Unit vector to the sun, in the world."""
        return to_sun(self.sun_azimuth_deg, self.sun_elevation_deg)


def to_sun(azimuth_deg: float, elevation_deg: float) -> tuple[float, float, float]:
    """Unit vector to the sun, in the world, of angles as LightFacts has them."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    flat = math.cos(elevation)
    return flat * math.sin(azimuth), math.sin(elevation), flat * math.cos(azimuth)


@dataclass(frozen=True, slots=True)
class SetPiece:
    """[[set.pieces]]: one proxy of a set extension, placed by a pixel of the first frame and a distance, or in metres."""

    name: str
    kind: str | None = None  # a builder of assets/sets/pieces.py; None: a fortress, or the file
    file: Path | None = None  # instead of a kind: USD, glTF, OBJ, STL, PLY (docs/sets.md)
    asset: Path | None = None  # instead of both: the folder of a set that `battleplate set save` kept
    unit: str = ""  # of the file: mm, cm, m, km, in, ft; "": as it says, else m
    up: str = ""  # of the file: Y, Z; "": as it says, else Y
    scale: float = 1.0  # of the file
    # what of the file stands at its place: "base", the middle of its plan at its lowest point, or "origin"
    pivot: str = "base"
    snap: str = "ground"  # "points": the base moves to the solved points near it
    base_px: tuple[float, float] | None = None  # where the middle of its base is seen in the first frame
    distance_m: float = 0.0  # from the camera, along that pixel's ray; 0: where the ray meets the ground
    base_m: tuple[float, float, float] | None = None
    width_m: float | None = None  # None: 60; of a file, as it is
    height_m: float | None = None  # None: 14; of a file, as it is
    yaw_deg: float | None = None  # None: faces the camera
    material: str = "stone"
    seed: int = 1
    take: str = field(default="", metadata={"decides": False})  # that was picked; "": none. It builds nothing

    def __post_init__(self) -> None:
        said = (("unit", ("", "mm", "cm", "m", "km", "in", "ft")), ("up", ("", "Y", "Z")),
                ("pivot", ("base", "origin")), ("snap", ("ground", "points")))  # fmt: skip
        for name, known in said:
            if getattr(self, name) not in known:
                words = ", ".join(f'"{word}"' for word in known if word)
                raise ConfigError(f"{name} is {getattr(self, name)!r}, must be one of {words}. Change it.")
        for name in ("base_px", "base_m", "distance_m", "yaw_deg"):
            value = getattr(self, name)
            if value is not None and not all(map(math.isfinite, value if isinstance(value, tuple) else (value,))):
                raise ConfigError(f"{name} is {value}, must be finite numbers. Change it.")
        if self.distance_m < 0:
            raise ConfigError(f"distance_m is {self.distance_m:g}, must be 0, the ground, or more. Change it.")
        for name in ("scale", "width_m", "height_m") if self.file else ():
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{name} is {value:g}, must be above 0. Change it.")
        if self.asset is not None and (self.kind or self.file or self.width_m or self.height_m):
            raise ConfigError(f"asset {self.asset.name} has its own shape. Take kind, file, width_m and height_m out.")
        if self.file is None and (self.unit or self.up or self.scale != 1 or self.pivot != "base"):
            raise ConfigError(
                "unit, up, scale and pivot are of a file, and there is none. Write file, or take them out."
            )
        if self.file is not None and self.kind is not None:
            raise ConfigError(f"kind {self.kind!r} and file {self.file.name} are both given. Take one of them out.")

    @property
    def of(self) -> Path | None:
        """The file or folder that it is, if it is no kind."""
        return self.asset or self.file


@dataclass(frozen=True, slots=True)
class SetBrief:
    """[set]: what is built where the plate ends."""

    pieces: tuple[SetPiece, ...] = ()
    seed: int = 1
    provider: str | tuple[str, ...] = "builtin"  # as in [crowd]
    cards: tuple[SetCard, ...] = field(default=(), metadata={"decides": False})  # drawn as they are: FarCards


TAKE = re.compile(r"t(0[1-9]|[1-5][0-9]|6[0-4])")


@dataclass(frozen=True, slots=True)
class CrowdPicks:
    """[crowd.picks], the show's and the shot's: (character, take) pairs, sorted (docs/takes.md)."""

    takes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _known_takes(self.takes)


@dataclass(frozen=True, slots=True)
class SetPicks:
    """The takes that were picked for set pieces: (piece, take) pairs. folder: where the shot's proposed ones lie."""

    takes: tuple[tuple[str, str], ...] = ()
    folder: Path = field(default=Path("takes"), metadata={"decides": False})

    def __post_init__(self) -> None:
        _known_takes(self.takes)


def _known_takes(takes: tuple[tuple[str, str], ...]) -> None:
    for name, take in takes:
        if not TAKE.fullmatch(take):
            raise ConfigError(f"{name} = {take!r} is no take's name. Write t01 to t64, as on its contact sheet.")


@dataclass(frozen=True, slots=True)
class DeliveryBrief:
    """[delivery]: what is handed on, and where (relative to the shot file)."""

    folder: str = "delivery"  # a place, not an input: what lies there decides nothing
    display: str = "sRGB - Display"
    view: str = "ACES 2.0 - SDR 100 nits (Rec.709)"


@dataclass(frozen=True, slots=True)
class Consent:
    """[consent]: who agreed in writing, and where that is kept. Words, never the paper itself; decides no pixel."""

    final_pixels: str = (
        ""  # that generated pictures are final pixels of this shot: "letter of the producer, 2026-11-02"
    )
    talent: str = ""  # of everyone whose likeness is generated or changed; "none" where nobody's is
