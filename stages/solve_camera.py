"""Solve the camera from the plate: a pose for every frame, the lens, the sparse scene, standing on its ground in metres."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre
from calibration.lensfile import read_lens
from calibration.solve import by_hand, fixed, imported, solved
from calibration.solve.freemove import solve_free
from calibration.solve.keyframed import Effort, Known, follow_plate
from calibration.solve.keyframes import choose_keyframes
from calibration.solve.locked import check_locked
from calibration.solve.nodal import Turning, best_turning
from calibration.solve.quality import quality
from calibration.solve.shutter import rolling_shutter
from calibration.solve.smooth import smoothed
from calibration.solve.solved import Solve
from calibration.solve.stand import Given, stand
from calibration.solve.track import Tracks
from calibration.solve.trackview import TrackView, open_view
from calibration.solve.triangulate import triangulate
from calibration.solve.written import FocalPrior, focal_prior
from pipeline.errors import CalibrationError, ConfigError
from pipeline.frames import frames_in
from pipeline.io.files import replacing, write_bytes
from pipeline.sections import CameraFacts, MatteSource
from pipeline.solve_sections import SolveBrief
from pipeline.stage import Progress, stage
from pipeline.types import CameraTrack, Plate
from pipeline.world_sections import WorldFacts


@dataclass(frozen=True, slots=True)
class Params:
    tracks: int = 800  # points followed through the plate
    features: int = 2048  # SIFT features of a keyframe
    max_width_px: int = 1920  # larger plates are solved at this width
    threads: int = 2  # for features and matches
    seed: int = 1
    timeout_s: float = 3600.0
    exclude: str | int = ""  # frames left out of the solve and posed afterwards: 1040-1050, 1062

    def __post_init__(self) -> None:
        if min(self.tracks, self.features, self.max_width_px, self.threads) < 1 or self.timeout_s <= 0:
            raise ConfigError("solve_camera: tracks, features, max_width_px, threads and timeout_s must be above 0.")
        frames_in(str(self.exclude))


@dataclass(frozen=True)
class _Work:
    """What is worked on. frames: those that are solved, all but the excluded; rows: theirs in the plate."""

    view: TrackView
    frames: list[int]
    rows: list[int]
    facts: CameraFacts
    brief: SolveBrief
    world: WorldFacts
    params: Params
    progress: Progress


@stage
def solve_camera(
    plate: Plate,
    facts: CameraFacts,
    brief: SolveBrief,
    world: WorldFacts,
    mattes: MatteSource,
    params: Params,
    out: Path,
    progress: Progress,
) -> CameraTrack:
    """Solve `plate`, or take the track that `brief` names; supplied mattes hide what moves.

    Raises CalibrationError when a frame finds no place, and when a given track is not this plate's.
    """
    every = list(plate.files.frames)
    frames = by_hand.left_in(every, frames_in(str(params.exclude)))
    if len(frames) < solved.FEWEST_FRAMES:
        left = (
            f"{len(frames)} frames of {plate.files.frames} left"
            if len(frames) < len(every)
            else f"{len(frames)} frames"
        )
        raise CalibrationError(
            f"camera solve: the plate has {left} ({plate.files.frames}), {solved.FEWEST_FRAMES} are needed. Choose "
            "more frames."
        )
    view = open_view(plate, mattes, brief.ignore, params.max_width_px)
    rows = [frame - every[0] for frame in frames]
    work = _Work(view, frames, rows, facts, brief, world, params, progress)
    solve, tracks, numbers = _solve_plate(work) if brief.track is None else _take(work)
    numbers |= {
        "solved_at_px": [view.width, view.height],
        "mattes": "supplied" if view.mattes else "none",
        "ignored_areas": "supplied" if view.ignore else "none",
        "rolling_shutter": rolling_shutter(solve),
        "seed": params.seed,
        "threads": params.threads,
    }
    held = quality(solve)
    for told, sure in zip(numbers["frames"], held.pop("frames", []), strict=False):
        told |= sure
    numbers |= held
    return _write(out, solve, _followed(tracks, view, every[0]), plate, numbers)


def _solve_plate(work: _Work) -> tuple[Solve, Tracks, dict[str, Any]]:
    """Our own solve, in metres, the tracks of every frame, and its figures."""
    view, frames, params = work.view, work.frames, work.params
    locked, file = _locked(work)
    tracks = follow_plate(view, frames, params.tracks, work.progress)
    try:
        solved.check_tracks(tracks, frames, view.width)
    except CalibrationError:
        solved.check_light([float(view.grey(frame).mean()) for frame in frames], frames)
        raise
    keyframes = choose_keyframes(tracks, view.width)
    turns = best_turning(tracks, keyframes, view.width, view.height, work.brief.focal)
    found = solved.move_of(tracks, turns.error_px, view.width)
    move = found if work.brief.move == "auto" else work.brief.move
    path = work.brief.lens
    lens = None if path is None else read_lens(path, view.plate.width, view.plate.height, view.plate.pixel_aspect)
    if lens is None:
        prior = focal_prior(work.facts, view.plate, view.width, frames)
    else:
        prior = FocalPrior(np.full(len(frames), view.working_lens(lens).focal_x_px), 0.0, "[solve] lens")
    known, given = Known(prior, lens, locked), None
    if move == "free":
        effort = Effort(params.features, params.threads, params.seed, params.timeout_s)
        solve, said = solve_free(view, frames, tracks, keyframes, known, effort, work.progress, work.brief.focal)
        solved.check_solve(solve, frames)
    else:
        as_turned = turns if move == "turn" else None
        solve, said, given = _fixed(work, tracks, keyframes, as_turned, known)
    solve, posed = _whole(work, solve)
    if work.brief.smooth:
        first = view.plate.files.frames.first
        solve, posed["smooth"] = smoothed(solve, work.brief.smooth, [frame - first for frame in locked])
    if locked and work.brief.world == "track":
        given = Given(file, work.brief.metres_per_unit or 1.0)
    standing = stand(solve, view, work.facts, work.world, params.seed, given)
    whole = by_hand.spread_tracks(tracks, work.rows, len(solve.poses))
    key_rows = [work.rows[row] for row in keyframes]
    told: dict[str, Any] = {
        **solved.figures(standing.solve, whole, key_rows, view.plate.files.frames),
        **said,
        **posed,
        **standing.figures,
        "scale_from": standing.scale_from,
        "move": {
            "is": move,
            "from": "the plate" if work.brief.move == "auto" else "[solve]",
            "the_plate_says": found,
        },
        "turning_error_px": round(turns.error_px, 4) if np.isfinite(turns.error_px) else None,
    }
    return standing.solve, whole, told


def _fixed(
    work: _Work, tracks: Tracks, keyframes: list[int], turning_as: Turning | None, known: Known
) -> tuple[Solve, dict[str, Any], Given]:
    """A camera that does not travel, on level ground: the solve in metres, what is told of it, and whence its world is."""
    if known.locked:
        raise CalibrationError(
            "[solve] locked: this plate's camera does not travel, so there is nothing to hold it to. Leave locked out."
        )
    height_m = work.facts.height_m
    solve, said = fixed.solve_fixed(work.view, tracks, keyframes, turning_as, known.prior, height_m)
    if known.lens is not None:
        said["focal"] = {
            "from": "[solve] lens, its focal length alone: a camera that does not travel finds its own distortion"
        }
    solved.check_placed(solve, work.frames)
    source = "camera height from [camera]" if height_m else "assumed camera height, set height_m in [camera]"
    return solve, said, Given(f"{source}, above level ground; a camera that does not travel measures none", 1.0)


def _take(work: _Work) -> tuple[Solve, Tracks, dict[str, Any]]:
    """A given track in metres, with points of the plate's own where it brings none, the plate's tracks, and its figures."""
    view, brief = work.view, work.brief
    assert brief.track is not None
    track = imported.read_track(brief, brief.track, view.plate, work.facts, work.frames)
    tracks = follow_plate(view, work.frames, work.params.tracks, work.progress)
    work.progress(90, 100, "placing points")
    found = triangulate(tracks, view.to_plate, track.poses, track.lens, track.zoom)
    solved.check_agreement(brief.track.name, found.agreed, found.tested)
    points, seen = (track.points, track.observations) if len(track.points) else (found.points, found.observations)
    solve = Solve(track.poses, track.lens, points, seen, track.zoom)
    solved.check_placed(solve, work.frames)
    travels = len(points) > 0 and solve.parallax_deg() >= solved.LEAST_PARALLAX_DEG
    if not travels:
        height = float(camera_centre(track.poses)[:, 1].mean()) if track.metric else 0.0
        solve = fixed.on_level_ground(tracks, view.to_plate, solve, height if height > 0 else 1.0)
    solve, posed = _whole(work, solve)
    said = {"file": brief.track.name, **track.told, "tracks": found.tested, "agree": found.agreed}
    given = Given(brief.track.name, float(said["metres_per_unit"])) if track.metric else None
    standing = stand(solve, view, work.facts, work.world, work.params.seed, given)
    whole = by_hand.spread_tracks(tracks, work.rows, len(solve.poses))
    told: dict[str, Any] = {
        **solved.figures(standing.solve, whole, [], view.plate.files.frames),
        **posed,
        "track": said,
        "move": {"is": "free" if travels else "turn", "from": brief.track.name},
        "focal": {"from": f"{brief.track.name}: {track.told.get('focal_from', 'its camera')}"},
        **standing.figures,
        "scale_from": standing.scale_from,
    }
    return standing.solve, whole, told


def _whole(work: _Work, solve: Solve) -> tuple[Solve, dict[str, Any]]:
    """The solve with the excluded frames posed too, and how."""
    if len(work.frames) == len(work.view.plate.files.frames):
        return solve, {}
    work.progress(95, 100, "posing what was left out")
    whole, told = by_hand.pose_left_out(solve, work.rows, work.view)
    return whole, {"by_hand": told}


def _locked(work: _Work) -> tuple[dict[int, npt.NDArray[np.float64]], str]:
    """Poses of the locked frames, camera_from_world, and the file that gives them; none when nothing is locked."""
    path = work.brief.locked
    if path is None:
        return {}, ""
    frames = list(frames_in(work.brief.locked_frames))
    left_out = sorted(set(frames) - set(work.frames))
    if left_out:
        raise CalibrationError(
            f"[solve] locked_frames: {', '.join(map(str, left_out[:6]))} is excluded or not of the plate. Change it."
        )
    poses = imported.read_poses(work.brief, path, work.view.plate, frames)
    check_locked(poses, frames)
    return dict(zip(frames, poses, strict=True)), path.name


def _followed(tracks: Tracks, view: TrackView, first: int) -> npt.NDArray[np.float64]:
    """The tracks of every frame as a receipt keeps them: (K, 4) frame, number, plate pixels."""
    frames = first + np.repeat(np.arange(len(tracks)), np.diff(tracks.starts))
    return np.column_stack([frames, tracks.idents, tracks.xy * view.to_plate])


def _write(
    out: Path, solve: Solve, followed: npt.NDArray[np.float64], plate: Plate, numbers: dict[str, Any]
) -> CameraTrack:
    frames = plate.files.frames
    observations = solve.observations.copy()
    observations[:, 0] += frames.first
    for name, array in (
        ("poses.npy", solve.poses),
        ("points.npy", solve.points.astype(np.float32)),
        ("observations.npy", observations.astype(np.float32)),
        ("tracks.npy", followed.astype(np.float32)),
    ):
        with replacing(out / name) as temporary:
            np.save(temporary, array)
    write_bytes(out / "figures.json", json.dumps(numbers, indent=1, sort_keys=True).encode())
    return CameraTrack(
        poses=out / "poses.npy",
        points=out / "points.npy",
        observations=out / "observations.npy",
        tracks=out / "tracks.npy",
        figures=out / "figures.json",
        frames=frames,
        lens=solve.lens,
        reprojection_error_px=float(numbers["error_px"]["median"]),
        scale_from=numbers["scale_from"],
        zoom=tuple(solve.zoom.tolist()),
    )
