"""What flows between stages: small frozen receipts. Pixels and matrices live in the files that they name.

World: metres, Y up, right-handed; the ground that the camera stands on is near y = 0. Camera axes are COLMAP's: x right,
y down, z into the scene; `camera_from_world` maps world to camera. Pixel centres lie at .5, the first row is the top one.
Images are scene-linear ACEScg, premultiplied. A person's heading `yaw_rad` turns about Y: 0 faces +Z, pi/2 faces +X.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from pipeline.errors import ConfigError

# ---------------------------------------------------------------- frames and time


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames `first` to `last`, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigError(
                f"frame range {self.first}-{self.last}: the last frame comes before the first. Swap them."
            )

    @classmethod
    def parse(cls, text: str) -> FrameRange:
        """Read "1001-1010" or "1007". Raises ConfigError on anything else."""
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", text)
        if not match:
            raise ConfigError(f"frame range {text!r} is not understood. Write it as 1001-1010, or 1007 for one frame.")
        return cls(int(match[1]), int(match[2] or match[1]))

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.first <= frame <= self.last

    def index(self, frame: int) -> int:
        """Row of `frame` in arrays that hold one row per frame of this range."""
        if frame not in self:
            raise IndexError(f"frame {frame} is outside {self}")
        return frame - self.first

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.last > self.first else str(self.first)


@dataclass(frozen=True, slots=True)
class FrameRate:
    """Frames per second as a ratio: 24000/1001, never 23.976."""

    numerator: int = 24
    denominator: int = 1

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}" if self.denominator != 1 else str(self.numerator)


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """One file per frame: `folder / (name % frame)`, e.g. name "comp.%04d.exr"."""

    folder: Path
    name: str
    frames: FrameRange

    def path(self, frame: int) -> Path:
        return self.folder / (self.name % frame)

    def __iter__(self) -> Iterator[Path]:
        return (self.path(frame) for frame in self.frames)


# ---------------------------------------------------------------- the shot file's sections (built by pipeline.config)


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


@dataclass(frozen=True, slots=True)
class MatteSource:
    """[mattes]: a supplied roto of what stands in front of every layer, white = in front; no path: found automatically."""

    path: Path | None = None


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """[camera]: what was written down on set. 0 means unknown."""

    height_m: float = 0.0  # lens above the ground at the first frame: sets the world's scale
    focal_mm: float = 0.0
    sensor_width_mm: float = 0.0
    shutter_deg: float = 180.0


@dataclass(frozen=True, slots=True)
class LightFacts:
    """[light]: where the sun stands, as the first frame's camera sees it. One sun lights the crowd, the set, the shadows.

    sun_azimuth_deg: 0 behind the camera (world +Z), 90 from the right (+X), 180 from ahead, 270 from the left.
    sun_elevation_deg: above the horizon. sun_rgb, sky_rgb: linear ACEScg; a matte white that faces the sun sends back
    their sum.
    """

    sun_azimuth_deg: float = 40.0
    sun_elevation_deg: float = 38.0
    sun_rgb: tuple[float, float, float] = (0.90, 0.80, 0.66)
    sky_rgb: tuple[float, float, float] = (0.20, 0.23, 0.29)

    def __post_init__(self) -> None:
        if not -5 <= self.sun_elevation_deg <= 90:
            raise ConfigError(f"sun_elevation_deg is {self.sun_elevation_deg:g}, must be -5 to 90. Change it.")
        for name in ("sun_rgb", "sky_rgb"):
            light = getattr(self, name)
            if len(light) != 3 or min(light) < 0:
                raise ConfigError(f"{name} is {light}, must be three numbers of 0 or more. Change it.")

    @property
    def to_sun(self) -> tuple[float, float, float]:
        """Unit vector to the sun, in the world."""
        azimuth, elevation = math.radians(self.sun_azimuth_deg), math.radians(self.sun_elevation_deg)
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
    motion: str = "idle"  # a motion of assets/motions.py
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
class CrowdBrief:
    """[crowd]: the director's words for the crowd."""

    zones: tuple[Zone, ...] = ()
    seed: int = 1
    provider: str = "builtin"
    keep_out: tuple[KeepOut, ...] = ()
    overrides: tuple[Override, ...] = ()
    layout: Path | None = None  # a crowd of another program, USD, instead of zones
    layout_characters: dict[str, str] = field(default_factory=dict)  # its prototypes: our characters
    layout_motions: dict[str, str] = field(default_factory=dict)  # its clips: our motions


