"""Draw the new sky through the solved camera, as bright as the plate's was, behind the plate's air and through its lens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assets.sky.dome import Sky, mean_light, sky_of
from assets.sky.layer import FAR_M, directions_of, drawn, moved, with_air
from calibration.cameras import load_poses, look_direction
from calibration.look.grades import read_grades
from calibration.look.measured import LookFigures, read_look
from calibration.look.optics import settled
from pipeline.errors import ConfigError, StageError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.kernels import color
from pipeline.kernels.color import LUMINANCE, RGB, Grade
from pipeline.optics_sections import LensFacts
from pipeline.output_sections import WORK, WorkFiles
from pipeline.sections import CameraFacts
from pipeline.sky_sections import SkyBrief
from pipeline.stage import Finished, stage, unheard
from pipeline.types import SKY, CameraTrack, DepthMaps, Grades, Layer, Look, Plate, SkyLayer, SunLight
from stages.layer_grade import strayed
from stages.layer_optics import LENS_SETTINGS, LensParams, Through
from stages.measure_look import spread
from stages.seen import view_of

COMPARED = 5  # frames whose sky tells how bright the new one is to be
STEP = 4  # of their pixels, each way
GLARE = 0.98  # of a sky's pixels, in order of brightness: above is the sun's
MOST_OUTSIDE = 0.002  # of a frame's sky


@dataclass(frozen=True)
class Params(LensParams):
    """The person's grade of the sky, a CDL after [sky]'s own exposure and saturation, and of the lens how much counts."""

    sky_slope: RGB = (1.0, 1.0, 1.0)
    sky_offset: RGB = (0.0, 0.0, 0.0)
    sky_power: RGB = (1.0, 1.0, 1.0)
    sky_saturation: float = 1.0
    follow: float = 1.0  # of how the plate's exposure strays over time

    def __post_init__(self) -> None:
        for name in LENS_SETTINGS:
            if not 0 <= getattr(self, name) <= 10:
                raise ConfigError(f"draw_sky.{name} is {getattr(self, name)}, must be 0 to 10. 1 is as measured.")
        if not 0 <= self.follow <= 2:
            raise ConfigError(f"draw_sky.follow is {self.follow}, must be 0 to 2. 1 is as measured.")
        try:
            _ = self.grade  # checks itself
        except ValueError as error:
            raise ConfigError(f"draw_sky.sky_*: {error}") from error

    @property
    def grade(self) -> Grade:
        return Grade(slope=self.sky_slope, offset=self.sky_offset, power=self.sky_power, saturation=self.sky_saturation)


@stage
def draw_sky(
    brief: SkyBrief,
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    light: SunLight,
    facts: CameraFacts,
    said: LensFacts,
    look: Look,
    grades: Grades,
    params: Params,
    frames: FrameRange,
    out: Path,
    work: WorkFiles = WORK,
    finished: Finished = unheard,
) -> SkyLayer:
    """The whole picture's sky; what of it shows is the matte's business. Nothing is written where nobody asks for one.

    Raises StageError where a flat picture does not reach as far as the plate's sky.
    """
    if not brief.some:
        for frame in frames:
            finished(frame, SkyLayer(None, None))
        return SkyLayer(None, None)
    manifest = out / f"{SKY}.json"
    write_bytes(manifest, b"{}\n")
    ahead = look_direction(load_poses(track)[0])
    sky = sky_of(brief, ahead, np.array(light.to_sun), max(track.lens.focal_x_px, track.lens.focal_y_px))
    measured, found = read_look(look.figures), read_grades(grades.figures)
    optics = settled(said, facts, measured.optics, measured.edge_sigma_px, track.lens)
    through = Through.of(optics, said, track, params)
    gain, why = _gain(brief, sky, light, plate, depth, track)

    def layer_of(some: FrameRange) -> SkyLayer:
        layer = Layer(SKY, FrameFiles(out, f"{SKY}.%04d.exr", some), manifest)
        return SkyLayer(layer, FrameFiles(out, f"{SKY}.%04d.json", some))

    for frame in frames:
        view, made = view_of(track, frame), layer_of(FrameRange(frame, frame))
        rgb = drawn(view, sky, gain, brief.saturation)
        outside = np.isnan(rgb[..., 0])
        _reaches(outside, depth, brief, frame)
        rgb[outside] = 0
        rgba = np.concatenate([rgb, np.ones((*outside.shape, 1), np.float32)], axis=2)
        if params.grade != Grade():
            color.grade(rgba.copy(), params.grade, rgba)
        air = _air(brief, measured)
        rgba[..., :3] = with_air(rgba[..., :3], directions_of(view), measured.haze.colour, air, brief.haze_deg)
        color.grade(rgba.copy(), strayed(found, frame, params.follow), rgba)
        motion = moved(view)
        away = np.full(outside.shape, FAR_M, np.float32)
        rgba, _ = through.seen(rgba, away, motion, frame)
        rgba[..., 3] = 1
        assert made.layer is not None
        assert made.figures is not None
        planes = {**exr.rgba_channels(rgba), "Z": np.full(outside.shape, np.inf, np.float32)}
        planes |= {"id": np.zeros(outside.shape, np.uint32)}
        planes |= {f"motion.{c}": exr.half(motion[..., i]) for i, c in enumerate("xy")}
        exr.write(made.layer.files.path(frame), planes, compression=work.compression)
        figures = {"gain_ev": float(np.log2(max(gain, 1e-9))), "level": why, "air": air}
        write_bytes(made.figures.path(frame), json.dumps(figures, indent=1, sort_keys=True).encode())
        finished(frame, made)
    return layer_of(frames)


def _air(brief: SkyBrief, measured: LookFigures) -> float:
    """How much of the plate's air stands before the sky at the horizon: none where the plate has none."""
    return brief.haze if measured.haze.extinction_per_m > 0 else 0.0


