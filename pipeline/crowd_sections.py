"""[crowd] of the shot file: zones, keep-out areas, overrides, captured motion; what a director says of an army."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError

Points = tuple[tuple[float, float], ...]
RGB = tuple[float, float, float]
MOST_DUST = 10.0
MOST_WIND_MPS = 30.0


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
    # of its dust: instead of the crowd's. Dust is drawn last, and moves nobody
    dust: float | None = field(default=None, metadata={"decides": False})

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
        if self.dust is not None:
            _within(f"crowd zone {self.name}: dust", self.dust, 0, MOST_DUST)

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
    dust: float = field(default=0.0, metadata={"decides": False})  # what feet raise: 0 none, 1 a dry field
    dust_rgb: RGB | None = field(default=None, metadata={"decides": False})  # its reflectance; None: dry earth
    dust_wind_mps: tuple[float, float] = field(default=(0.0, 0.0), metadata={"decides": False})  # x, z

    def __post_init__(self) -> None:
        _within("dust", self.dust, 0, MOST_DUST)
        for value in self.dust_rgb or ():
            _within("dust_rgb", value, 0, 1)
        for value in self.dust_wind_mps:
            _within("dust_wind_mps", value, -MOST_WIND_MPS, MOST_WIND_MPS)

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


@dataclass(frozen=True, slots=True)
class CrowdDust:
    """Of [crowd]: the dust that feet raise, as its stage takes it, so that it lays nobody out and paints nobody again.

    amount: 0 none, 1 a dry field. rgb: linear ACEScg, what it sends back of the light; None: dry earth. wind_mps: x, z.
    zones: (name, amount) of those with an amount of their own.
    """

    amount: float = 0.0
    rgb: RGB | None = None
    wind_mps: tuple[float, float] = (0.0, 0.0)
    zones: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, brief: CrowdBrief) -> CrowdDust:
        """What a brief says of dust."""
        own = tuple((zone.name, zone.dust) for zone in brief.zones if zone.dust is not None)
        return cls(brief.dust, brief.dust_rgb, brief.dust_wind_mps, own)

    @property
    def some(self) -> bool:
        """Is there any?"""
        return self.amount > 0 or any(amount > 0 for _, amount in self.zones)


def _above(name: str, value: float | None, least: float) -> None:
    if value is not None and not value > least:
        raise ConfigError(f"{name} is {value:g}, must be above {least:g}. Change it.")


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ConfigError(f"{name} is {value:g}, must be {least:g} to {most:g}. Change it.")
