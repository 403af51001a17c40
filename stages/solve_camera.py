"""Solve the camera from the plate: a pose for every frame, the lens, the sparse scene, standing on its ground in metres."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.cameras import camera_centre
from calibration.solve import imported, overlay, solved
from calibration.solve.adjust import write_job
from calibration.solve.align import ASSUMED_HEIGHT_M, GroundPlane, align_world, find_ground
from calibration.solve.child import run_child
from calibration.solve.colmap import Job
from calibration.solve.keyframes import choose_keyframes
from calibration.solve.nodal import turning_error_px
from calibration.solve.solved import Solve
from calibration.solve.track import TrackParams, Tracks, follow
from calibration.solve.trackview import TrackView, open_view
from calibration.solve.triangulate import triangulate
from pipeline.errors import CalibrationError, ConfigError
from pipeline.io import color, exr, images
from pipeline.io.files import replacing, write_bytes
from pipeline.sections import CameraFacts, MatteSource
from pipeline.solve_sections import SolveBrief
from pipeline.stage import Progress, stage
from pipeline.types import CameraTrack, Lens, Plate


@dataclass(frozen=True, slots=True)
class Params:
    tracks: int = 800  # points followed through the plate
    features: int = 2048  # SIFT features of a keyframe
    max_width_px: int = 1920  # larger plates are solved at this width
    threads: int = 2  # for features and matches
    seed: int = 1
    timeout_s: float = 3600.0

    def __post_init__(self) -> None:
        if min(self.tracks, self.features, self.max_width_px, self.threads) < 1 or self.timeout_s <= 0:
            raise ConfigError("solve_camera: tracks, features, max_width_px, threads and timeout_s must be above 0.")


@stage
def solve_camera(
    plate: Plate,
    facts: CameraFacts,
    brief: SolveBrief,
    mattes: MatteSource,
    params: Params,
    out: Path,
    progress: Progress,
) -> CameraTrack:
    """Solve `plate`, or take the track that `brief` names; supplied mattes hide what moves.

    Raises CalibrationError when a frame finds no place, and when a given track is not this plate's.
    """
    frames = plate.files.frames
    if len(frames) < solved.FEWEST_FRAMES:
        raise CalibrationError(
            f"camera solve: the plate has {len(frames)} frames ({frames}), {solved.FEWEST_FRAMES} are needed. Choose "
            "more frames."
        )
    view = open_view(plate, mattes, params.max_width_px)
    if brief.track is not None:
        solve, numbers = _take(view, facts, brief, params, progress)
    else:
        solve, numbers = _solve_plate(view, facts, params, progress)
    numbers |= {
        "solved_at_px": [view.width, view.height],
        "mattes": "supplied" if view.mattes else "none",
        "seed": params.seed,
        "threads": params.threads,
    }
    progress(98, 100, "drawing")
    return _write(out, solve, plate, numbers)


def _solve_plate(
    view: TrackView, facts: CameraFacts, params: Params, progress: Progress
) -> tuple[Solve, dict[str, Any]]:
    """Our own solve, in metres, and its figures."""
    frames = view.plate.files.frames
    tracks = _follow(view, params, progress)
    solved.check_tracks(tracks, frames, view.width)
    keyframes = choose_keyframes(tracks, view.width)
    turning_px = turning_error_px(tracks, keyframes, view.width, view.height)
    solved.check_travel(turning_px, frames, view.width)
    solve, said = _solve(view, facts, tracks, keyframes, params, progress)
    solved.check_solve(solve, frames)
    solve, scale_from, ground = _stand(solve, facts, params)
    return solve, {
        **solved.figures(solve, tracks, keyframes, frames),
        **said,
        "ground": ground,
        "scale_from": scale_from,
        "turning_error_px": round(turning_px, 4) if np.isfinite(turning_px) else None,
    }


def _take(
    view: TrackView, facts: CameraFacts, brief: SolveBrief, params: Params, progress: Progress
) -> tuple[Solve, dict[str, Any]]:
    """A given track in metres, with points of the plate's own where it brings none, and its figures."""
    frames = view.plate.files.frames
    track = imported.read_track(brief, view.plate, facts)
    tracks = _follow(view, params, progress)
    progress(90, 100, "placing points")
    found = triangulate(tracks, view.to_plate, track.poses, track.lens)
    solved.check_agreement(str(brief.track), found.agreed, found.tested)
    points, seen = (track.points, track.observations) if len(track.points) else (found.points, found.observations)
    solve = Solve(track.poses, track.lens, points, seen)
    solved.check_solve(solve, frames)
    said = {
        **track.told,
        "file": brief.track.name if brief.track else "",
        "tracks": found.tested,
        "agree": found.agreed,
    }
    if track.metric:
        solve, scale_from, ground = _stand_as_given(solve, said)
    else:
        solve, scale_from, ground = _stand(solve, facts, params)
    return solve, {
        **solved.figures(solve, tracks, [], frames),
        "track": said,
        "focal": {"from": f"{said['file']}: {track.told.get('focal_from', 'its lens')}"},
        "ground": ground,
        "scale_from": scale_from,
    }


def _follow(view: TrackView, params: Params, progress: Progress) -> Tracks:
    total = len(view.plate.files.frames)

    def watched() -> Any:
        for done, pair in enumerate(view.frames()):
            progress(round(20 * done / total), 100, "tracking")
            yield pair

    return follow(watched(), TrackParams(target=params.tracks))


