"""The ground of the shot as a height field: from the depth of several frames, settled by the plate's own parallax."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, lens_at, load_poses, world_from_camera
from calibration.ground import settle
from calibration.ground.standing import tops
from calibration.ground.survey import Sheet, Survey, one_sided, survey
from calibration.ground.witness import agreement
from calibration.lens import rays
from pipeline.errors import ConfigError
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.io.files import replacing, write_bytes
from pipeline.stage import Progress, stage
from pipeline.types import CameraTrack, DepthMaps, Ground, Mattes, Plate

# What a depth point says at 1 m, against 1 for parallax of 15% of the width: it counts where nothing else does.
_SAY_OF_DEPTH = 2.0


@dataclass(frozen=True, slots=True)
class Params:
    looks: int = 12  # frames, spread over the shot
    points_per_look: int = 30000
    confidence: float = 0.6  # of the depth that counts
    cell_m: float = 0.5
    reach_m: float = 140.0
    settle_frames: int = 6  # frames, spread over the shot, from which the plate itself is asked again; 0: depth alone
    width_px: int = 1920  # the plate's texture is compared at this width, never enlarged

    def __post_init__(self) -> None:
        if self.looks < 1 or self.points_per_look < 100:
            raise ConfigError("survey_ground: looks must be at least 1 and points_per_look at least 100.")
        if self.settle_frames < 0 or not 64 <= self.width_px <= 4096:
            raise ConfigError("survey_ground: settle_frames must be 0 or more and width_px 64 to 4096.")
        if not 0.05 <= self.cell_m <= 20 or not self.reach_m > 4 * self.cell_m:
            raise ConfigError(
                f"survey_ground: cell_m {self.cell_m} must be 0.05 to 20, reach_m {self.reach_m} above 4 cells."
            )


@stage
def survey_ground(
    plate: Plate, track: CameraTrack, depth: DepthMaps, mattes: Mattes, params: Params, out: Path, progress: Progress
) -> Ground:
    """Heights over world x, z, the solved points among the evidence; smooth where nothing was seen."""
    poses = load_poses(track)
    looks, settled = _spread(depth.files.frames, params.looks), _spread(depth.files.frames, params.settle_frames)
    steps = len(looks) + 1 + len(settle.WINDOWS) * (len(settled) + 1)
    done = iter(range(steps))
    clouds, solved = [], np.load(track.points, allow_pickle=False).astype(np.float64)
    votes = np.zeros(len(solved), np.int64)
    for frame in looks:
        progress(next(done), steps, f"frame {frame}")
        pose, maps = poses[track.frames.index(frame)], exr.read(depth.files.path(frame)).channels
        covered = exr.read(mattes.files.path(frame)).channels["A"] > 0.05
        known = np.where(np.isfinite(maps["Z"]) & (maps["C"] >= params.confidence) & ~covered, maps["Z"], np.inf)
        clouds.append(_seen(known, rays(lens_at(track, frame)), pose, params))
        votes += agreement(solved, np.where(covered, 0, known), lens_at(track, frame), pose)
    clouds.append(solved[votes >= 0])
    progress(next(done), steps, "laying the sheet")
    cloud, stood = np.concatenate(clouds), camera_centre(poses)
    sheet = Sheet(cell_m=params.cell_m, reach_m=params.reach_m)
    first = found = survey(cloud, stood, sheet)
    background = _SAY_OF_DEPTH / np.maximum(np.linalg.norm(cloud - stood.mean(axis=0), axis=1), 1.0) ** 2
    for window in settle.WINDOWS if settled else ():
        seen = []
        for frame in settled:
            progress(next(done), steps, f"following the ground from frame {frame}")
            matte = mattes.files.path(frame)
            seen.append(settle.look(plate, track, matte, found.field, frame, params.width_px, window))
        progress(next(done), steps, "laying the sheet again")
        # Bare soil with tufts: ground beside what sticks out says little. On a lawn all is blades, and all counts.
        lean = one_sided(np.concatenate([s.points for s in seen]), stood, found.field, sheet)
        points = np.concatenate([cloud, *[s.points for s in seen]])
        say = np.concatenate([background, *[s.say * (1 - lean * (1 - s.clear)) for s in seen]])
        found = survey(points, stood, sheet, say, found.field)
    progress(steps, steps, "done")
    field = found.field
    stands = tops(((clouds[k], camera_centre(poses[track.frames.index(f)])) for k, f in enumerate(looks)), field)
    _write(out / "tops.npy", stands)
    _write(out / "heights.npy", field.heights)
    figures = {**_figures(found, first, looks), "share_built_on": round(float(np.isfinite(stands).mean()), 5)}
    write_bytes(out / "ground.json", json.dumps(figures, indent=1, sort_keys=True).encode())
    corner = field.origin_x_m, field.origin_z_m, field.cell_m
    return Ground(out / "heights.npy", *corner, out / "ground.json", out / "tops.npy")


def _write(path: Path, grid: npt.NDArray[np.float32]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, grid)


def _spread(frames: FrameRange, count: int) -> list[int]:
    """Up to `count` frames, even over the shot, both ends among them."""
    return sorted({round(f) for f in np.linspace(frames.first, frames.last, min(count, len(frames)))})


def _seen(
    known: npt.NDArray[np.floating], through: npt.NDArray[np.floating], pose: npt.NDArray[np.float64], params: Params
) -> npt.NDArray[np.float64]:
    """World points (N, 3) of what one frame trusts and nobody covers, an even pick of its pixels.

    known: (H, W) metres, +inf elsewhere; through: (H, W, 2) the pixels' rays.
    """
    row, column = np.nonzero(known < 1.5 * params.reach_m)
    step = max(1, len(row) // params.points_per_look)
    row, column = row[::step], column[::step]
    z = known[row, column].astype(np.float64)
    points = np.column_stack([through[row, column].astype(np.float64) * z[:, None], z])
    back = world_from_camera(pose)
    return np.asarray(points @ back[:3, :3].T + back[:3, 3])


def _figures(found: Survey, first: Survey, looks: list[int]) -> dict[str, object]:
    off = np.abs(found.residuals_m)
    rows, columns = np.mgrid[0 : found.field.heights.shape[0], 0 : found.field.heights.shape[1]]
    x, z = found.field.origin_x_m + found.field.cell_m * columns, found.field.origin_z_m + found.field.cell_m * rows
    moved = np.abs(found.field.heights - first.field.height(x, z))[found.measured]
    return {
        "settled_median_m": round(float(np.median(moved)), 4) if moved.size else None,
        "frames": looks,
        "ground_points": found.points,
        "residual_rms_m": round(float(np.sqrt(np.mean(off**2))), 4) if off.size else None,
        "residual_median_m": round(float(np.median(off)), 4) if off.size else None,
        "share_measured": round(float(found.measured.mean()), 4),
        "lowest_m": round(float(found.field.heights.min()), 3),
        "highest_m": round(float(found.field.heights.max()), 3),
        "rows": found.field.heights.shape[0],
        "columns": found.field.heights.shape[1],
    }
