"""The sheet through points of ground, walls and gaps."""

import numpy as np
import pytest

from calibration.ground.heightfield import Heightfield
from calibration.ground.survey import Sheet, one_sided, survey
from pipeline.errors import CalibrationError


def hilly(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return 0.3 * np.sin(0.2 * x) + 0.02 * z + 0.5


def field_of_points(count: int = 6000, seed: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x, z = rng.uniform(-15, 15, count), rng.uniform(-35, -2, count)
    return np.column_stack([x, hilly(x, z) + 0.01 * rng.standard_normal(count), z])


def rms_error(found, points: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found.field.height(points[:, 0], points[:, 2]) - hilly(*points[:, [0, 2]].T)) ** 2)))


def test_open_ground_is_met_within_centimetres():
    points = field_of_points()

    found = survey(points, [[0, 1.7, 0]], Sheet())

    assert rms_error(found, points) < 0.02
    assert found.points > 0.98 * len(points)


def test_walls_and_trees_are_no_ground():
    """A third of all points stand up to 4 m above it, on walls 6 m long and half a metre thick, and in crowns."""
    points, rng = field_of_points(), np.random.default_rng(5)
    walls = np.column_stack([rng.uniform(-6, 0, 2000), rng.uniform(0, 4, 2000), rng.uniform(-14.5, -14, 2000)])
    crowns = np.column_stack([rng.uniform(4, 7, 1000), rng.uniform(2, 4, 1000), rng.uniform(-25, -22, 1000)])
    for high in (walls, crowns):
        high[:, 1] += hilly(high[:, 0], high[:, 2])

    found = survey(np.concatenate([points, walls, crowns]), [[0, 1.7, 0]], Sheet())

    assert rms_error(found, points) < 0.06


def test_gaps_are_crossed_smoothly():
    points = field_of_points()
    hole = (np.abs(points[:, 0]) < 3) & (np.abs(points[:, 2] + 15) < 3)

    found = survey(points[~hole], [[0, 1.7, 0]], Sheet())

    assert rms_error(found, points[hole]) < 0.1
    assert not found.measured.all()


def test_points_that_are_no_number_are_passed_over():
    points = field_of_points()
    points[::7, 1] = np.nan

    assert np.isfinite(survey(points, [[0, 1.7, 0]], Sheet()).field.heights).all()


def test_too_few_points_are_an_error_that_says_so():
    with pytest.raises(CalibrationError, match="12 trusted depth points within 140 m"):
        survey(field_of_points(12), [[0, 1.7, 0]], Sheet())


def test_noise_scatters_evenly_and_tufts_upwards():
    """Where one in four points was drawn up by a tuft, the scatter is one-sided; grain alone never is."""
    rng = np.random.default_rng(3)
    noisy = np.column_stack([rng.uniform(-15, 15, 4000), 0.02 * rng.standard_normal(4000), rng.uniform(-35, -2, 4000)])
    tufted = noisy.copy()
    tufted[::4, 1] += rng.exponential(0.1, 1000)

    even, lean = (one_sided(points, [[0, 1.7, 0]], Heightfield.flat(), Sheet()) for points in (noisy, tufted))

    assert even == 0
    assert lean > 0.9
    assert one_sided(tufted[:20], [[0, 1.7, 0]], Heightfield.flat(), Sheet()) == 0
