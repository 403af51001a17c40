"""Hand the shot on: named EXR frames, review movie, contact sheet, and a report of everything measured."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assets.sprites.identity import cast_in, casts_of_show, compared
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles
from pipeline.io import exr, images
from pipeline.io.encode import review_beside, write_review
from pipeline.io.files import replacing, sha256, write_bytes
from pipeline.output_sections import OUTPUT, OutputBrief
from pipeline.review import figures, slate
from pipeline.review.chapters import page
from pipeline.review.crops import write_crops
from pipeline.review.gather import Limits, Sources, Watched, checked
from pipeline.review.gather import measured as measured_of
from pipeline.review.page import TEMPLATE
from pipeline.review.places import beside
from pipeline.review.screen import Screen, screen_for
from pipeline.review.sheet import Pair, contact_sheet, spread
from pipeline.sections import DeliveryBrief, ShotInfo
from pipeline.stage import Progress, silent, stage
from pipeline.types import (
    CameraTrack,
    CharacterAtlas,
    Comp,
    CrowdLayout,
    Delivery,
    DepthMaps,
    Grades,
    Ground,
    Layers,
    Look,
    Mattes,
    Plate,
    PlateLight,
    SetPaintings,
    SkyLayer,
    TrackReport,
)

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Params(Limits):
    review_width_px: int = 1920  # of the movie, at most
    review_crf: float = 18.0  # x264's quality: lower is better and larger
    ab_width_px: int = 1280  # of each side of the movie with plate and comp, at most
    sheet_frames: int = 4
    sheet_width_px: int = 640  # of one picture

    def __post_init__(self) -> None:
        for name, least in (("review_width_px", 64), ("ab_width_px", 64), ("sheet_frames", 1), ("sheet_width_px", 64)):
            if getattr(self, name) < least:
                raise ConfigError(f"stage deliver: {name} is {getattr(self, name)}, at least {least} is needed.")
        if not 0 <= self.review_crf <= 51:
            raise ConfigError(f"stage deliver: review_crf is {self.review_crf}, 0 to 51 are possible.")


@stage(data=(TEMPLATE,), some_frames=True)
def deliver(
    shot: ShotInfo,
    brief: DeliveryBrief,
    plate: Plate,
    track: CameraTrack,
    judged: TrackReport,
    depth: DepthMaps,
    mattes: Mattes,
    crowd: CrowdLayout,
    atlas: CharacterAtlas,
    paintings: SetPaintings,
    look: Look,
    light: PlateLight,
    grades: Grades,
    ground: Ground,
    layers: Layers,
    comp: Comp,
    params: Params,
    out: Path,
    shared: Path,
    output: OutputBrief = OUTPUT,
    progress: Progress = silent,
    sky: SkyLayer = SkyLayer(None, None),  # noqa: B008 (frozen)
) -> Delivery:
    """Write the delivery of every frame that `comp` has. The EXR frames are the comp's own bytes, never encoded again
    but where [output] asks for a lossy compression: then they are copies, and the report tells what they lost.

    Its people are compared with those of the show's other shots as these stand now: that decides no pixel.
    """
    others = {name: cast for name, cast in casts_of_show(shared.parent).items() if name != shot.name}
    identity = compared(cast_in(atlas.index), others)
    sources = Sources(
        shot,
        plate,
        track,
        judged,
        depth,
        mattes,
        crowd,
        atlas,
        paintings,
        look,
        ground,
        layers,
        comp,
        identity,
        light,
        grades,
        sky,
    )
    frames = comp.files.frames
    screen = screen_for(plate, brief.display, brief.view, params.review_width_px)
    chosen = spread(frames.first, frames.last, params.sheet_frames)
    delivered = FrameFiles(out / "exr", f"{sources.name}.%04d.exr", frames)
    movie, sheet, ab = (out / f"{sources.name}{end}" for end in (".mp4", "_contact_sheet.png", "_ab.mp4"))

    watched = Watched()
    side = screen_for(plate, brief.display, brief.view, min(params.ab_width_px, params.review_width_px))
    encoding: dict[str, Any] = {"timecode": sources.timecode(frames.first), "crf": params.review_crf}
    with review_beside(ab, plate.rate, **encoding) as give:
        shown = _shown(sources, delivered, screen, chosen, watched, output, progress)
        slated = _slated(sources, shown, side, give)
        write_review(movie, slated, plate.rate, **encoding)
    plates = {frame: screen.show(exr.read_rgb(plate.files.path(frame))) for frame in chosen}
    _write_sheet(sheet, sources, screen, plates, watched, params)

    measured = measured_of(sources, watched, output.compression)
    checks = checked(sources, measured, watched, params)
    hashes = {f"exr/{delivered.path(f).name}": watched.digests[f] for f in frames}
    crops = write_crops(sources, screen, out / "crops", chosen[len(chosen) // 2])
    hashes |= {file.name: sha256(file) for file in (movie, ab, sheet)}
    hashes |= {f"crops/{crop.file.name}": sha256(crop.file) for crop in crops}
    for file in (judged.page, judged.movie):
        _hand_on(file, out / "track" / file.name)
        hashes[f"track/{file.name}"] = sha256(file)
    content = {**measured, "checks": figures.as_json(checks), "files": hashes}
    write_bytes(out / "report.json", json.dumps(content, indent=1, sort_keys=True).encode())
    movies = (movie.name, ab.name)
    written = page(sources, screen, plates, watched, measured, checks, hashes, movies, crops)
    write_bytes(out / "report.html", written.encode())
    report, html = out / "report.json", out / "report.html"
    return Delivery(delivered, movie, sheet, report, html, ab, out / "crops", out / "track")


# ---------------------------------------------------------------- frames and pictures


def _shown(
    sources: Sources,
    delivered: FrameFiles,
    screen: Screen,
    chosen: list[int],
    watched: Watched,
    output: OutputBrief,
    progress: Progress,
) -> Iterator[tuple[int, Array]]:
    """One pass over the comp: hand each frame on, note what it is worth, give its picture for the display."""
    frames = sources.comp.files.frames
    for done, frame in enumerate(frames, start=1):
        source, target = sources.comp.files.path(frame), delivered.path(frame)
        rgb = exr.read_rgb(source)
        if output.lossless:
            _hand_on(source, target)
        else:
            watched.lost[frame] = _packed(source, target, output.compression, rgb)
        watched.broken[frame] = int((~np.isfinite(rgb)).sum())
        watched.digests[frame] = sha256(target)
        shown = screen.show(rgb)
        watched.pixels[frame] = _digest(rgb)
        if frame in chosen:
            watched.shown[frame] = shown
        yield frame, shown
        progress(done, len(frames), target.name)


def _slated(
    sources: Sources, shown: Iterator[tuple[int, Array]], side: Screen, give: Callable[[Array], None]
) -> Iterator[Array]:
    """Each picture with its burn-in; `give` gets it beside the plate, at the size of `side`."""
    for frame, picture in shown:

        def slated(what: str, picture: Array, frame: int = frame) -> Array:
            left = f"{sources.shot.name}  {what}  v{sources.shot.version:03d}"
            return slate.burn_in(picture, left, str(frame), sources.timecode(frame))

        plate = side.show(exr.read_rgb(sources.plate.files.path(frame)))
        give(beside(slated("plate", plate), slated("comp", side.fit(picture))))
        yield slated("comp", picture)


def _hand_on(source: Path, target: Path) -> None:
    """The same file under its new name where the disk can link, else a copy."""
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def _packed(source: Path, target: Path, compression: str, rgb: Array) -> float:
    """A lossy copy; returns the most that a value of the picture changed by it."""
    image = exr.read(source)
    told = image.metadata | {"pixelAspectRatio": image.pixel_aspect}
    exr.write(target, image.channels, compression=compression, metadata=told)
    change = np.abs(exr.read_rgb(target) - rgb)
    return float(np.nanmax(change, initial=0.0))


def _digest(rgb: Array) -> str:
    return hashlib.sha256(rgb.tobytes()).hexdigest()


def _write_sheet(
    path: Path, sources: Sources, screen: Screen, plates: dict[int, Array], watched: Watched, params: Params
) -> None:
    width = min(params.sheet_width_px, screen.width)
    small = Screen(screen.display, screen.view, width, max(1, round(screen.height * width / screen.width)))
    pairs = [
        Pair(frame, sources.timecode(frame), small.fit(plates[frame]), small.fit(watched.shown[frame]))
        for frame in plates
    ]
    images.write_png(path, contact_sheet(sources.name, sources.subtitle, pairs))
