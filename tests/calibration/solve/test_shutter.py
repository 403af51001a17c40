"""Rolling shutter is told from what a solve leaves over, and a global one is not accused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration import cameras
from calibration.lens import project
from calibration.solve.shutter import rolling_shutter
from calibration.solve.solved import Solve
from pipeline.types import Lens

LENS = Lens(960, 540, 900.0, 900.0, 480.0, 270.0, -0.05)


def pose(time: float) -> np.ndarray:
    """A walk ahead with a hand's shake: degrees a frame, to and fro."""
    turn = Rotation.from_euler("xyz", [1.2 * np.sin(0.5 * time), 2.0 * np.sin(0.35 * time), 0.1 * time], degrees=True)
    return cameras.pose_from(turn.as_matrix(), [0.02 * time, 0.01 * np.sin(time), 0.05 * time])


def filmed(readout: float) -> Solve:
    rng = np.random.default_rng(3)
    points = rng.uniform((-8, -4, 8), (8, 4, 30), (120, 3))
    rows = []
    for frame in range(24):
        seen = project(cameras.to_camera(points, pose(frame)), LENS)
        for _ in range(3):  # the row is where it is seen
            times = frame + readout * (seen[:, 1] / LENS.height - 0.5)
            seen = np.array(
                [project(cameras.to_camera(p[None], pose(t)), LENS)[0] for p, t in zip(points, times, strict=True)]
            )
        inside = ((seen > 0) & (seen < (960, 540))).all(axis=1)
        seen = seen + rng.normal(0, 0.15, seen.shape)
        rows.append(np.column_stack([np.full(inside.sum(), frame), np.flatnonzero(inside), seen[inside]]))
    return Solve(np.array([pose(t) for t in range(24)]), LENS, points, np.concatenate(rows))


def test_rows_read_one_after_the_other_are_told():
    told = rolling_shutter(filmed(0.4))

    assert told["readout"] == pytest.approx(0.4, abs=0.05)
    assert "rolling shutter: rows are read over" in told["warning"]


def test_a_global_shutter_is_not_accused():
    told = rolling_shutter(filmed(0.0))

    assert abs(told["readout"]) < 0.02
    assert told["warning"] == ""


def test_a_camera_that_stands_says_nothing():
    still = filmed(0.0)
    frozen = Solve(np.tile(still.poses[:1], (24, 1, 1)), LENS, still.points, still.observations)

    assert rolling_shutter(frozen) == {}
