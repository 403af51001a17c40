"""All that the page of a camera track tells: figures over the frames, what is wrong with which, the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.judge.jitter import Beside, Split, beside_the_way, split
from calibration.judge.motion import Motion, motion_of, said_of
from calibration.judge.taken import EXPLAINED, LEFT_OUT, SHORT, Followed
from calibration.lens import undistort_pixels
from calibration.solve.certainty import sureness
from calibration.solve.solved import Solve

Array = npt.NDArray[np.float64]

BAD_PX, TIMES_USUAL = 1.0, 3.0  # a frame's mean error that is looked at, in pictures 1920 wide, and over the usual
FEWEST_POINTS = 12
MOST_LEFT_OUT, LEAST_COVERED, LEAST_PARALLAX_DEG = 0.35, 0.4, 1.0
LARGEST_STEP = 4.0


def judge(solve: Solve, tracks: Followed, told: Mapping[str, Any], first: int) -> dict[str, Any]:
    """Everything the page tells, ready for JSON. told: the solve's own figures; first: number of the first frame."""
    beside, motion = beside_the_way(solve.poses, sureness(solve)), motion_of(solve.poses)
    rows = _frames(solve, tracks, beside, motion, first)
    turn, shift = split(beside.turn_deg, beside.turn_sure_deg), split(beside.shift_m, beside.shift_sure_m)
    flags = _flags(rows, beside, told, first, max(1.0, solve.lens.width / 1920))
    focal = np.array([row["focal_px"] for row in rows])
    kind = str(told.get("move", {}).get("is", "free"))
    shake_px = _px_of_turn(turn.shake, solve) if turn else 0.0
    errors = solve.errors_px()
    found: dict[str, Any] = {
        "frames": rows,
        "flags": {str(frame): why for frame, why in flags.items()},
        "move": said_of(motion, kind, float(focal.max() / focal.min()), shake_px * 1920 / solve.lens.width),
        "error_px": {
            name: round(float(value), 4)
            for name, value in (
                ("mean", errors.mean()),
                ("median", np.median(errors)),
                ("p95", np.percentile(errors, 95)),
            )
        }
        if len(errors)
        else {},
        "fast": {name: _told_split(one, solve, name) for name, one in (("turn_deg", turn), ("shift_m", shift)) if one},
        "lives": _lives(tracks),
        "parallax_deg": np.round(np.sort(solve.parallaxes_deg()), 4).tolist(),
        "tracks": {
            name: len(np.unique(tracks.starts[tracks.state == state]))
            for name, state in (("explained", EXPLAINED), ("left_out", LEFT_OUT), ("short", SHORT))
        },
        "lens_bends_px": _bend_px(solve),
    }
    found["warnings"] = _warnings(found, told, solve)
    found["verdict"] = verdict(found, first, len(rows))
    return found


def verdict(found: Mapping[str, Any], first: int, frames: int) -> str:
    """One sentence each on the move, on what was solved, and on the worst frames by number."""
    flags, errors = found["flags"], found["error_px"]
    known = [row for row in found["frames"] if row["error_px"] is not None]
    worst = sorted(known, key=lambda row: -row["error_px"])[:3]
    solved = (
        f"All {frames} frames are solved"
        if len(known) == frames
        else f"{len(known)} of {frames} frames show solved points"
    )
    error = f" with {errors['mean']:.2g} px mean error, 95% under {errors['p95']:.2g} px" if errors else ""
    told = ", ".join(f"{row['frame']} ({row['error_px']:.2g} px)" for row in worst)
    look = f"Look at {len(flags)}: {_few(list(flags))}." if flags else "No frame stands out."
    return f"The camera {found['move']}. {solved}{error}. {look} Worst: {told or 'none measured'}."


def _frames(solve: Solve, tracks: Followed, beside: Beside, motion: Motion, first: int) -> list[dict[str, Any]]:
    errors, rows = solve.errors_px(), solve.observations[:, 0].astype(int)
    explained, out = (tracks.counts(state, len(solve.poses)) for state in (EXPLAINED, LEFT_OUT))
    found = []
    for row in range(len(solve.poses)):
        mine = errors[rows == row]
        found.append(
            {
                "frame": first + row,
                "error_px": round(float(mine.mean()), 4) if len(mine) else None,
                "error_p95_px": round(float(np.percentile(mine, 95)), 4) if len(mine) else None,
                "points": len(mine),
                "tracks": int(explained[row]),
                "left_out": int(out[row]),
                "focal_px": round(solve.lens_at(row).focal_x_px, 4),
                "pan_tilt_roll_deg": [round(float(a[row]), 5) for a in (motion.pan, motion.tilt, motion.roll)],
                "at_m": np.round(motion.centres[row], 5).tolist(),
                "fast_turn_deg": _rms(beside.turn_deg[row]),
                "sure_turn_deg": _rms(beside.turn_sure_deg[row]),
                "fast_shift_m": _rms(beside.shift_m[row]),
                "sure_shift_m": _rms(beside.shift_sure_m[row]),
            }
        )
    return found


