"""Show what a camera track is worth: the plate with tracks, ground and cones as a movie, and one page of figures.

Nothing later takes what it writes but the delivery, which hands it on: how it is drawn decides no pixel of the comp.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.cameras import look_direction
from calibration.judge.judged import judge
from calibration.judge.overlay import Artist, Told
from calibration.judge.taken import followed, solve_of
from pipeline.errors import ConfigError
from pipeline.io import color, exr, images
from pipeline.io.encode import write_review
from pipeline.io.files import write_bytes
from pipeline.io.timecode import later
from pipeline.review import trackpage
from pipeline.review.figures import read_json
from pipeline.review.screen import Screen, inline, screen_for
from pipeline.review.trackpage import TEMPLATE, TrackPage
from pipeline.sections import CameraFacts, DeliveryBrief, ShotInfo
from pipeline.stage import Progress, silent, stage
from pipeline.types import CameraTrack, Plate, TrackReport

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Params:
    width_px: int = 960  # of the movie, at most
    crf: float = 22.0  # x264's quality: lower is better and larger

    def __post_init__(self) -> None:
        if self.width_px < 64 or not 0 <= self.crf <= 51:
            raise ConfigError("stage track_report: width_px must be at least 64, crf from 0 to 51.")


@stage(data=(TEMPLATE,))
def track_report(
    shot: ShotInfo,
    brief: DeliveryBrief,
    facts: CameraFacts,
    plate: Plate,
    track: CameraTrack,
    params: Params,
    out: Path,
    progress: Progress = silent,
) -> TrackReport:
    """Draw every frame of the plate, measure, and write the page."""
    solve, told, frames = solve_of(track), read_json(track.figures), track.frames
    tracks = followed(track, solve)
    judged = judge(solve, tracks, told, frames.first)
    artist, screen = Artist.of(solve, tracks), screen_for(plate, brief.display, brief.view, params.width_px)
    best = frames.first + int(np.bincount(tracks.rows, minlength=len(frames)).argmax())
    kept: dict[int, Array] = {}

    def drawn() -> Iterator[Array]:
        for row, frame in enumerate(frames):
            picture = artist.draw(_shown(plate, screen, frame), row, _told(shot, facts, plate, track, judged, row))
            if frame == best:
                kept[frame] = picture
            progress(row + 1, len(frames), f"frame {frame}")
            yield picture

    page, movie, still = out / "track.html", out / "track.mp4", out / "track.png"
    write_review(movie, drawn(), plate.rate, timecode=plate.timecode, crf=params.crf, preset="veryfast")
    images.write_png(still, kept[best])
    write_bytes(out / "track.json", json.dumps(judged, indent=1, sort_keys=True).encode())
    looks = look_direction(solve.poses)[:, [0, 2]]
    lens = asdict(track.lens)
    content = TrackPage(
        title=f"{shot.name}: the camera",
        subtitle=f"frames {frames} at {plate.rate} · {plate.width} x {plate.height} · version {shot.version}",
        verdict=judged["verdict"],
        open=bool(judged["flags"] or judged["warnings"]),
        warnings=tuple(judged["warnings"]),
        movie=movie.name,
        still=inline(kept[best]),
        facts=trackpage.facts(judged, told, lens, _millimetres(facts, track, track.lens.focal_x_px)),
        plots=trackpage.plots(judged, told, looks, solve.points),
    )
    write_bytes(page, trackpage.render(content).encode())
    return TrackReport(page, movie, still, out / "track.json")


def _shown(plate: Plate, screen: Screen, frame: int) -> Array:
    """The frame for the display; made small before its colours are, which costs less."""
    small = screen.fit(exr.read_rgb(plate.files.path(frame)))
    return color.to_display_8bit(np.ascontiguousarray(small), screen.display, screen.view)


def _told(
    shot: ShotInfo, facts: CameraFacts, plate: Plate, track: CameraTrack, judged: dict[str, Any], row: int
) -> Told:
    """The burn-in of the frame in `row`."""
    found, frame = judged["frames"][row], track.frames.first + row
    focal = found["focal_px"]
    millimetres = _millimetres(facts, track, focal)
    length = f"{focal:.0f} px" + (f", {millimetres:.1f} mm" if millimetres else "")
    error = (
        "no point"
        if found["error_px"] is None
        else f"error {found['error_px']:.2f} px, 95% {found['error_p95_px']:.2f}"
    )
    code = later(plate.timecode, row, plate.rate)
    return Told(
        left=f"{shot.name}  camera  v{shot.version:03d}   {length}" + (f"   {code}" if code else ""),
        middle=str(frame),
        right=f"{error}   {found['tracks']} tracks, {found['left_out']} left out",
        alarm=judged["flags"].get(str(frame), ""),
    )


def _millimetres(facts: CameraFacts, track: CameraTrack, focal_px: float) -> float:
    """A focal length by the sensor's width; 0 where that is not known."""
    return focal_px * facts.sensor_width_mm / track.lens.width
