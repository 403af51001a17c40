"""Find the grade that brings each layer to the plate, once per shot, and follow the plate's exposure over time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assets.dust.layer import DRY_EARTH
from calibration.cameras import lens_at, pose_at
from calibration.ground.heightfield import Heightfield
from calibration.look.arriving import arriving
from calibration.look.blacks import plate_black
from calibration.look.classes import class_pixels, height_above
from calibration.look.follow import Stray, follow_exposure
from calibration.look.grades import Measured, write_grades
from calibration.look.match import match_tones
from calibration.look.measured import read_look
from calibration.look.soil import soil_match
from pipeline.crowd_sections import CrowdDust
from pipeline.errors import ConfigError
from pipeline.io import exr
from pipeline.stage import Progress, stage
from pipeline.types import (
    VEIL,
    CameraTrack,
    CharacterAtlas,
    DepthMaps,
    Grades,
    Ground,
    Look,
    Mattes,
    Plate,
    SetPaintings,
    SunLight,
)
from stages.measure_look import read_sample, spread

Pixels = NDArray[np.float32]
SOLID = 0.98  # alpha from which a layer's pixel shows its own colour alone
MOST_SPRITES = 96
SHOWS = {"crowd": "people", "set": "standing"}  # layer: the class that it is of


@dataclass(frozen=True, slots=True)
class Params:
    frames: int = 5  # looked at for the plate's tones, spread over the shot
    followed: int = 300  # points whose light tells the exposure of a frame; 0: the plate counts as steady

    def __post_init__(self) -> None:
        for name, low, high in (("frames", 1, 64), ("followed", 0, 5000)):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"fit_grades.{name} is {getattr(self, name)}, must be {low} to {high}. Change it.")


@stage(data=("calibration/look/known_tones.json",))
def fit_grades(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    mattes: Mattes,
    ground: Ground,
    look: Look,
    light: SunLight,
    atlas: CharacterAtlas,
    paintings: SetPaintings,
    params: Params,
    out: Path,
    progress: Progress,
    dust: CrowdDust = CrowdDust(),  # noqa: B008 (frozen)
) -> Grades:
    """The plate's ground, standing things and people, haze taken out, beside the sprites and the set's paintings.

    Dust whose colour nobody says is given that of the plate's ground.
    """
    chosen = spread(plate.files.frames.first, plate.files.frames.last, params.frames)
    progress(0, 3, "tones")
    heights = Heightfield.read(ground)
    samples = []
    for frame in chosen:
        sample = read_sample(plate, depth, mattes, frame)
        samples.append((sample, height_above(sample.depth_m, lens_at(track, frame), pose_at(track, frame), heights)))
    haze = read_look(look.figures).haze
    seen, black = class_pixels(samples, haze), plate_black([sample for sample, _ in samples], haze)
    shown = {"crowd": _people(atlas), "set": _standing(paintings)}
    lights = arriving(light.to_sun, light.sun_rgb, light.sky_rgb)
    progress(1, 3, "match")
    matches = {name: match_tones(seen, {SHOWS[name]: pixels}, lights) for name, pixels in shown.items()}
    soil = soil_match(seen["ground"], DRY_EARTH, lights["ground"]) if dust.some and dust.rgb is None else None
    matches |= {VEIL: soil} if soil else {}
    progress(2, 3, "exposure")
    stray = _stray(plate, track, params.followed)
    grades = Grades(out / "grades.json")
    write_grades(grades.figures, Measured(matches, stray, plate.files.frames, black))
    progress(3, 3, "done")
    return grades


def _people(atlas: CharacterAtlas) -> Pixels:
    """(N, 3) of sprites spread over the atlas."""
    sprites = np.load(atlas.sprites, mmap_mode="r")
    return _solid(np.asarray(sprites[:: max(1, len(sprites) // MOST_SPRITES)], np.float32))


def _standing(paintings: SetPaintings) -> Pixels:
    entries = json.loads(paintings.index.read_text())
    shown = [exr.read(paintings.paintings / entry["file"]).channels for entry in entries]
    pixels = [_solid(np.stack([channels[c] for c in "RGBA"], axis=-1).astype(np.float32)) for channels in shown]
    return np.concatenate([np.zeros((0, 3), np.float32), *pixels])


def _solid(rgba: Pixels) -> Pixels:
    """(N, 3) of what is opaque in (..., 4) premultiplied."""
    inside = rgba[rgba[..., 3] > SOLID]
    return np.asarray(inside[:, :3] / inside[:, 3:], np.float32)


def _stray(plate: Plate, track: CameraTrack, followed: int) -> Stray:
    """The exposure of every frame of the plate against its middle, from the solved points that it shows."""
    frames = plate.files.frames
    if not followed:
        return Stray.none(len(frames), "not followed: fit_grades.followed is 0")
    observations = np.load(track.observations, allow_pickle=False)
    return follow_exposure(len(frames), list(_rows(plate, observations, followed)))


def _rows(
    plate: Plate, observations: NDArray[np.float32], followed: int
) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """Per frame the light around each of the points that are seen longest."""
    long_first = np.argsort(-np.bincount(observations[:, 1].astype(np.intp)), kind="stable")
    rank = np.empty(len(long_first), np.intp)
    rank[long_first] = np.arange(len(long_first))
    for frame in plate.files.frames:
        mine = observations[observations[:, 0] == frame]
        mine = mine[np.argsort(rank[mine[:, 1].astype(np.intp)], kind="stable")][:followed]
        picture = cv2.GaussianBlur(exr.read_rgb(plate.files.path(frame)), (0, 0), 2.0)
        x = np.clip(mine[:, 2].astype(np.intp), 0, plate.width - 1)
        y = np.clip(mine[:, 3].astype(np.intp), 0, plate.height - 1)
        for row, point in zip(picture[y, x].astype(np.float64), mine[:, 1].astype(np.intp), strict=True):
            yield plate.files.frames.index(frame), int(point), row
