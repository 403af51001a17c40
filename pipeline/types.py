"""What flows between stages: small frozen receipts. Pixels and matrices live in the files that they name.

World: metres, Y up, right-handed; the ground that the camera stands on is near y = 0. Camera axes are COLMAP's: x right,
y down, z into the scene; `camera_from_world` maps world to camera. Pixel centres lie at .5, the first row is the top one.
Images are scene-linear ACEScg, premultiplied. A person's heading `yaw_rad` turns about Y: 0 faces +Z, pi/2 faces +X.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.sections import to_sun


@dataclass(frozen=True, slots=True)
class LensData:
    """What the camera original says of the lens that filmed it.

    focal_mm: one for each frame, or one for all. sensor_width_mm: of the part of the sensor that the picture shows; 0: not told.
    sigma: how far off the focal length may be, one standard deviation as a share. tag: the name it stood under.
    """

    focal_mm: tuple[float, ...]
    sensor_width_mm: float
    sigma: float
    tag: str
    camera: str = ""
    lens: str = ""


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
    filmed: LensData | None = None  # None where the file tells no focal length


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
    tracks: .npy (K, 4) float32 rows (frame, track number, x_px, y_px): every point that was followed through the plate, those
    that the camera does not explain too.
    figures: JSON with every measured number (per frame error, tracks, what set the scale).
    """

    poses: Path
    points: Path
    observations: Path
    tracks: Path
    figures: Path
    frames: FrameRange
    lens: Lens
    reprojection_error_px: float  # median over all observations; above 1 is suspect
    scale_from: str  # what set the metre, in words
    zoom: tuple[float, ...] = ()  # each frame's focal length over the lens's; empty: it is the same on every frame


@dataclass(frozen=True, slots=True)
class TrackReport:
    """What a camera track is judged by. It decides nothing. page: one page of HTML, beside the movie that it shows.

    movie: H.264, the plate with tracks, ground and cones. still: PNG, one frame of it. figures: JSON, what the page tells.
    """

    page: Path
    movie: Path
    still: Path
    figures: Path


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
    ground under it, +inf elsewhere; R G B half, people alone, premultiplied, and of a key what docs/mattes.md lists."""

    files: FrameFiles
    source: str  # "supplied", "automatic" or "key, green screen", and what was joined to it


@dataclass(frozen=True, slots=True)
class SkyMattes:
    """What of the plate is not sky. files: EXR ZIP, half: A, exactly 1 where no sky shows and 0 where nothing else does;
    R G B: what stands before the sky, alone, premultiplied, with the plate's grain. None: the sky is not replaced."""

    files: FrameFiles | None


