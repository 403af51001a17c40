"""Carrying frames into one another, against NumPy twins."""

import numpy as np
import pytest

from pipeline.kernels.warp import agree, look_up, splat


def test_the_nearest_of_two_splatted_points_wins():
    pixels = np.array([[2.5, 1.5], [2.5, 1.5], [np.nan, 0], [99, 99]])

    out = splat(pixels, np.array([0.2, 0.5, 9, 9]), 4, 5)

    assert out[1, 2] == 0.5
    assert np.isnan(out[3, 4])
    assert np.nanmax(out) == 0.5


def test_points_on_the_rim_stay_inside():
    out = splat(np.array([[0.1, 0.1], [4.9, 3.9]]), np.array([1.0, 2.0]), 4, 5)

    assert out[0, 0] == 1
    assert out[3, 4] == 2
    assert np.isfinite(out).sum() == 2


def test_look_up_is_bilinear_and_knows_what_is_not_seen():
    y, x = np.mgrid[0:6, 0:8].astype(np.float32)
    picture = np.stack([x, y], axis=-1)[None]
    rays = np.stack([x, y], axis=-1)[:3, :3] * np.float32(0.5)
    turns, shifts = np.eye(3, dtype=np.float32)[None], np.float32([[2, 0, 1]])

    values, expected = look_up(picture, rays, turns, shifts, np.full((3, 3), 0.5, np.float32))

    np.testing.assert_allclose(values[0, ..., 0], (rays[..., 0] + 1) / 1.5, rtol=1e-6)
    np.testing.assert_allclose(values[0, ..., 1], rays[..., 1] / 1.5, rtol=1e-6)
    np.testing.assert_allclose(expected, 0.5 / 1.5, rtol=1e-6)
    far = look_up(picture, rays, turns, np.float32([[50, 0, 0]]), np.ones((3, 3), np.float32))
    assert np.isnan(far[1]).all()
    assert not far[0].any()


def test_agree_is_the_lower_median_of_those_present():
    rng = np.random.default_rng(2)
    values, present = rng.random((7, 4, 5, 3), np.float32), rng.random((7, 4, 5)) > 0.4
    present[:, 0, 0] = False

    median, spread, number = agree(values, present)

    for y, x in np.ndindex(4, 5):
        seen = values[present[:, y, x], y, x]
        assert number[y, x] == len(seen)
        if len(seen):
            twin = np.sort(seen, axis=0)[(len(seen) - 1) // 2]
            np.testing.assert_array_equal(median[y, x], twin)
            apart = np.sort(np.abs(seen - twin), axis=0)[(len(seen) - 1) // 2]
            assert spread[y, x] == apart.max()
    assert np.isnan(median[0, 0]).all()
    assert np.isinf(spread[0, 0])


def test_misfits_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        agree(np.zeros((2, 3, 3, 1), np.float32), np.zeros((3, 3, 3), bool))
    with pytest.raises(ValueError, match="do not fit"):
        splat(np.zeros((3, 2)), np.zeros(4), 5, 5)


def test_agree_can_take_another_rank():
    values = np.float32([4, 1, 3, 2, 5])[:, None, None, None]

    assert agree(values, np.ones((5, 1, 1), bool), 0.25)[0][0, 0, 0] == 2
