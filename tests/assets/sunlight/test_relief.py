"""The plate's hills and walls before the sun, against rays that are followed step by step over the ground's own formula."""

import numpy as np
import pytest

from assets.sunlight.maps import SunMaps
from assets.sunlight.relief import GROUND, STANDING, Relief
from tests.boxes import box, hit, sun

CELL = 0.5
CORNER = -30.0, -30.0


def hill(x, z):
    """A ridge along z, 6 m high, over ground that falls a little."""
    return 6 * np.exp(-(((x - 8) / 3) ** 2)) + 0.02 * z


def relief(tops=None):
    x, z = np.meshgrid(*(corner + CELL * np.arange(121) for corner in CORNER))
    return Relief(hill(x, z).astype(np.float32), CORNER, CELL, tops)


def places(count=1500, low=0.3, high=3.0):
    """In the air over the hill's foot, where a survey is sure."""
    rng = np.random.default_rng(5)
    x, z = rng.uniform(-20, 20, (2, count))
    return np.column_stack([x, hill(x, z) + rng.uniform(low, high, count), z])


def followed(points, to_sun, lower):
    """Whose rays go under the hill, `lower` metres less high: a step of 5 cm."""
    found = np.zeros(len(points), bool)
    for way in np.arange(0.05, 60, 0.05):
        at = points + way * to_sun
        within = (np.abs(at[:, [0, 2]]) < 30).all(axis=1)
        found |= within & (at[:, 1] < hill(at[:, 0], at[:, 2]) - lower)
    return found


def hidden(maps, points, **some):
    return maps.hidden(points, np.zeros_like(points), np.zeros_like(points), **some)


@pytest.mark.parametrize("elevation_deg", [15, 25])
def test_a_hill_hides_the_sun_where_rays_go_under_it(elevation_deg):
    points, to_sun = places(), sun(elevation_deg, 80)
    maps = SunMaps.of([], to_sun, 1e-6, relief())

    found = hidden(maps, points) > 0.5

    surely, perhaps = followed(points, to_sun, 0.25), followed(points, to_sun, 0.05)
    assert maps.numbers == (GROUND,)
    assert 150 < surely.sum() < 1000
    assert found[surely].mean() > 0.995
    assert found[~perhaps].mean() < 0.002


def test_ground_that_hides_no_sun_has_no_map():
    to_sun = sun(70, 80)

    assert SunMaps.of([], to_sun, 0.03, relief()).numbers == ()
    level = Relief(np.zeros((20, 20), np.float32), (0.0, 0.0), 1.0)
    assert SunMaps.of([], sun(6), 0.03, level).numbers == ()
    assert SunMaps.of([], sun(0.5), 0.03, relief()).numbers == ()


def test_what_stands_hides_the_sun_as_far_as_it_reaches():
    """Squares of the grid 2.5 m high, against rays past a box of the same size."""
    tops = np.full((121, 121), np.nan, np.float32)
    tops[60:64, 50:53] = 2.5  # x from -5.25 to -3.75, z from -0.25 to 1.75
    level = Relief(np.zeros((121, 121), np.float32), CORNER, CELL, tops)
    rng, to_sun = np.random.default_rng(6), sun(30, 60)
    points = rng.uniform((-12, 0.2, -8), (2, 2.2, 6), (2500, 3))

    maps = SunMaps.of([], to_sun, 1e-6, level)
    found = hidden(maps, points) > 0.5

    low, high = np.array([-5.25, -0.1, -0.25]), np.array([-3.75, 2.5, 1.75])
    true = hit([box(low, high)], points, to_sun)
    near = ((points > low - 0.35) & (points < high + 0.35)).all(axis=1)
    assert maps.numbers == (STANDING,)
    assert true.sum() > 40
    assert (found != true)[~near].mean() < 0.005


def test_relief_stands_beside_pieces_and_can_be_left_out():
    piece, points, to_sun = [box((-9, 0, -4), (-8, 4, 4), 7)], places(), sun(20, 80)
    alone, both = SunMaps.of(piece, to_sun, 0.03), SunMaps.of(piece, to_sun, 0.03, relief())

    assert both.numbers == (7, GROUND)
    assert both.pieces == alone.pieces == (7,)
    np.testing.assert_array_equal(hidden(both, points, only=both.pieces), hidden(alone, points))
    assert (hidden(both, points) >= hidden(alone, points)).all()
