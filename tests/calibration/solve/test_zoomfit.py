"""A camera that travels and zooms, from observations of points that are known, started beside the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration.cameras import camera_centre, pose_from, to_camera
from calibration.lens import project, zoomed
from calibration.solve.evaluate import compare
from calibration.solve.solved import Solve
from calibration.solve.written import FocalPrior
from calibration.solve.zoomfit import adjust_zoom
from pipeline.types import Lens

LENS = Lens(960, 540, 900.0, 900.0, 480.0, 270.0, -0.06, 0.01)
FRAMES = 30


def journey(zoom: np.ndarray, step: tuple[float, float, float], noise_px: float = 0.15) -> Solve:
    """The true solve: a dolly by `step` a frame that pans a little, 500 points between 3 and 40 m."""
    rng = np.random.default_rng(7)
    depth = 3 * (40 / 3) ** rng.uniform(0, 1, 500)
    points = np.column_stack([*(rng.uniform(-0.7, 0.7, (2, 500)) * depth * [[1.0], [0.6]]), depth])
    t = np.arange(FRAMES)
    turns = Rotation.from_rotvec(np.column_stack([0.01 * np.sin(t / 4), 0.004 * t, 0.004 * np.cos(t / 3)])).as_matrix()
    poses = np.stack([pose_from(turn, np.array(step) * i) for i, turn in zip(t, turns, strict=True)])
    rows = []
    for row in t:
        xy = project(to_camera(points, poses[row]), zoomed(LENS, float(zoom[row])))
        xy += rng.normal(0, noise_px, xy.shape)
        inside = np.isfinite(xy).all(axis=1) & (xy > 0).all(axis=1) & (xy < (960, 540)).all(axis=1)
        rows.append(np.column_stack([np.full(inside.sum(), row), np.flatnonzero(inside), xy[inside]]))
    return Solve(poses, LENS, points, np.concatenate(rows), zoom)


def beside(true: Solve, off: float = 0.05) -> Solve:
    """A start: its focal length `off` by a share and rough from frame to frame, its points and places too, its lens straight."""
    rng = np.random.default_rng(1)
    poses = true.poses.copy()
    poses[:, :3, 3] += rng.normal(0, 0.02, (FRAMES, 3))
    lens = Lens(960, 540, 900 * (1 + off), 900 * (1 + off), 480, 270)
    points = true.points * rng.normal(1, 0.02, (len(true.points), 1))
    return Solve(poses, lens, points, true.observations, true.zoom * np.exp(rng.normal(0, 0.01, FRAMES)))


def focal(solve: Solve) -> np.ndarray:
    return np.asarray(solve.lens.focal_x_px * solve.zoom)


@pytest.mark.parametrize(("longer", "step"), [(1.5, (0.12, 0.0, 0.03)), (0.7, (0.05, 0.02, 0.1))])
def test_a_travelling_zoom_is_the_true_one_on_every_frame(longer: float, step: tuple[float, float, float]):
    true = journey(longer ** np.linspace(0, 1, FRAMES), step)

    got = adjust_zoom(beside(true), None)

    np.testing.assert_allclose(focal(got), focal(true), rtol=0.005)
    assert compare(got.poses, true.poses).ate_of_path < 0.01
    assert got.lens.k1 == pytest.approx(-0.06, abs=0.01)
    assert np.median(got.errors_px()) < 0.25


def test_a_dolly_zoom_is_told_from_a_dolly():
    """The hard one: the focal length grows as the camera backs away, and a wall 6 m off keeps its size."""
    back = np.arange(FRAMES) * 0.05
    true = journey((6 + back) / 6, (0.0, 0.0, -0.05))

    got = adjust_zoom(beside(true, 0.02), FocalPrior(900 * true.zoom, 0.01, "the plate's file"))

    assert focal(got)[-1] / focal(got)[0] == pytest.approx(true.zoom[-1], rel=0.01)
    assert compare(got.poses, true.poses).ate_of_path < 0.02


def test_a_lens_that_stays_stays():
    true = journey(np.ones(FRAMES), (0.12, 0.0, 0.03))

    got = adjust_zoom(beside(true), None)

    assert np.ptp(np.log(got.zoom)) < 0.004


def test_a_prior_of_every_frame_holds_what_a_distant_scene_does_not_show():
    """Hardly any parallax and hardly any turn: only the prior knows how long the lens is."""
    true = journey(1.2 ** np.linspace(0, 1, FRAMES), (0.004, 0.0, 0.001))

    got = adjust_zoom(beside(true, 0.04), FocalPrior(900 * true.zoom, 0.005, "the plate's file"))

    np.testing.assert_allclose(focal(got), focal(true), rtol=0.006)
    np.testing.assert_allclose(camera_centre(got.poses[0]), camera_centre(beside(true).poses[0]), atol=1e-9)


def test_wrong_observations_do_not_bend_it():
    true = journey(1.4 ** np.linspace(0, 1, FRAMES), (0.12, 0.0, 0.03))
    wrong = true.observations.copy()
    wrong[::12, 2:] += np.random.default_rng(2).normal(0, 30, (len(wrong[::12]), 2))

    got = adjust_zoom(beside(Solve(true.poses, LENS, true.points, wrong, true.zoom)), None)

    np.testing.assert_allclose(focal(got), focal(true), rtol=0.007)
    assert len(got.observations) < 0.93 * len(wrong)