@dataclass(frozen=True, slots=True)
class CleanPlate:
    """What of the plate stands still. depth: as the files of DepthMaps, without the people who walked through the frame.
    figures: JSON per frame, {"flicker": ...} since the frame before; {} where nothing lies before it."""

    depth: FrameFiles
    figures: FrameFiles


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground as a height field over world x, z.

    heights: .npy (rows, columns) float32 metres; sample [j, i] lies at x = origin_x_m + i * cell_m, z = origin_z_m + j * cell_m.
    Outside it the nearest sample holds. tops: .npy of that grid, float32: how high the plate's own things reach that stand in
    the square about each sample, metres, NaN where none does; None: it was not looked for.
    """

    heights: Path
    origin_x_m: float
    origin_z_m: float
    cell_m: float
    figures: Path  # JSON: residuals, coverage
    tops: Path | None = None


@dataclass(frozen=True, slots=True)
class CrowdLayout:
    """Who stands where, when, in which motion.

    agents: JSON list, one object per agent: id (1-based, stable), name, zone, character, motion (the first frame's),
    scale (body height factor), seed. positions: .npy (F, N, 3) float32 world metres, the point between the feet. yaws:
    .npy (F, N) float32 radians. phases: .npy (F, N) float32, cycles in [0, 1) of that frame's motion. motions: .npy
    (F, N) uint8, index into motion_names. rate: frames per second, by which a change of motion takes its time. captures:
    NAME.npz of each captured motion, which assets.motion.motions.learn_captures reads before a motion is loaded by that name.
    recipes: of the show's own characters that it needs, which assets.people.recipes.learn_recipes reads before one is loaded.
    notes: what was found or taken for granted, one sentence each, for people to read.
    """

    agents: Path
    positions: Path
    yaws: Path
    phases: Path
    motions: Path
    frames: FrameRange
    count: int
    motion_names: tuple[str, ...]
    rate: FrameRate = field(default_factory=FrameRate)
    captures: tuple[Path, ...] = ()
    recipes: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetLayout:
    """Proxy geometry. meshes: folder with one NAME.npz per piece: vertices (V, 3) float32 world metres, triangles (T, 3)
    int32, normals (T, 3) float32, parts (T,) int32; of curved surfaces corner_normals (T, 3, 3) float32 too. pieces: JSON list
    of name, kind (or file), material, seed, id. notes: what was found in files, one sentence each."""

    meshes: Path
    pieces: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CharacterAtlas:
    """Sprites of every character, view and phase that the shot needs; one identity in every shot.

    sprites: .npy (S, H, W, 4) float16 RGBA, premultiplied, scene-linear ACEScg, lit for an exposure where mid grey is 0.18.
    reliefs: .npy (S, H, W) float16, metres towards the viewer from the picture plane through the root.
    index: JSON: metres_per_px, root_px (x, y of the point between the feet), views (yaw step), and the list of sprites
    with character, motion, phase, view; characters: of each by name version and recipe (digest) it was painted by, take,
    seed, and by variant what the person looks like (assets/sprites/likeness.py). contact_sheet: a PNG to look at.
    """

    sprites: Path
    reliefs: Path
    index: Path
    contact_sheet: Path
    provider: str
    model_digest: str
    licence: str


@dataclass(frozen=True, slots=True)
class HeroPeople:
    """Heroes: people painted as moving pictures, by a model of video: one each, as their own cameras see them, or together.

    index: JSON list: id, height_px and width_px of the pictures, runs: of each stretch of frames first, last, request digest
    and what made it. areas: JSON list: name, height_px, width_px, people (ids), runs: first, last, matrices (3 x 3 by frame,
    homogeneous pixels of the picture from rays of the plate's camera), asked: request digest, people and what made it.
    paintings: folder, ID.FRAME.exr, RGBA half, premultiplied ACEScg; area.NAME.FRAME.exr, besides id uint, whose a pixel is,
    and share half, his part of what covers it. Nobody is a hero: the lists are empty, and so are provider, model and licence.
    """

    index: Path
    areas: Path
    paintings: Path
    provider: str
    model_digest: str
    licence: str


@dataclass(frozen=True, slots=True)
class NearPeople:
    """People near the camera, painted on every frame in their own pose and perspective, instead of from the atlas.

    people: JSON: near, list of id, height_px and width_px of the picture that he is painted in; the same people on every
    frame of the shot; passed_over, how many more are large enough, but not among the nearest. files: EXR as a Layer's,
    in the plate's own distorted pixels; besides owner uint, the agent whose Z and motion are told, and cover half, how
    much of the pixel he covers. Colours are before tints and neighbours' darkness. requests: JSON per frame: id, request
    digest of each one painted. shades: .npz per frame, what their bodies take from the ground's light, of everyone near
    whose shadow may reach the picture (assets.near.shades.Shades). All None when nobody is near: then no model was
    loaded, and its digest is empty.
    """

    people: Path
    files: FrameFiles | None
    requests: FrameFiles | None
    shades: FrameFiles | None
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


# The layer that lies over all others, without ids: it has no edges, and nobody's matte loses what it veils.
VEIL = "dust"
# The layer of the set's cards, behind all others. Its files hold air besides: metres of haze before each pixel.
FAR = "far"


# The layer of the replaced sky, behind even these.
SKY = "sky"


@dataclass(frozen=True, slots=True)
class RawLayers:
    """The layers as rendered, nearest purpose last: FAR where there are cards, set, crowd, and VEIL where there is dust.

    shadow: what crowd and set leave of the ground's light, EXR half, channel Y: 1 = untouched, 0 = black; channel sun: what they leave
    by hiding the sun alone. It is drawn for the bare ground; the composite keeps it off whatever stands before that. Channel people, where
    it is needed: how much of the sun the crowd leaves to people of the plate. sun: JSON: by which sun they lose it, to set pieces, too;
    None: they do not.
    """

    layers: tuple[Layer, ...]
    shadow: FrameFiles
    sun: Path | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What the plate looks like, measured once per shot.

    figures: JSON read by calibration.look.measured: grain (sigma over level, spatial kernel, channel mix), tone (key, white
    balance, black and white point), haze (colour, extinction per metre), sharpness (edge width in pixels).
    swatch: PNG, the plate's grain beside ours made from the profile.
    """

    figures: Path
    swatch: Path


@dataclass(frozen=True, slots=True)
class PlateLight:
    """What the plate tells of its light. figures: JSON: the sun's place, how sure, how many people's shadows told it.

    shadow_rgb: what a full shadow leaves of the light of level ground, per channel, as measured or as said.
    """

    figures: Path
    shadow_rgb: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SunLight:
    """The light that everything is painted in; fields as those of pipeline.sections.LightFacts.

    relight_strength: how much of the way to it pictures are brought that were painted in another light, 0 .. 1.
    """

    sun_azimuth_deg: float
    sun_elevation_deg: float
    sun_rgb: tuple[float, float, float]
    sky_rgb: tuple[float, float, float]
    relight_strength: float = 1.0

    @property
    def to_sun(self) -> tuple[float, float, float]:
        """Unit vector to the sun, in the world."""
        return to_sun(self.sun_azimuth_deg, self.sun_elevation_deg)


@dataclass(frozen=True, slots=True)
class Grades:
    """What brings each layer to the plate's tones. figures: JSON read by calibration.look.grades: per layer the grade, how
    sure it is and how much the plate shows the same; per frame how the plate's exposure strays from its middle."""

    figures: Path


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers with the plate's colour, haze, blur. Same channels as RawLayers; ids and motion as rendered.

    shadow: EXR half, channel Y. figures: JSON per frame, what was done to each layer. sun: as RawLayers has it.
    """

    layers: tuple[Layer, ...]
    shadow: FrameFiles
    figures: FrameFiles
    sun: Path | None = None


@dataclass(frozen=True, slots=True)
class SkyLayer:
    """The new sky over the whole picture, with the plate's exposure, air and lens. None: the sky is not replaced.

    layer: as a Layer of Layers, alpha 1 everywhere, without ids. figures: JSON per frame: its gain, what the plate's sky was.
    """

    layer: Layer | None
    figures: FrameFiles | None


@dataclass(frozen=True, slots=True)
class Comp:
    """The finished frames. files: multi-layer EXR, channels as stages.comp_channels lists them."""

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
    ab: Path  # plate and comp side by side, one movie
    crops: Path  # folder of PNG: plate and comp at 200%, and what changed
    track: Path  # folder: the camera's page, and the movie that it is judged by