def _gain(
    brief: SkyBrief, sky: Sky, light: SunLight, plate: Plate, depth: DepthMaps, track: CameraTrack
) -> tuple[float, str]:
    """Times what the sky's own values are multiplied, and in words why."""
    own = 2.0**brief.exposure_ev
    if brief.level == "file":
        if brief.picture is not None:
            return own, "the picture's own values"
        lit = float(np.dot(light.sky_rgb, LUMINANCE))
        return own * lit / max(mean_light(sky), 1e-9), "by [light] sky_rgb"
    theirs, ours = [], []
    for frame in spread(plate.files.frames.first, plate.files.frames.last, COMPARED):
        shown = np.isinf(exr.read(depth.files.path(frame)).channels["Z"][::STEP, ::STEP])
        if not shown.any():
            continue
        picture = exr.read_rgb(plate.files.path(frame))[::STEP, ::STEP]
        new = sky(directions_of(view_of(track, frame), slice(None, None, STEP), slice(None, None, STEP))[shown])
        seen = np.isfinite(new[..., 0])
        theirs.append((picture[shown] @ LUMINANCE)[seen])
        ours.append((new @ LUMINANCE)[seen])
    if not theirs or not sum(map(len, ours)):
        return own, "as it is: the plate's sky was not seen on the frames compared"
    plates, news = (_level(np.concatenate(values)) for values in (theirs, ours))
    if news <= 0:
        raise StageError("[sky]: is black where the plate shows sky. Turn it (yaw_deg, rise_deg), or choose another.")
    return own * plates / news, f"as bright as the plate's sky, {plates:.3g}"


def _level(luminance: np.ndarray) -> float:
    """Mean brightness without the sun's."""
    return float(np.minimum(luminance, np.quantile(luminance, GLARE)).mean())


def _reaches(outside: np.ndarray, depth: DepthMaps, brief: SkyBrief, frame: int) -> None:
    """Refuse a flat picture that ends within the plate's sky."""
    if not outside.any():
        return
    shown = np.isinf(exr.read(depth.files.path(frame)).channels["Z"])
    lacking = float((outside & shown).sum() / max(shown.sum(), 1))
    if lacking > MOST_OUTSIDE:
        raise StageError(
            f"[sky] {brief.picture}: ends within the plate's sky, {lacking:.0%} of it are beyond its edge on frame {frame}. "
            f"Make fov_deg ({brief.fov_deg:g}) larger, turn it by yaw_deg and rise_deg, or paint a wider one."
        )