def _above(name: str, value: float | None, least: float) -> None:
    if value is not None and not value > least:
        raise ConfigError(f"{name} is {value:g}, must be above {least:g}. Change it.")


@dataclass(frozen=True, slots=True)
class SetPiece:
    """[[set.pieces]]: one proxy of a set extension, placed by a pixel of the first frame and a distance, or in metres."""

    name: str
    kind: str = "fortress"  # a builder of assets/sets.py
    base_px: tuple[float, float] | None = None  # where the middle of its base is seen in the first frame
    distance_m: float = 0.0  # from the camera, along that pixel's ray; 0: where the ray meets the ground
    base_m: tuple[float, float, float] | None = None
    width_m: float = 60.0
    height_m: float = 14.0
    yaw_deg: float | None = None  # None: faces the camera
    material: str = "stone"
    seed: int = 1


@dataclass(frozen=True, slots=True)
class SetBrief:
    """[set]: what is built where the plate ends."""

    pieces: tuple[SetPiece, ...] = ()
    seed: int = 1
    provider: str = "builtin"


@dataclass(frozen=True, slots=True)
class DeliveryBrief:
    """[delivery]: what is handed on, and where (relative to the shot file)."""

    folder: str = "delivery"  # a place, not an input: what lies there decides nothing
    display: str = "sRGB - Display"
    view: str = "ACES 2.0 - SDR 100 nits (Rec.709)"


# ---------------------------------------------------------------- receipts


@dataclass(frozen=True, slots=True)
class Plate:
    """The camera original as scene-linear ACEScg half EXR, channels R G B (and A if it had one), frames from 1001."""

    files: FrameFiles
    width: int  # display window, pixels
    height: int
    pixel_aspect: float
    rate: FrameRate
    timecode: str  # of the first frame, "" when unknown
    colorspace: str  # what the source was taken to be, OpenColorIO name
    metadata: dict[str, str] = field(default_factory=dict)  # camera, lens, reel ... as the file told


@dataclass(frozen=True, slots=True)
class Lens:
    """COLMAP's OPENCV camera: x = X/Z, y = Y/Z; radial k1 k2, tangential p1 p2; then focal and centre, in pixels."""

    width: int
    height: int
    focal_x_px: float
    focal_y_px: float
    centre_x_px: float
    centre_y_px: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0


@dataclass(frozen=True, slots=True)
class CameraTrack:
    """Where the camera stood, one pose per frame, in the world of this module's first lines.

    poses: .npy (F, 4, 4) float64 camera_from_world, metres. Row i belongs to frame frames.first + i.
    points: .npy (N, 3) float32, world metres: the sparse scene.
    observations: .npy (M, 4) float32 rows (frame, point index, x_px, y_px).
    figures: JSON with every measured number (per frame error, tracks, what set the scale).
    overlay: PNG, the tracks drawn on the plate.
    """

    poses: Path
    points: Path
    observations: Path
    figures: Path
    overlay: Path
    frames: FrameRange
    lens: Lens
    reprojection_error_px: float  # median over all observations; above 1 is suspect
    scale_from: str  # what set the metre, in words


@dataclass(frozen=True, slots=True)
class DepthMaps:
    """Depth along the camera's z in metres, at plate size, in the plate's own distorted pixels.

    files: EXR, 32-bit float ZIP: Z (metres, +inf for sky) and C (confidence 0..1).
    """

    files: FrameFiles
    error_m: float = 0.0  # median |Z - solved point depth| over the points seen; 0 when none was measured
    figures: FrameFiles | None = None  # JSON per frame


