"""The demo's real camera: a 35 mm lens on a hand-held crane dolly, its path and its OPENCV distortion.

World: metres, Y up, the valley runs away along -Z. Frames count from 1001; a pose belongs to the middle of the shutter.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import FrameRange
from pipeline.types import Lens

FRAMES = FrameRange(1001, 1048)
RATE = 24
SHUTTER = 0.5  # of a frame: 180 degrees
SENSOR_WIDTH_MM = 36.0
FOCAL_MM = 35.0
HEIGHT_M = 2.5  # lens above the ground below it at the first frame

LENS = Lens(
    width=960, height=540, focal_x_px=933.33, focal_y_px=933.33, centre_x_px=480.0, centre_y_px=270.0, k1=-0.085, k2=0.018
)  # fmt: skip


def scaled(lens: Lens, scale: float) -> Lens:
    """The same lens on a smaller or larger raster."""
    return Lens(
        round(lens.width * scale), round(lens.height * scale), lens.focal_x_px * scale, lens.focal_y_px * scale,
        lens.centre_x_px * scale, lens.centre_y_px * scale, lens.k1, lens.k2, lens.p1, lens.p2,
    )  # fmt: skip


@lru_cache(maxsize=16)
def rays(lens: Lens, offset_px: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.float32]:
    """(H, W, 2) float32: undistorted x/z, y/z at the pixel centres plus an offset."""
    y, x = np.mgrid[0 : lens.height, 0 : lens.width].astype(np.float64)
    bent = np.stack(
        [
            (x + 0.5 + offset_px[0] - lens.centre_x_px) / lens.focal_x_px,
            (y + 0.5 + offset_px[1] - lens.centre_y_px) / lens.focal_y_px,
        ],
        axis=-1,
    )
    straight = bent.copy()
    for _ in range(14):  # contracts by about 0.1 a step: exact to float32 long before
        r2 = (straight[..., 0] ** 2 + straight[..., 1] ** 2)[..., None]
        straight = bent / (1 + lens.k1 * r2 + lens.k2 * r2 * r2)
    table = straight.astype(np.float32)
    table.flags.writeable = False  # shared by all callers
    return table


def _sway(time_s: float, seed: int, amount: float) -> float:
    """A hand's unrest: a few incommensurate slow waves, the same at every run."""
    rng = np.random.default_rng(seed)
    hertz, phase, weight = rng.uniform(0.25, 2.2, 6), rng.uniform(0, 2 * np.pi, 6), rng.uniform(0.4, 1.0, 6)
    return float(amount * (weight / hertz**0.8 * np.sin(2 * np.pi * hertz * time_s + phase)).sum() / weight.sum())


def camera_from_world(frame: float) -> NDArray[np.float64]:
    """(4, 4) pose at a frame number; fractions are moments within the shutter."""
    time_s = (frame - FRAMES.first) / RATE
    along = time_s / ((len(FRAMES) - 1) / RATE)
    along = along + 0.02 * np.sin(2 * np.pi * along)  # the grip eases in
    centre = np.array([-1.9 + 3.6 * along, HEIGHT_M - 0.12 * along, 0.3 - 1.7 * along])
    centre += [_sway(time_s, 11, 0.035), _sway(time_s, 12, 0.03), _sway(time_s, 13, 0.02)]
    pan = np.radians(1.6 - 2.6 * along + _sway(time_s, 21, 0.30))  # to the right is positive
    tilt = np.radians(3.2 + _sway(time_s, 22, 0.22))  # down is positive
    roll = np.radians(_sway(time_s, 23, 0.20))
    forward = np.array([np.sin(pan) * np.cos(tilt), -np.sin(tilt), -np.cos(pan) * np.cos(tilt)])
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turned = np.cos(roll) * right + np.sin(roll) * down
    world_to_camera = np.stack([turned, np.cross(forward, turned), forward])
    pose = np.eye(4)
    pose[:3, :3] = world_to_camera
    pose[:3, 3] = -world_to_camera @ centre
    return pose
