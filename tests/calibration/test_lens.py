"""The lens model against OpenCV, its own inverse, and the far outside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration import lens as lenses
from pipeline.types import Lens

LENSES = {
    "none": Lens(640, 360, 500, 500, 320, 180),
    "barrel": Lens(960, 540, 800, 804, 475.2, 271.9, k1=-0.12, k2=0.02, p1=0.001, p2=-0.0007),
    "pincushion": Lens(961, 541, 900, 900, 480.5, 270.5, k1=0.08, k2=0.03, p1=-0.002, p2=0.001),
    "wide": Lens(1280, 720, 620, 620, 640, 360, k1=-0.2, k2=0.03),
}
every_lens = pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES.keys())


def coefficients(lens: Lens) -> np.ndarray:
    return np.array([lens.k1, lens.k2, lens.p1, lens.p2])


def pixels(lens: Lens) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, lens.width, 41), np.linspace(0, lens.height, 31))
    return np.stack([x.ravel(), y.ravel()], axis=-1)


@every_lens
def test_project_agrees_with_opencv(lens: Lens):
    inside = lenses.undistort_points(pixels(lens), lens)
    points = np.concatenate([inside, np.ones((len(inside), 1))], axis=1) * np.linspace(0.5, 90, len(inside))[:, None]

    ours = lenses.project(points, lens)

    theirs, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), lenses.camera_matrix(lens), coefficients(lens))
    np.testing.assert_allclose(ours, theirs[:, 0], atol=1e-8)


@every_lens
def test_undistort_agrees_with_opencv(lens: Lens):
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 400, 1e-13)
    matrix = lenses.camera_matrix(lens)
    theirs = cv2.undistortPoints(pixels(lens)[:, None], matrix, coefficients(lens), criteria=criteria)

    ours = lenses.undistort_points(pixels(lens), lens)

    np.testing.assert_allclose(ours, theirs[:, 0], atol=1e-7)


@every_lens
def test_round_trip_is_under_a_thousandth_of_a_pixel(lens: Lens):
    grid = pixels(lens)

    back = lenses.distort(lenses.undistort_points(grid, lens), lens)

    assert np.abs(back - grid).max() < 1e-3


@every_lens
def test_rays_lead_back_to_pixel_centres(lens: Lens):
    rays = lenses.rays(lens)

    x, y = np.meshgrid(np.arange(lens.width) + 0.5, np.arange(lens.height) + 0.5)
    assert rays.shape == (lens.height, lens.width, 2)
    assert rays.dtype == np.float32
    assert np.abs(lenses.distort(rays, lens) - np.stack([x, y], axis=-1)).max() < 1e-3


def test_what_is_behind_the_camera_is_nan():
    seen = lenses.project([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]], LENSES["barrel"])

    assert np.isnan(seen[:2]).all()
    np.testing.assert_allclose(seen[2], [475.2, 271.9])


def test_what_is_far_off_the_picture_stays_off():
    """The bare polynomial of this barrel lens brings x/z = 2.4 back into the picture."""
    lens = LENSES["wide"]
    sweep = np.stack([np.linspace(0, 50, 2000), np.zeros(2000)], axis=-1)

    x = lenses.distort(sweep, lens)[:, 0]

    assert np.all(np.diff(x) > 0)


def test_pixels_beyond_the_lens_give_finite_rays():
    strong = Lens(1000, 1000, 500, 500, 500, 500, k1=-0.4)

    found = lenses.rays(strong)

    assert np.isfinite(found).all()


def test_no_points_give_no_points():
    assert lenses.project(np.zeros((0, 3)), LENSES["barrel"]).shape == (0, 2)
    assert lenses.undistort_points(np.zeros((0, 2)), LENSES["barrel"]).shape == (0, 2)
