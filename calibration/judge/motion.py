"""How a camera moves, as curves over the frames and in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, look_direction, up_direction

Array = npt.NDArray[np.float64]

LEAST_TURN_DEG, LEAST_SHARE = 1.0, 0.5  # what is worth a word; of the path, what makes it one direction
SHAKY_PX = 0.6  # fast turns of a hand-held camera, in pictures 1920 wide


@dataclass(frozen=True, eq=False)
class Motion:
    """centres: (F, 3) metres. pan, tilt, roll: (F,) degrees, to the right, up and clockwise; pan runs on over 180."""

    centres: Array
    pan: Array
    tilt: Array
    roll: Array


def motion_of(poses: Array) -> Motion:
    """Of camera_from_world (F, 4, 4)."""
    look, up = look_direction(poses), up_direction(poses)
    pan = np.degrees(np.unwrap(np.arctan2(look[:, 0], -look[:, 2])))
    tilt = np.degrees(np.arcsin(np.clip(look[:, 1], -1, 1)))
    right = np.cross(look, up)
    level = np.cross(look, (0.0, 1.0, 0.0))
    level /= np.maximum(np.linalg.norm(level, axis=1, keepdims=True), 1e-9)
    sine = np.einsum("ni,ni->n", np.cross(right, level), look)
    roll = np.degrees(np.arctan2(sine, np.einsum("ni,ni->n", right, level)))
    return Motion(camera_centre(poses), pan, tilt, -roll)


def said_of(motion: Motion, kind: str, zoom_ratio: float, shake_px: float) -> str:
    """The move in a line: "travels 3.8 m sideways, pans 4 degrees, steady". kind: "free", "turn", "still"."""
    words = []
    if kind == "still":
        words.append("stands still")
    elif kind == "turn":
        words.append("turns on one spot")
    else:
        steps = np.diff(motion.centres, axis=0)
        words.append(f"travels {np.linalg.norm(steps, axis=1).sum():.3g} m{_direction(motion)}")
    for verb, angle in (("pans", motion.pan), ("tilts", motion.tilt), ("rolls", motion.roll)):
        span = float(np.ptp(angle))
        if kind != "still" and span >= LEAST_TURN_DEG:
            words.append(f"{verb} {span:.3g} degrees")
    if zoom_ratio > 1.005:
        words.append(f"zooms {zoom_ratio:.3g} times")
    if kind != "still":
        words.append("shaken as by hand" if shake_px > SHAKY_PX else "steady")
    return ", ".join(words)


def _direction(motion: Motion) -> str:
    """Which way it mostly goes, seen from the camera."""
    whole = motion.centres[-1] - motion.centres[0]
    length = float(np.linalg.norm(whole))
    path = float(np.linalg.norm(np.diff(motion.centres, axis=0), axis=1).sum())
    if length < LEAST_SHARE * path:
        return " to and fro"
    facing = np.radians(motion.pan.mean())
    ahead, right = np.array([np.sin(facing), 0, -np.cos(facing)]), np.array([np.cos(facing), 0, np.sin(facing)])
    ways = {
        (" forwards", " backwards"): float(whole @ ahead),
        (" to the right", " to the left"): float(whole @ right),
        (" upwards", " downwards"): float(whole[1]),
    }
    named = [names[0 if along > 0 else 1] for names, along in ways.items() if abs(along) > LEAST_SHARE * length]
    return " and".join(named)