def _solve(
    view: TrackView, facts: CameraFacts, tracks: Tracks, keyframes: list[int], params: Params, progress: Progress
) -> tuple[Solve, dict[str, Any]]:
    """Let COLMAP solve in a process of its own; its answer in plate pixels and its own unit of length."""
    frames = view.plate.files.frames
    with tempfile.TemporaryDirectory(prefix="solve_camera.") as temporary:
        folder = Path(temporary)
        names = tuple(f"{frames.first + row:06d}.png" for row in keyframes)
        for row, name in zip(keyframes, names, strict=True):
            images.write_png(folder / "images" / name, view.grey(frames.first + row))
            mask = view.mask(frames.first + row)
            if mask is not None:
                images.write_png(folder / "masks" / f"{name}.png", mask)
        job = Job(
            folder=folder,
            names=names,
            keyframes=tuple(keyframes),
            width=view.width,
            height=view.height,
            focal_px=_focal_px(view, facts),
            masked=bool(view.mattes),
            features=params.features,
            threads=params.threads,
            seed=params.seed,
        )
        write_job(job, tracks)
        run_child(
            "calibration.solve.adjust:solve",
            folder,
            params.timeout_s,
            lambda done, total, note="": progress(20 + round(0.75 * 100 * done / total), 100, note),
        )
        said = json.loads((folder / "result.json").read_text())
        with np.load(folder / "result.npz") as found:
            lens = Lens(view.width, view.height, *map(float, found["camera"]))
            observations = found["observations"].copy()
            observations[:, 2:] *= view.to_plate
            return Solve(found["poses"], view.plate_lens(lens), found["points"], observations), said


def _focal_px(view: TrackView, facts: CameraFacts) -> float:
    """Focal length in working pixels by what was written down on set; 0 when it was not."""
    if facts.focal_mm <= 0 or facts.sensor_width_mm <= 0:
        return 0.0
    return facts.focal_mm / facts.sensor_width_mm * view.width


def _stand(solve: Solve, facts: CameraFacts, params: Params) -> tuple[Solve, str, dict[str, Any]]:
    """The solve in metres on its ground, what set the metre, and figures of the ground."""
    plane = find_ground(solve.points, solve.poses, params.seed)
    height_m = facts.height_m or ASSUMED_HEIGHT_M
    aligned = align_world(solve.poses, plane, height_m)
    source = "camera height from [camera]" if facts.height_m else "assumed camera height, set height_m in [camera]"
    standing = Solve(aligned.poses(solve.poses), solve.lens, aligned.points(solve.points), solve.observations)
    heights = camera_centre(standing.poses)[:, 1]
    ground = {
        "plane_found": plane.found,
        "points_on_it": plane.inliers,
        "camera_height_m": [round(float(heights.min()), 4), round(float(heights.max()), 4)],
    }
    over = "the ground" if plane.found else "the lowest points (no ground plane was found)"
    return standing, f"{source}: {height_m:g} m above {over} at the first frame", ground


def _stand_as_given(solve: Solve, said: dict[str, Any]) -> tuple[Solve, str, dict[str, Any]]:
    """A track whose ground is y = 0 in metres: only turned about Y and moved along the ground, to begin at the origin."""
    height_m = float(camera_centre(solve.poses[0])[1])
    if height_m <= 0:
        raise CalibrationError(
            f"{said['file']}: its first camera stands at {height_m:.2f} m, so its ground is not y = 0. Move its ground there, "
            'or let the plate tell: [solve] world = "plate".'
        )
    ground = GroundPlane(np.array([0.0, 1.0, 0.0]), 0.0, 0, True)
    aligned = align_world(solve.poses, ground, height_m)
    heights = camera_centre(solve.poses)[:, 1]
    said["world_from_track"] = {
        "turned_about_y_deg": round(float(np.degrees(np.arctan2(aligned.rotation[0, 2], aligned.rotation[0, 0]))), 5),
        "moved_m": np.round(aligned.shift, 5).tolist(),
    }
    told = {
        "plane_found": True,
        "points_on_it": 0,
        "camera_height_m": np.round([heights.min(), heights.max()], 4).tolist(),
    }
    source = f"{said['file']}: {said['metres_per_unit']:g} m per unit, its ground is y = 0"
    return Solve(aligned.poses(solve.poses), solve.lens, aligned.points(solve.points), solve.observations), source, told


def _write(out: Path, solve: Solve, plate: Plate, numbers: dict[str, Any]) -> CameraTrack:
    frames = plate.files.frames
    observations = solve.observations.copy()
    observations[:, 0] += frames.first
    for name, array in (
        ("poses.npy", solve.poses),
        ("points.npy", solve.points.astype(np.float32)),
        ("observations.npy", observations.astype(np.float32)),
    ):
        with replacing(out / name) as temporary:
            np.save(temporary, array)
    write_bytes(out / "figures.json", json.dumps(numbers, indent=1, sort_keys=True).encode())
    row = overlay.best_row(solve)
    frame = frames.first + row
    shown = color.to_display_8bit(exr.read_rgb(plate.files.path(frame)))
    error = numbers["error_px"]["median"]
    title = f"frame {frame}   focal {solve.lens.focal_x_px:.0f} px"
    images.write_png(out / "overlay.png", overlay.draw(shown, solve, row, title))
    return CameraTrack(
        poses=out / "poses.npy",
        points=out / "points.npy",
        observations=out / "observations.npy",
        figures=out / "figures.json",
        overlay=out / "overlay.png",
        frames=frames,
        lens=solve.lens,
        reprojection_error_px=float(error),
        scale_from=numbers["scale_from"],
    )
