"""Look at the crowd before anything is generated: joins camera, ground and layout. No stage: nothing later takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import cpu_count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from assets.guides.optics import Optics, optics
from assets.preview.backdrop import SAMPLES, Backdrop, movie_size
from assets.preview.figures import Crowd, Slope, read_crowd
from assets.preview.movie import Shooting, write_movie
from assets.preview.page import about, page
from assets.preview.picking import pick as pick_agent
from assets.preview.topview import Chart, chart_of, picture
from assets.view import View
from calibration.cameras import camera_centre, lens_at, load_poses
from calibration.ground.heightfield import Heightfield
from calibration.lens import scaled
from pipeline.crowd_sections import CrowdBrief, KeepOut, Zone
from pipeline.errors import ConfigError
from pipeline.frames import FrameRange
from pipeline.io.files import write_bytes
from pipeline.io.images import write_png
from pipeline.sections import ShotInfo
from pipeline.stage import Progress
from pipeline.types import CameraTrack, CrowdLayout, DepthMaps, Ground, Mattes, Plate
from stages.seen import view_of

Array = npt.NDArray[np.float64]
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Looked:
    """What was written. scale: of the movie's pixels to the plate's."""

    movie: Path
    top: Path
    page: Path
    plate_px_per_px: float


def preview(
    made: Mapping[type, Any], frames: FrameRange | None, out: Path, progress: Progress, workers: int = 0
) -> Looked:
    """Write crowd.mp4, crowd_top.png and crowd.html into `out`. made: results by type, as the runner returns them.

    frames: of the movie; None: all. workers: frames that are drawn at once, 0 for one per core. Raises ConfigError for frames that the layout lacks or a crowd of nobody.
    """
    plate, layout = _of(made, Plate), _of(made, CrowdLayout)
    track, info, crowd = _of(made, CameraTrack), _of(made, ShotInfo), read_crowd(layout)
    if not len(crowd.ids):
        raise ConfigError("crowd preview: the shot has nobody in it. Add a [[crowd.zones]] to the shot file.")
    shown = frames or layout.frames
    if shown.first not in layout.frames or shown.last not in layout.frames:
        raise ConfigError(f"--frames {shown}: the crowd has frames {layout.frames}. Choose frames inside them.")
    title = f"{info.name} v{info.version:03d}"
    looked = Looked(out / "crowd.mp4", out / "crowd_top.png", out / "crowd.html", plate.width / movie_size(plate)[1])
    out.mkdir(parents=True, exist_ok=True)
    chart = _chart(made, crowd, title)
    write_png(looked.top, picture(chart))
    write_bytes(looked.page, page(chart, looked.movie.name).encode())
    size = movie_size(plate)
    small = replace(track, lens=scaled(track.lens, SAMPLES * size[1], SAMPLES * size[0]))
    backdrop = Backdrop(plate, _of(made, DepthMaps), _of(made, Mattes), size)
    views = {frame: view_of(small, frame) for frame in shown}  # here: NumPy's files must not be read in two threads
    shooting = Shooting(
        crowd, layout.frames, views.__getitem__, _lenses(small, views[shown.first]), _slope(made),
        backdrop, title,
    )  # fmt: skip
    write_movie(looked.movie, shooting, shown, workers or cpu_count() or 1, progress)
    return looked


def _lenses(track: CameraTrack, first: View) -> Callable[[View], Optics]:
    """The lens of each of the track's views, prepared; of one that does not zoom, once."""
    if track.zoom:
        return lambda view: optics(view.rays, view.project)
    known = optics(first.rays, first.project)
    return lambda view: known


def pick(made: Mapping[type, Any], frame: int, x: float, y: float) -> str:
    """Who is drawn at a pixel of the plate, in one line. Raises ConfigError, AssetError: bad frame, pixel, nobody there."""
    layout, track = _of(made, CrowdLayout), _of(made, CameraTrack)
    if frame not in layout.frames:
        raise ConfigError(f"--frame {frame}: the crowd has frames {layout.frames}. Choose one of them.")
    crowd, view, row = read_crowd(layout), view_of(track, frame), layout.frames.index(frame)
    found = pick_agent(view, crowd, row, x, y, _slope(made))
    away = float(np.linalg.norm(crowd.positions[row, found.agent] - camera_centre(view.pose)))
    near = f" ({found.away_px:.0f} px beside that pixel)" if found.away_px >= 1 else ""
    zone = crowd.zones[found.agent]
    return f"{crowd.ids[found.agent]}  {about(crowd, row, found.agent)}, zone {zone}, {away:.1f} m away{near}"


def _slope(made: Mapping[type, Any]) -> Slope:
    heights = Heightfield.read(_of(made, Ground))

    def slope(x: Array, z: Array) -> Array:
        normal = heights.normal(x, z)
        return np.asarray(-normal[:, [0, 2]] / normal[:, 1:2])

    return slope


def _chart(made: Mapping[type, Any], crowd: Crowd, title: str) -> Chart:
    track, brief = _of(made, CameraTrack), _of(made, CrowdBrief)
    poses, heights = load_poses(track), Heightfield.read(_of(made, Ground))
    view: View = view_of(track, track.frames.first)
    middle = view.rays[view.size[0] // 2, :, 0]
    zones = {}
    areas: tuple[Zone | KeepOut, ...] = (*brief.zones, *brief.keep_out)
    for zone in areas:
        corners = np.array(zone.polygon_px or zone.polygon_m, np.float64)
        if zone.polygon_px:
            corners = heights.meet_ground(corners, lens_at(track, track.frames.first), poses[0])[:, [0, 2]]
        if len(corners) and np.isfinite(corners).all():
            zones[zone.name] = corners
    return chart_of(crowd, poses, (float(middle[0]), float(middle[-1])), zones, title, track.frames.first)


def _of(made: Mapping[type, Any], kind: type[Kind]) -> Kind:
    result: Kind = made[kind]
    return result
