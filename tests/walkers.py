"""People who walk straight ahead at their motion's own speed, as a layout in memory."""

from __future__ import annotations

import numpy as np

from assets.motion.motions import load_motion
from assets.sprites.cards import Agents

RATE, FRAMES, COUNT = 24.0, 60, 5


def level(x, z):
    return np.stack([x, np.zeros_like(x), z], axis=-1)


def walkers(motion="march", count=COUNT, frames=FRAMES, yaw=0.4, switch=None):
    """They go at their motion's own speed; from frame `switch` on they stand."""
    own = load_motion(motion)
    going = np.arange(frames) / RATE if switch is None else np.minimum(np.arange(frames), switch - 1) / RATE
    way = np.array([np.sin(yaw), 0, np.cos(yaw)]) * own.speed_mps
    starts = np.stack([np.arange(count) * 3.0, np.zeros(count), -20.0 - np.arange(count)], axis=1)
    motions = np.zeros((frames, count), np.uint8)
    if switch is not None:
        motions[switch:] = 1
    return Agents(
        ids=np.arange(count) + 100_001,
        names=[f"n{i}" for i in range(count)],
        characters=["legionary"] * count,
        motion_names=(motion, "idle"),
        motions=motions,
        seeds=np.arange(count),
        scales=np.ones(count),
        positions=(starts + going[:, None, None] * way).astype(np.float32),
        yaws=np.full((frames, count), yaw, np.float32),
        phases=((going[:, None] / own.cycle_s + 0.13 * np.arange(count)) % 1).astype(np.float32),
    )