@dataclass(frozen=True, slots=True)
class Mattes:
    """Who stands in front of every layer. files: EXR ZIP: A half, 1 = in front; Z float, metres to that figure by the
    ground under it, +inf elsewhere."""

    files: FrameFiles
    source: str  # "supplied", "automatic"


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground as a height field over world x, z.

    heights: .npy (rows, columns) float32 metres; sample [j, i] lies at x = origin_x_m + i * cell_m, z = origin_z_m + j * cell_m.
    Outside it the nearest sample holds.
    """

    heights: Path
    origin_x_m: float
    origin_z_m: float
    cell_m: float
    figures: Path  # JSON: residuals, coverage


@dataclass(frozen=True, slots=True)
class CrowdLayout:
    """Who stands where, when, in which motion.

    agents: JSON list, one object per agent: id (1-based, stable), name, zone, character, motion (the first frame's),
    scale (body height factor), seed. positions: .npy (F, N, 3) float32 world metres, the point between the feet. yaws:
    .npy (F, N) float32 radians. phases: .npy (F, N) float32, cycles in [0, 1) of that frame's motion. motions: .npy
    (F, N) uint8, index into motion_names.
    """

    agents: Path
    positions: Path
    yaws: Path
    phases: Path
    motions: Path
    frames: FrameRange
    count: int
    motion_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetLayout:
    """Proxy geometry. meshes: folder with one NAME.npz per piece: vertices (V, 3) float32 world metres, triangles (T, 3)
    int32, normals (T, 3) float32, parts (T,) int32. pieces: JSON list of name, kind, material, seed, id."""

    meshes: Path
    pieces: Path


@dataclass(frozen=True, slots=True)
class CharacterAtlas:
    """Sprites of every character, view and phase that the shot needs; one identity in every shot.

    sprites: .npy (S, H, W, 4) float16 RGBA, premultiplied, scene-linear ACEScg, lit for an exposure where mid grey is 0.18.
    reliefs: .npy (S, H, W) float16, metres towards the viewer from the picture plane through the root.
    index: JSON: metres_per_px, root_px (x, y of the point between the feet), views (yaw step), and the list of sprites
    with character, motion, phase, view. guides and contact_sheet: PNGs to look at.
    """

    sprites: Path
    reliefs: Path
    index: Path
    contact_sheet: Path
    provider: str
    model_digest: str
    licence: str


@dataclass(frozen=True, slots=True)
class SetPaintings:
    """Generated pictures projected onto the set's geometry.

    paintings: folder, one EXR per piece and keyframe: RGBA, ACEScg, premultiplied, seen by the camera of `keyframe`.
    index: JSON list: piece, keyframe, file, lens and camera_from_world of the projector.
    """

    paintings: Path
    index: Path
    contact_sheet: Path
    provider: str
    model_digest: str
    licence: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One rendered layer through the solved camera and lens, in the plate's own distorted pixels.

    files: EXR: R G B A half, premultiplied ACEScg; Z float metres along camera z, +inf where empty; id uint, 0 = empty;
    motion.x motion.y half, pixels moved until the next frame.
    """

    name: str
    files: FrameFiles
    manifest: Path  # JSON {id: name}


@dataclass(frozen=True, slots=True)
class RawLayers:
    """The layers as rendered, nearest purpose last: set, then crowd. shadow: what the crowd takes from the ground's light.

    shadow: EXR half, channel Y: 1 = untouched, 0 = black. It is drawn for the bare ground; the composite keeps it off
    whatever stands before that.
    """

    layers: tuple[Layer, ...]
    shadow: FrameFiles


@dataclass(frozen=True, slots=True)
class Look:
    """What the plate looks like, measured once per shot.

    figures: JSON read by calibration.look: grain (sigma over level, spatial kernel, channel mix), tone (key, white
    balance, black and white point), haze (colour, extinction per metre), sharpness (edge width in pixels).
    swatch: PNG, the plate's grain beside ours made from the profile.
    """

    figures: Path
    swatch: Path


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers with the plate's colour, haze, blur. Same channels as RawLayers (without motion).

    shadow: EXR half, channel Y. figures: JSON per frame, what was done to each layer.
    """

    layers: tuple[Layer, ...]
    shadow: FrameFiles
    figures: FrameFiles


@dataclass(frozen=True, slots=True)
class Comp:
    """The finished frames. files: multi-layer EXR: R G B; crowd.RGBA, set.RGBA, depth.Z (float), ids, matte.A."""

    files: FrameFiles
    figures: FrameFiles  # JSON per frame: QC numbers


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is handed on."""

    comp: FrameFiles
    movie: Path
    contact_sheet: Path
    report: Path  # report.json
    page: Path  # report.html
