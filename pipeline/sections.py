"""The shot file's sections, as `pipeline.config` builds them: what people ask for, checked one by one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError


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
    shutter_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class LightFacts:
    """[light]: where the sun stands, as the first frame's camera sees it. One sun lights the crowd, the set, the shadows.

    sun_azimuth_deg: 0 behind the camera (world +Z), 90 from the right (+X), 180 from ahead, 270 from the left.
    sun_elevation_deg: above the horizon. sun_rgb, sky_rgb: linear ACEScg; a matte white that faces the sun sends back
    their sum. source: "said" takes these, "plate" what the plate's shadows tell. shadow_rgb: what a full shadow leaves
    of the ground's light, instead of what is measured.
    """

    sun_azimuth_deg: float = 40.0
    sun_elevation_deg: float = 38.0
    sun_rgb: tuple[float, float, float] = (0.90, 0.80, 0.66)
    sky_rgb: tuple[float, float, float] = (0.20, 0.23, 0.29)
    source: str = "said"
    shadow_rgb: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if not -5 <= self.sun_elevation_deg <= 90:
            raise ConfigError(f"sun_elevation_deg is {self.sun_elevation_deg:g}, must be -5 to 90. Change it.")
        for name in ("sun_rgb", "sky_rgb"):
            light = getattr(self, name)
            if len(light) != 3 or min(light) < 0:
                raise ConfigError(f"{name} is {light}, must be three numbers of 0 or more. Change it.")
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


Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Wave:
    """A front that runs over a zone: whoever it reaches begins."""

    towards_deg: float  # heading about Y in which it runs, 0 = +Z
    speed_mps: float = 5.0

    def __post_init__(self) -> None:
        _above("wave.speed_mps", self.speed_mps, 0)


@dataclass(frozen=True, slots=True)
class Ripple:
    """As a wave, but from one point to all sides: a pixel of the first frame on the ground, or metres (x, z)."""

    from_px: tuple[float, float] | None = None
    from_m: tuple[float, float] | None = None
    speed_mps: float = 5.0

    def __post_init__(self) -> None:
        _above("ripple.speed_mps", self.speed_mps, 0)
        if (self.from_px is None) == (self.from_m is None):
            raise ConfigError("ripple: it starts from one point. Write from_px or from_m, not both.")


@dataclass(frozen=True, slots=True)
class Zone:
    """[[crowd.zones]]: where a body of people stands and what it does.

    Polygon and path are drawn in plate pixels of the first frame (projected to the ground) or in metres (x, z) on it.
    Headings turn about Y: 0 faces +Z, 90 faces +X.
    """

    name: str
    count: int | None = None
    polygon_px: Points = ()
    polygon_m: Points = ()
    formation: str = "phalanx"  # phalanx | line | column | wedge | ring | path | loose
    characters: dict[str, float] = field(default_factory=lambda: {"legionary": 1.0})  # name: weight
    motion: str = "idle"  # a motion of assets/motion/motions.py
    spacing_m: float | None = None  # None: 1.1, or what the density asks for
    facing_deg: float | None = None
    speed_mps: float = 0.0  # along its heading; 0: the motion's own speed (march 1.3, idle none)
    seed: int = 1
    density: float | None = None  # people per m2 of the polygon, instead of a count
    path_px: Points = ()  # stood along (formation "path"), or walked along (any other)
    path_m: Points = ()
    ranks: int = 0  # a line's, ring's or path's depth, a column's files; 0: the formation's own
    facing: str = ""  # camera | centre | outward | path; "": the formation's own, or facing_deg
    motions: dict[str, float] = field(default_factory=dict)  # name: weight; empty: all do `motion`
    waits: str = "idle"  # the motion until one begins
    start_frame: int | None = None  # None: with the shot, or before it
    wave: Wave | None = None
    ripple: Ripple | None = None
    start_spread_s: float = 0.0  # everyone begins up to so much late, each by chance
    avoid: bool = False  # walk round the others who avoid, and round keep-out areas
    side: int = 0  # of those who avoid: halt before people of another side; 0: at peace with all
    fights: str = "thrust"  # the motion of who has an enemy within reach

    def __post_init__(self) -> None:
        if (self.count is None) == (self.density is None):
            said = "neither count nor density is" if self.count is None else "both count and density are"
            raise ConfigError(f"crowd zone {self.name}: {said} given. Write one of them.")
        for name, least in (("spacing_m", 0.2), ("density", 0), ("count", -1)):
            _above(f"crowd zone {self.name}: {name}", getattr(self, name), least)
        for name in ("speed_mps", "start_spread_s", "ranks"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"crowd zone {self.name}: {name} is {getattr(self, name):g}, must be 0 or more. Change it."
                )
        for pair in (("polygon_px", "polygon_m"), ("path_px", "path_m"), ("wave", "ripple")):
            if all(getattr(self, name) for name in pair):
                raise ConfigError(f"crowd zone {self.name}: both {pair[0]} and {pair[1]} are given. Remove one.")
        if self.side and not self.avoid:
            raise ConfigError(f"crowd zone {self.name}: side {self.side} is for those who avoid. Write avoid = true.")
        if self.facing and self.facing_deg is not None:
            raise ConfigError(f"crowd zone {self.name}: both facing and facing_deg are given. Remove one.")

    @property
    def weights(self) -> dict[str, float]:
        """Its motions by weight."""
        return self.motions or {self.motion: 1.0}


@dataclass(frozen=True, slots=True)
class KeepOut:
    """[[crowd.keep_out]]: a polygon on the ground in which nobody is placed."""

    polygon_px: Points = ()
    polygon_m: Points = ()
    name: str = "keep_out"

    def __post_init__(self) -> None:
        if bool(self.polygon_px) == bool(self.polygon_m):
            raise ConfigError(f"crowd {self.name}: it needs one polygon. Write polygon_px or polygon_m.")


@dataclass(frozen=True, slots=True)
class Override:
    """[[crowd.overrides]]: one agent, named by its id, otherwise than its zone has it."""

    id: int
    remove: bool = False
    move_m: tuple[float, float] = (0.0, 0.0)  # x, z
    character: str = ""
    motion: str = ""
    facing_deg: float | None = None
    scale: float | None = None  # of body height

    def __post_init__(self) -> None:
        if self.scale is not None and not 0.5 <= self.scale <= 2:
            raise ConfigError(f"crowd override {self.id}: scale is {self.scale:g}, must be 0.5 to 2. Change it.")


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """[crowd.captures.NAME]: a file of captured motion (BVH, glTF, UsdSkel), which zones then name as a motion.

    start_s, end_s: the seconds of the file that are taken. loop: whether these repeat; left out, that is found out.
    carry: whether weapons are carried as on the march; left out: in a motion that goes somewhere, else the captured hand
    wields them.
    """

    file: Path
    clip: str = ""  # of a glTF file with several animations; "": the first
    start_s: float = 0.0
    end_s: float | None = None
    loop: bool | None = None
    carry: bool | None = None

    def __post_init__(self) -> None:
        if self.start_s < 0 or (self.end_s is not None and self.end_s <= self.start_s):
            raise ConfigError(
                f"start_s is {self.start_s:g}{'' if self.end_s is None else f', end_s is {self.end_s:g}'}: a cut begins "
                "at 0 or later and ends after that. Change it."
            )


@dataclass(frozen=True, slots=True)
class CrowdBrief:
    """[crowd]: the director's words for the crowd."""

    zones: tuple[Zone, ...] = ()
    seed: int = 1
    provider: str | tuple[str, ...] = "builtin"  # of show.toml's [providers]; several: in order of preference
    keep_out: tuple[KeepOut, ...] = ()
    overrides: tuple[Override, ...] = ()
    layout: Path | None = None  # a crowd of another program, USD, instead of zones
    layout_characters: dict[str, str] = field(default_factory=dict)  # its prototypes: our characters
    layout_motions: dict[str, str] = field(default_factory=dict)  # its clips: our motions
    captures: dict[str, Path | CaptureFile] = field(default_factory=dict)  # motions of one's own, by name
    # character: its take; places nobody, so a pick lays no crowd out again
    picks: dict[str, str] = field(default_factory=dict, metadata={"decides": False})

    @property
    def cast(self) -> tuple[str, ...]:
        """Every character that it names, sorted; an imported layout may bring others by their own names."""
        named = {name for zone in self.zones for name, weight in zone.characters.items() if weight > 0}
        named |= {override.character for override in self.overrides if override.character}
        return tuple(sorted(named | set(self.layout_characters.values())))

    def capture(self, name: str) -> CaptureFile:
        """The capture called `name`, also where only its path was written."""
        given = self.captures[name]
        return given if isinstance(given, CaptureFile) else CaptureFile(given)


def _above(name: str, value: float | None, least: float) -> None:
    if value is not None and not value > least:
        raise ConfigError(f"{name} is {value:g}, must be above {least:g}. Change it.")


@dataclass(frozen=True, slots=True)
class SetPiece:
    """[[set.pieces]]: one proxy of a set extension, placed by a pixel of the first frame and a distance, or in metres."""

    name: str
    kind: str = "fortress"  # a builder of assets/sets/pieces.py
    base_px: tuple[float, float] | None = None  # where the middle of its base is seen in the first frame
    distance_m: float = 0.0  # from the camera, along that pixel's ray; 0: where the ray meets the ground
    base_m: tuple[float, float, float] | None = None
    width_m: float = 60.0
    height_m: float = 14.0
    yaw_deg: float | None = None  # None: faces the camera
    material: str = "stone"
    seed: int = 1
    take: str = field(default="", metadata={"decides": False})  # that was picked; "": none. It builds nothing


@dataclass(frozen=True, slots=True)
class SetBrief:
    """[set]: what is built where the plate ends."""

    pieces: tuple[SetPiece, ...] = ()
    seed: int = 1
    provider: str | tuple[str, ...] = "builtin"  # as in [crowd]


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
