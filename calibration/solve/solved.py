"""What a solve is worth: errors by our own lens, parallax, path, jitter; and what a plate must show to be solved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, to_camera
from calibration.lens import project, zoomed
from calibration.solve.track import Tracks
from pipeline.errors import CalibrationError
from pipeline.frames import FrameRange
from pipeline.types import Lens

Array = npt.NDArray[np.float64]

FEWEST_FRAMES = 5
LOCKED_OFF_PX = 0.5
LASTING = 0.35  # share of points found again in the next frame, under which a plate is noise
CUT = 0.1  # and under which there is a cut
STROBE, FEWEST_JUMPS = 16.0, 3  # log codes between two frames, and how many such steps make a strobe
LEAST_PARALLAX_DEG = 0.25
LEAST_AGREEMENT = 0.4  # of the plate's tracks that a given camera must explain
ONLY_TURNS_PX = 0.35  # a camera that stands still and turns explains the tracks this well


@dataclass(frozen=True)
class Solve:
    """A solved camera. poses (F, 4, 4); points (N, 3); observations (M, 4): frame row, point, x, y in plate pixels.

    zoom: (F,) each frame's focal length over the lens's, or empty where it is the same on every frame.
    """

    poses: Array
    lens: Lens
    points: Array
    observations: Array
    zoom: Array = field(default_factory=lambda: np.zeros(0))

    def lens_at(self, row: int) -> Lens:
        """The lens on the frame in `row`."""
        return zoomed(self.lens, float(self.zoom[row])) if len(self.zoom) else self.lens

    def errors_px(self) -> Array:
        """Distance (M,) from each observation to where its point is seen, by calibration.lens, not by COLMAP."""
        rows, which = self.observations[:, 0].astype(int), self.observations[:, 1].astype(int)
        seen = np.empty((len(rows), 2))
        for row in np.unique(rows):
            at = rows == row
            seen[at] = project(to_camera(self.points[which[at]], self.poses[row]), self.lens_at(row))
        return np.asarray(np.nan_to_num(np.linalg.norm(seen - self.observations[:, 2:], axis=1), nan=1e3))

    def parallaxes_deg(self) -> Array:
        """Of each point that was seen, (K,), the angle between the first and the last ray that saw it."""
        if not len(self.observations):
            return np.zeros(0)
        order = np.lexsort((self.observations[:, 0], self.observations[:, 1]))
        rows, which = self.observations[order, 0].astype(int), self.observations[order, 1].astype(int)
        first = np.flatnonzero(np.r_[True, which[1:] != which[:-1]])
        last = np.r_[first[1:], len(which)] - 1
        centres, points = camera_centre(self.poses), self.points[which[first]]
        a, b = points - centres[rows[first]], points - centres[rows[last]]
        cosine = np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
        return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    def parallax_deg(self) -> float:
        """Median over the points of the angle between the first and the last ray that saw them."""
        angles = self.parallaxes_deg()
        return float(np.median(angles)) if len(angles) else 0.0


def check_light(levels: Sequence[float], numbers: Sequence[int]) -> None:
    """Raises CalibrationError where light strobes: mean 8-bit log codes `levels` (F,) jump, more than once, there and back.

    numbers: the frame of each row.
    """
    steps = np.diff(levels)
    jumps = np.flatnonzero(np.abs(steps) > STROBE)
    if len(jumps) >= FEWEST_JUMPS and (steps[jumps] > 0).any() and (steps[jumps] < 0).any():
        at = ", ".join(str(numbers[row + 1]) for row in jumps[:8]) + (" ..." if len(jumps) > 8 else "")
        raise CalibrationError(
            f"camera solve: the light strobes: brightness jumps by up to {np.abs(steps).max():.0f} of 255 log codes at frames {at}. "
            "Even it out before the solve, or leave the frames of one light out (--set solve_camera.exclude)."
        )


def check_tracks(tracks: Tracks, numbers: Sequence[int], width_px: int) -> None:
    """Raises CalibrationError on a cut, a flash and noise; each says where and what to do.

    numbers: the frame of each row.
    """
    frames = FrameRange(numbers[0], numbers[-1])
    counts = np.diff(tracks.starts)
    if counts.max() < 30:
        raise CalibrationError(
            f"camera solve: no frame of {frames} shows more than {counts.max()} points to track, 30 are needed. The "
            "plate is too dark, flat or soft: check its colour space, or choose other frames."
        )
    if float(np.median(tracks.survived[1:])) < LASTING:
        raise CalibrationError(
            f"camera solve: of the points in frames {frames} only {np.median(tracks.survived[1:]):.0%} are found again "
            f"in the next frame, {LASTING:.0%} are needed: noise, or everything moves. Denoise the plate or mask what moves."
        )
    lost = [numbers[row] for row in range(1, len(tracks)) if tracks.survived[row] < CUT]
    if lost:
        raise CalibrationError(
            f"camera solve: hardly any point of the frame before is found in frame {', '.join(map(str, lost[:8]))}: a cut, "
            "a flash or a black frame. Leave it out (--set solve_camera.exclude), or solve the frames before and after as two shots."
        )


def move_of(tracks: Tracks, turning_error_px: float, width_px: int) -> str:
    """How the camera moves: "still", "turn" (a pan or tilt on a tripod) or "free".

    turning_error_px: by how much the best camera that only turns misses the tracks (calibration.solve.nodal).
    """
    motion = [tracks.motion(0, row) for row in range(1, len(tracks)) if len(tracks.common(0, row)[0]) >= 20]
    if len(motion) == len(tracks) - 1 and max(motion) < LOCKED_OFF_PX * max(1.0, width_px / 1920):
        return "still"
    return "turn" if turning_error_px < ONLY_TURNS_PX * max(1.0, width_px / 1280) else "free"


def check_agreement(file: str, agreed: int, tested: int) -> None:
    """Raises CalibrationError when a given camera explains too few of the plate's tracks: it is another shot's."""
    if tested and agreed < LEAST_AGREEMENT * tested:
        raise CalibrationError(
            f"{file}: explains {agreed} of the plate's {tested} tracks ({agreed / tested:.0%}), {LEAST_AGREEMENT:.0%} are "
            "needed. Check [solve] frame_offset, rotation_order, up and distortion, and its focal length."
        )


def check_solve(solve: Solve, numbers: Sequence[int]) -> None:
    """Raises CalibrationError when frames have no pose, and when there is no parallax to measure depth by."""
    check_placed(solve, numbers)
    frames = FrameRange(numbers[0], numbers[-1])
    parallax = solve.parallax_deg()
    if parallax < LEAST_PARALLAX_DEG:
        raise CalibrationError(
            f"camera solve: the points of frames {frames} show {parallax:.2f} degrees of parallax, "
            f'{LEAST_PARALLAX_DEG} are needed: the camera hardly travels. Solve it as a turning one: [solve] move = "turn".'
        )


def check_placed(solve: Solve, numbers: Sequence[int]) -> None:
    """Raises CalibrationError when frames have no pose; names them."""
    without = [numbers[row] for row in np.flatnonzero(np.isnan(solve.poses[:, 0, 0])).tolist()]
    if without:
        shown = ", ".join(map(str, without[:12])) + (" ..." if len(without) > 12 else "")
        raise CalibrationError(
            f"camera solve: {len(without)} of {len(numbers)} frames found no place: {shown}. Supply mattes of what moves "
            "in them ([mattes] path), leave them out (--set solve_camera.exclude), or cut them off the plate."
        )


def figures(solve: Solve, tracks: Tracks, keyframes: list[int], frames: FrameRange) -> dict[str, Any]:
    """Every measured number of a solve in metres, ready for JSON."""
    errors = solve.errors_px()
    rows = solve.observations[:, 0].astype(int)
    centres = camera_centre(solve.poses)
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    bends = np.linalg.norm(centres[2:] - 2 * centres[1:-1] + centres[:-2], axis=1)
    step = float(np.median(steps))
    return {
        "frames": [
            {
                "frame": frame,
                "error_px": round(float(np.median(errors[rows == row])), 4) if (rows == row).any() else None,
                "points": int((rows == row).sum()),
                "tracks": int(tracks.starts[row + 1] - tracks.starts[row]),
                "survived": round(float(tracks.survived[row]), 4),
                "keyframe": row in keyframes,
            }
            for row, frame in enumerate(frames)
        ],
        "error_px": {"median": round(float(np.median(errors)), 4), "p95": round(float(np.percentile(errors, 95)), 4)},
        "keyframes": [frames.first + row for row in keyframes],
        "points": len(solve.points),
        "observations": len(solve.observations),
        "parallax_deg": round(solve.parallax_deg(), 4),
        "path_m": round(float(steps.sum()), 5),
        # Over the median step: what a broken join shows, which the reprojection error hides.
        "largest_step": round(float(steps.max() / step), 3) if step > 0 else None,
        "jitter": round(float(np.median(bends) / step), 4) if step > 0 and len(bends) else None,
        "lens": {
            "focal_px": [round(solve.lens.focal_x_px, 4), round(solve.lens.focal_y_px, 4)],
            "centre_px": [solve.lens.centre_x_px, solve.lens.centre_y_px],
            "k1": solve.lens.k1,
            "k2": solve.lens.k2,
            "p1": solve.lens.p1,
            "p2": solve.lens.p2,
        },
        "zoom": _zoom(solve),
    }


def _zoom(solve: Solve) -> dict[str, Any]:
    """Of a zoom its focal length in plate pixels, frame by frame; else nothing."""
    if not len(solve.zoom):
        return {}
    focal = solve.lens.focal_x_px * solve.zoom
    return {"ratio": round(float(focal.max() / focal.min()), 5), "focal_px": np.round(focal, 3).tolist()}
