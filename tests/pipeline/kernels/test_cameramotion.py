"""The plate's motion by camera and depth, against the lens model point by point."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.lens import fold_radius, project, rays, zoomed
from pipeline.kernels.cameramotion import camera_motion, carried
from pipeline.kernels.warp import splat
from pipeline.types import Lens

LENS = Lens(61, 43, 55.0, 57.0, 30.2, 21.9, k1=-0.21, k2=0.03, p1=0.002, p2=-0.001)
COEFFICIENTS = np.array([55.0, 57.0, 30.2, 21.9, -0.21, 0.03, 0.002, -0.001])


def turned(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def moved(depth: np.ndarray, turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
    out = np.full((*depth.shape, 2), 7, np.float32)
    camera_motion(rays(LENS), depth, turn, shift, COEFFICIENTS, fold_radius(LENS), out)
    return out


def test_points_move_as_the_lens_sees_them() -> None:
    depth = np.random.default_rng(1).uniform(1, 80, (43, 61)).astype(np.float32)
    turn, shift = turned(2.5), np.array([0.2, -0.1, -0.3])

    found = moved(depth, turn, shift)

    points = np.concatenate([rays(LENS), np.ones((43, 61, 1))], axis=-1) * depth[..., None]
    seen = project(points.reshape(-1, 3) @ turn.T + shift, LENS).reshape(43, 61, 2)
    y, x = np.mgrid[:43, :61] + 0.5
    np.testing.assert_allclose(found, seen - np.stack([x, y], axis=-1), atol=2e-4)
    assert np.abs(found).max() > 3


def test_the_sky_only_turns() -> None:
    sky, far = np.full((43, 61), np.inf, np.float32), np.full((43, 61), 1e9, np.float32)
    turn, shift = turned(1.0), np.array([5.0, 0.0, 2.0])

    np.testing.assert_allclose(moved(sky, turn, shift), moved(far, turn, shift), atol=1e-3)


def test_what_the_other_camera_has_passed_does_not_move() -> None:
    assert (moved(np.ones((43, 61), np.float32), np.eye(3), np.array([0.0, 0.0, -2.0])) == 0).all()


def test_wrong_arrays_are_named() -> None:
    with pytest.raises(ValueError, match="turn"):
        moved(np.ones((43, 61), np.float32), np.eye(4), np.zeros(3))


@pytest.mark.parametrize("zoom", [1.0, 1.3])
def test_frames_are_carried_as_the_lens_sees_them_and_the_nearest_wins(zoom: float) -> None:
    """Against lens model and splat, point by point; half of the points tell nothing. Of a zoom each frame has its own rays."""
    random = np.random.default_rng(2)
    inverse = (1 / random.uniform(1, 80, (2, 43, 61))).astype(np.float32) * (random.random((2, 43, 61)) < 0.5)
    inverse = inverse.astype(np.float32)
    turns, shifts = np.stack([turned(2.5), turned(-1.0)]), np.array([[0.2, -0.1, -0.3], [-0.5, 0.0, 0.1]])

    ways = np.stack([rays(LENS), rays(zoomed(LENS, zoom))]) if zoom > 1 else rays(LENS)[None]

    found = carried(inverse, ways, turns, shifts, COEFFICIENTS, fold_radius(LENS))

    for n, way in enumerate(np.broadcast_to(ways, (2, 43, 61, 2))):
        kept = inverse[n] > 0
        z = 1 / inverse[n][kept].astype(np.float64)
        here = np.concatenate([way[kept], np.ones((len(z), 1))], axis=1) * z[:, None] @ turns[n].T + shifts[n]
        wanted = splat(project(here, LENS), 1 / here[:, 2], 43, 61)
        np.testing.assert_allclose(found[n], wanted, rtol=1e-6)
        assert np.isfinite(wanted).mean() > 0.5


def test_nothing_is_carried_of_nothing() -> None:
    nothing = np.zeros((1, 43, 61), np.float32)

    assert np.isnan(carried(nothing, rays(LENS)[None], np.eye(3)[None], np.zeros((1, 3)), COEFFICIENTS, np.inf)).all()
