"""Rays down to a height field, against a NumPy twin and against planes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.ground.heightfield import Heightfield
from pipeline.kernels.heightfield import meet

START = np.array([0.3, 2.0, 1.0])


def ways(count: int) -> np.ndarray:
    found = np.random.default_rng(3).normal(size=(count, 3)) * (1, 0.3, 1)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def marched(field: Heightfield, start: np.ndarray, along: np.ndarray) -> np.ndarray:
    """All rays step by step, then by halves, in NumPy."""
    near, far = np.zeros(len(along)), np.full(len(along), np.nan)
    going = np.arange(len(along))
    distance = 0.0
    while distance < 4000:
        distance += max(0.25 * min(field.cell_m, 1), 0.02 * distance)
        points = start + distance * along[going]
        under = points[:, 1] <= field.height(points[:, 0], points[:, 2])
        far[going[under]], near[going[~under]] = distance, distance
        going = going[~under]
    for _ in range(30):
        middle = 0.5 * (near + far)
        points = np.nan_to_num(start + middle[:, None] * along)
        under = points[:, 1] <= field.height(points[:, 0], points[:, 2])
        near, far = np.where(under, near, middle), np.where(under, middle, far)
    return far


@pytest.mark.parametrize(("shape", "cell_m"), [((37, 23), 0.7), ((1, 5), 2.0), ((4, 1), 0.3)])
def test_rays_meet_the_ground_where_the_twin_says(shape, cell_m):
    heights = np.random.default_rng(1).uniform(-1.5, 1.5, shape).astype(np.float32)
    field, along = Heightfield(heights, -6.0, -14.0, cell_m), ways(300)

    found = meet(heights, (-6.0, -14.0), cell_m, START, along)

    wanted = marched(field, START, along)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert 0.2 < np.isnan(wanted).mean() < 0.8


def test_level_ground_is_met_where_the_plane_is():
    along = ways(200)

    found = meet(np.zeros((2, 2), np.float32), (0.0, 0.0), 1.0, START, along)

    down = along[:, 1] < -1e-3
    np.testing.assert_allclose(found[down], -START[1] / along[down, 1], rtol=1e-6)
    assert np.isnan(found[along[:, 1] >= 0]).all()


def test_a_ray_of_nothing_meets_nothing():
    assert np.isnan(meet(np.zeros((2, 2), np.float32), (0.0, 0.0), 1.0, START, np.full((1, 3), np.nan))).all()


def test_wrong_arrays_are_named():
    with pytest.raises(ValueError, match="ways"):
        meet(np.zeros((2, 2), np.float32), (0.0, 0.0), 1.0, START, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="heights"):
        meet(np.zeros((2, 0), np.float32), (0.0, 0.0), 1.0, START, np.zeros((3, 3)))
