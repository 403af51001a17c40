"""The ground: where it is, where pixels meet it, and how it is found among walls and gaps."""

import numpy as np
import pytest

from calibration.cameras import look_at, to_camera
from calibration.ground.heightfield import Heightfield
from calibration.lens import project
from pipeline.types import Lens

LENS = Lens(320, 180, 280, 280, 160, 90, -0.08, 0.01)


def slope() -> Heightfield:
    z, x = np.mgrid[0:21, 0:11]
    return Heightfield((0.1 * x - 0.05 * z).astype(np.float32), -5.0, -20.0, 1.0)


def test_height_is_bilinear_inside_and_held_outside():
    field = slope()

    assert field.height(-5.0 + 2.5, -20.0 + 4.25) == pytest.approx(0.25 - 0.2125, abs=1e-6)
    assert field.height(1000.0, 1000.0) == pytest.approx(1.0 - 1.0, abs=1e-6)
    assert field.height(np.zeros((3, 2)), 0.0).shape == (3, 2)


def test_normal_of_a_slope():
    np.testing.assert_allclose(
        slope().normal(0.0, -10.0), np.array([-0.1, 1, 0.05]) / np.sqrt(1 + 0.01 + 0.0025), atol=1e-6
    )


def test_a_pixel_meets_the_ground_where_its_point_was():
    field = slope()
    pose = look_at((0, 1.7, 2), (0, 0.5, -15))
    points = field.stand([-2.0, 0.3, 1.5], [-4.0, -9.0, -18.0])

    found = field.meet_ground(project(to_camera(points, pose), LENS), LENS, pose)

    np.testing.assert_allclose(found, points, atol=1e-4)


def test_a_pixel_in_the_sky_meets_no_ground():
    found = Heightfield.flat().meet_ground([[160, 2], [160, 170]], LENS, look_at((0, 1.7, 0), (0, 1.7, -10)))

    assert np.isnan(found[0]).all()
    assert found[1, 1] == pytest.approx(0, abs=1e-6)
