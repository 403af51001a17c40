"""A simulated valley filmed by a known camera: what the judge is tried on."""

from __future__ import annotations

import numpy as np

from calibration import cameras
from calibration.judge.taken import Followed
from calibration.lens import project
from calibration.solve.solved import Solve
from pipeline.types import Lens

LENS = Lens(960, 540, 900.0, 900.0, 480.0, 270.0, k1=-0.08)


def dolly(frames: int, shake_deg: float = 0.0, seed: int = 0) -> np.ndarray:
    """(F, 4, 4) of a camera that travels sideways at eye height, turned at random by so much on each frame."""
    wild = np.random.default_rng(seed).normal(0, np.radians(shake_deg), (frames, 2))
    return np.array(
        [
            cameras.look_at((0.05 * t, 1.7, 0.0), (0.05 * t + 10 * wild[t, 0], 1.2 + 10 * wild[t, 1], -10.0))
            for t in range(frames)
        ]
    )


def filmed(poses: np.ndarray, noise_px: float, seed: int = 1, count: int = 160) -> Solve:
    """Points of a valley seen by `poses` through LENS, pixels with noise."""
    points = np.random.default_rng(1).uniform((-6, 0, -20), (9, 4, -7), (count, 3))
    points[: count // 3, 1] = 0.0
    rng, seen = np.random.default_rng(seed), []
    for row, pose in enumerate(poses):
        px = project(cameras.to_camera(points, pose), LENS) + rng.normal(0, noise_px, (count, 2))
        inside = ((px > 0) & (px < (960, 540))).all(axis=1)
        seen.append(np.column_stack([np.full(inside.sum(), row), np.flatnonzero(inside), px[inside]]))
    return Solve(poses, LENS, points, np.concatenate(seen))


def nothing_followed() -> Followed:
    none = np.zeros(0, np.int64)
    return Followed(none, np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.int8), none)


def resected(solve: Solve) -> np.ndarray:
    """(F, 4, 4) poses found again from each frame's own noisy points, by OpenCV: a track as sure as its frames are."""
    import cv2

    matrix = np.array([[900.0, 0, 480], [0, 900, 270], [0, 0, 1]])
    found = []
    for row, pose in enumerate(solve.poses):
        mine = solve.observations[solve.observations[:, 0] == row]
        start = cv2.Rodrigues(pose[:3, :3])[0], pose[:3, 3].copy()
        bends = np.array([LENS.k1, 0, 0, 0])
        points = solve.points[mine[:, 1].astype(int)]
        _, turn, shift = cv2.solvePnP(points, mine[:, 2:].copy(), matrix, bends, *start, True)
        turn, shift = cv2.solvePnPRefineLM(points, mine[:, 2:].copy(), matrix, bends, turn, shift)
        one = np.eye(4)
        one[:3, :3], one[:3, 3] = cv2.Rodrigues(turn)[0], np.ravel(shift)
        found.append(one)
    return np.array(found)