def _flags(
    rows: Sequence[Mapping[str, Any]], beside: Beside, told: Mapping[str, Any], first: int, scale: float
) -> dict[int, str]:
    """Frames to look at, each with the reason."""
    between = told.get("by_hand", {}).get("between_neighbours", [])
    errors = [row["error_px"] for row in rows if row["error_px"] is not None]
    usual = float(np.median(errors)) if errors else 0.0
    jumps = {first + int(row) for row in beside.jumps}
    flags = {}
    for row in rows:
        frame, error = int(row["frame"]), row["error_px"]
        if frame in between:
            flags[frame] = "posed between its neighbours"
        elif error is None or row["points"] < FEWEST_POINTS:
            flags[frame] = f"{row['points']} points"
        elif error > max(BAD_PX * scale, TIMES_USUAL * usual):
            flags[frame] = f"error {error:.2g} px"
        elif frame in jumps:
            flags[frame] = "the pose jumps"
        elif row["left_out"] > row["tracks"]:
            flags[frame] = "most tracks left out"
    return flags


def _warnings(found: Mapping[str, Any], told: Mapping[str, Any], solve: Solve) -> list[str]:
    """What a supervisor should know beside the frames, one sentence each."""
    said = []
    counts = found["tracks"]
    share = counts["left_out"] / max(1, counts["left_out"] + counts["explained"])
    if share > MOST_LEFT_OUT:
        said.append(
            f"{share:.0%} of the tracks move against the camera: mask what moves, or check the crosses in the movie."
        )
    if told.get("rolling_shutter", {}).get("warning"):
        said.append(f"Rolling shutter: {told['rolling_shutter']['warning']}")
    covered = told.get("covered")
    if covered is not None and covered < LEAST_COVERED:
        said.append(f"Points cover only {covered:.0%} of the picture: the lens is unsure where there are none.")
    free = told.get("move", {}).get("is", "free") == "free"
    if free and 0 < solve.parallax_deg() < LEAST_PARALLAX_DEG:
        said.append(f"The points show {solve.parallax_deg():.2g} degrees of parallax: depths are unsure.")
    step = told.get("largest_step")
    if free and step is not None and step > LARGEST_STEP:
        said.append(f"The largest step between two frames is {step:.3g} times the usual: look for a broken join.")
    if told.get("focal", {}).get("overruled"):
        said.append("The plate contradicts the written focal length.")
    if "assumed" in str(told.get("scale_from", "")):
        said.append("The metre is assumed: measure a distance or the camera's height.")
    return said


def _told_split(found: Split, solve: Solve, name: str) -> dict[str, float]:
    """A split in its own unit and, of turns, in pixels of the plate."""
    told = {"all": found.fast, "jitter": found.jitter, "shake": found.shake}
    if name == "turn_deg":
        told["jitter_px"], told["shake_px"] = _px_of_turn(found.jitter, solve), _px_of_turn(found.shake, solve)
    return {key: float(f"{value:.4g}") for key, value in told.items()}


def _px_of_turn(degrees: float, solve: Solve) -> float:
    return float(np.radians(degrees) * solve.lens.focal_x_px)


def _rms(values: Array) -> float | None:
    size = float(np.sqrt(np.mean(values**2)))
    return float(f"{size:.4g}") if np.isfinite(size) else None


def _lives(tracks: Followed) -> list[int]:
    """How many frames each track lives that lives long enough to be held against the camera."""
    return np.unique(tracks.starts[tracks.state != SHORT], return_counts=True)[1].tolist()


def _bend_px(solve: Solve) -> float:
    """The most by which the lens moves a corner of the picture."""
    lens = solve.lens
    corners = np.array(
        [[0.5, 0.5], [lens.width - 0.5, 0.5], [0.5, lens.height - 0.5], [lens.width - 0.5, lens.height - 0.5]]
    )
    return round(float(np.linalg.norm(undistort_pixels(corners, lens) - corners, axis=1).max()), 2)


def _few(frames: list[str]) -> str:
    return ", ".join(frames[:8]) + (" ..." if len(frames) > 8 else "")
