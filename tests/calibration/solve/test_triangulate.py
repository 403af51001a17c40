"""Points from known cameras: exact tracks give the true points, movers and far ones are told apart."""

from __future__ import annotations

import numpy as np

from calibration import cameras
from calibration.lens import project
from calibration.solve.track import Tracks
from calibration.solve.triangulate import triangulate
from pipeline.types import Lens

LENS = Lens(640, 360, 560.0, 558.0, 322.0, 178.0, -0.1, 0.02, 3e-4, -2e-4)
FRAMES = 12


def dolly() -> np.ndarray:
    eyes = [np.array([0.12 * t, 1.7, -0.03 * t]) for t in range(FRAMES)]
    return np.array([cameras.look_at(eye, eye + np.array([0.02, -0.05, -1.0])) for eye in eyes])


def tracks_of(points: np.ndarray, poses: np.ndarray, noise_px: float = 0.0, half: bool = False) -> Tracks:
    """points: (N, 3), or (F, N, 3) for those that move. half: pixels of a picture half the plate's size."""
    rng = np.random.default_rng(4)
    idents, xy = [], []
    for row, pose in enumerate(poses):
        now = points[row] if points.ndim == 3 else points
        pixels = project(cameras.to_camera(now, pose), LENS) + rng.normal(0, noise_px, (len(now), 2))
        seen = np.isfinite(pixels).all(axis=1) & (pixels > 0).all(axis=1) & (pixels < (640, 360)).all(axis=1)
        idents.append(np.flatnonzero(seen).astype(np.int32))
        xy.append((pixels[seen] * (0.5 if half else 1.0)).astype(np.float32))
    starts = np.cumsum([0, *map(len, idents)])
    return Tracks(starts, np.concatenate(idents), np.concatenate(xy), np.ones(len(poses)))


def field(count: int = 300) -> np.ndarray:
    return np.random.default_rng(1).uniform((-4, 0, -14), (6, 3, -4), (count, 3))


def test_exact_tracks_give_the_true_points():
    points, poses = field(), dolly()

    got = triangulate(tracks_of(points, poses, half=True), np.array([2.0, 2.0]), poses, LENS)

    rows, which = got.observations[:, 0].astype(int), got.observations[:, 1].astype(int)
    seen = np.array(
        [project(cameras.to_camera(got.points[[w]], poses[r]), LENS)[0] for r, w in zip(rows, which, strict=True)]
    )
    apart = np.linalg.norm(got.points[:, None] - points[None], axis=2).min(axis=1)
    assert got.agreed == got.tested > 200
    assert len(got.points) > 200
    assert apart.max() < 2e-3  # float32 pixels
    assert np.abs(seen - got.observations[:, 2:]).max() < 2e-3
    assert (np.diff(rows) >= 0).all()


def test_noise_is_averaged_and_wild_sightings_are_left_out():
    points, poses = field(), dolly()
    tracks = tracks_of(points, poses, noise_px=0.2)
    tracks.xy[::37] += 9

    got = triangulate(tracks, np.ones(2), poses, LENS)

    nearest = np.linalg.norm(got.points[:, None] - points[None], axis=2).min(axis=1)
    assert np.median(nearest) < 0.02
    assert len(got.observations) < len(tracks.xy) - len(tracks.xy) / 40


def test_what_moves_agrees_with_no_point():
    points, poses = field(100), dolly()
    moving = points[None] + np.arange(FRAMES)[:, None, None] * np.array([0.0, 0.09, 0.0])

    got = triangulate(tracks_of(moving, poses), np.ones(2), poses, LENS)

    assert got.tested > 40
    assert got.agreed < 0.1 * got.tested


def test_the_horizon_agrees_but_gives_no_point():
    far = np.random.default_rng(1).uniform((-2e6, 1e4, -9e6), (2e6, 1e6, -5e6), (80, 3))

    got = triangulate(tracks_of(far, dolly()), np.ones(2), dolly(), LENS)

    assert got.agreed == got.tested > 30
    assert len(got.points) == 0


def test_another_cameras_tracks_do_not_agree():
    poses = dolly()
    turned = np.array([pose @ np.diag([-1.0, 1.0, -1.0, 1.0]) for pose in poses])

    got = triangulate(tracks_of(field(), poses), np.ones(2), turned[::-1], LENS)

    assert got.agreed < 0.3 * got.tested


def test_no_tracks_give_no_points():
    empty = Tracks(np.zeros(13, np.int64), np.zeros(0, np.int32), np.zeros((0, 2), np.float32), np.ones(12))

    got = triangulate(empty, np.ones(2), dolly(), LENS)

    assert (got.tested, got.points.shape, got.observations.shape) == (0, (0, 3), (0, 4))
