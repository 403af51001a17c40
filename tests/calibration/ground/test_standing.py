"""What stands on the ground is found where several looks show it, and nothing of who walks or of an edge's errors."""

import numpy as np
import pytest

from calibration.ground.heightfield import Heightfield
from calibration.ground.standing import tops

FIELD = Heightfield(np.zeros((41, 41), np.float32), -10.0, -20.0, 0.5)
EYES = [np.array([x, 1.7, 2.0]) for x in (-1.0, 0.0, 1.0, 2.0)]


def ground(rng):
    return np.column_stack([rng.uniform(-9, 9, 4000), rng.normal(0, 0.03, 4000), rng.uniform(-19, -1, 4000)])


def wall(rng):
    """The face of a wall 2.4 m high, from x = 2 to 5 at z = -8."""
    return np.column_stack([rng.uniform(2, 5, 900), rng.uniform(0, 2.4, 900), rng.normal(-8, 0.02, 900)])


def walker(rng, x):
    return np.column_stack([rng.uniform(x - 0.2, x + 0.2, 200), rng.uniform(0, 1.8, 200), np.full(200, -5.0)])


def looks(*more):
    rng = np.random.default_rng(9)
    return [(np.concatenate([ground(rng), wall(rng), *(m(rng, k) for m in more)]), eye) for k, eye in enumerate(EYES)]


def square(x, z):
    return round((z + 20) / 0.5), round((x + 10) / 0.5)


def test_a_wall_is_as_high_as_it_is_and_where_it_is():
    found = tops(looks(), FIELD)

    there = np.isfinite(found)
    j, i = np.nonzero(there)
    assert found[square(3.5, -8.0)] == pytest.approx(2.4, abs=0.1)
    assert (np.abs(-20 + 0.5 * j + 8) < 0.51).all()
    assert i.min() * 0.5 - 10 == pytest.approx(2, abs=0.5)
    assert i.max() * 0.5 - 10 == pytest.approx(5, abs=0.5)
    assert found.dtype == np.float32


def test_who_walks_stands_nowhere():
    found = tops(looks(lambda rng, k: walker(rng, -6 + 1.5 * k)), FIELD)

    assert not np.isfinite(found[square(0, -5.0)[0]]).any()
    assert np.isfinite(found[square(3.5, -8.0)])


def test_points_that_hang_in_the_air_for_one_look_are_errors():
    def stray(rng, k):
        return rng.uniform((-8, 1, -15), (-2, 5, -10), (60, 3))

    clean, found = tops(looks(), FIELD), tops(looks(stray), FIELD)

    assert np.isfinite(found[:25, :18]).mean() < 0.02
    np.testing.assert_array_equal(np.isfinite(found[:, 22:]), np.isfinite(clean[:, 22:]))


def test_a_single_look_is_believed_and_none_tells_nothing():
    assert np.isfinite(tops(looks()[:1], FIELD)[square(3.5, -8.0)])
    assert not np.isfinite(tops([], FIELD)).any()
