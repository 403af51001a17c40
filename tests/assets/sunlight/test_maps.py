"""Who stands in a set piece's shadow, against rays cast one by one from any place in the air."""

import numpy as np
import pytest

from assets.sunlight.maps import SunMaps
from assets.view import View
from tests.boxes import box, hit, sun

PIECES = [box((-1, -4, -1), (1, 5, 1)), box((3, -4, -6), (6, 2.5, -5.5), 2), box((-7, 2.2, 2), (-5, 2.5, 4), 3)]


def hidden(maps, points, **some):
    none = np.zeros_like(points)
    return maps.hidden(points, none, none, **some)


@pytest.mark.parametrize("elevation_deg", [12, 25, 60])
def test_places_in_the_air_are_dark_where_rays_to_the_sun_are_stopped(elevation_deg):
    rng, to_sun = np.random.default_rng(4), sun(elevation_deg)
    points = rng.uniform((-9, 0, -9), (9, 2.5, 9), (2500, 3))

    found = hidden(SunMaps.of(PIECES, to_sun, 1e-6), points)

    true = hit(PIECES, points, to_sun)
    inside = np.any([(points > p.vertices.min(axis=0)).all(axis=1) & (points < p.vertices.max(axis=0)).all(axis=1)
                     for p in PIECES], axis=0)  # fmt: skip
    assert 60 < true.sum() < 1500
    assert ((found > 0.5) != true)[~inside].mean() < 0.004


def test_a_soft_edge_is_the_share_of_rays_that_are_stopped():
    """A normal sun, as wide as the penumbra says, of 600 rays."""
    soft, to_sun = 0.12, sun(30, 90)
    wall = [box((3, -1, -20), (3.2, 2.9, 20))]
    points = np.column_stack([np.zeros(40), np.linspace(0.0, 2.0, 40), np.zeros(40)])
    rng = np.random.default_rng(7)
    aside = np.cross(to_sun, (0, 1.0, 0))
    aside /= np.linalg.norm(aside)
    half = 0.5 * soft * rng.normal(size=(300, 2)) @ np.stack([aside, np.cross(to_sun, aside)])
    spread = np.concatenate([half, -half])

    found = hidden(SunMaps.of(wall, to_sun, soft), points)

    true = np.mean([hit(wall, points, to_sun + way) for way in spread], axis=0)
    assert true[0] == 1
    assert true[-1] == 0
    np.testing.assert_allclose(found, true, atol=0.06)


@pytest.mark.parametrize("elevation_deg", [6, 20])
def test_level_ground_hides_no_sun_from_what_stands_on_it(elevation_deg):
    """Its map has cells of 3 cm; along a low sun these are far apart."""
    slab = [box((-30, -1, -30), (30, 0, 30))]
    rng = np.random.default_rng(8)
    points = np.column_stack([*rng.uniform(-15, 15, (2, 800)), rng.uniform(0, 0.3, 800)])[:, [0, 2, 1]]

    assert not hidden(SunMaps.of(slab, sun(elevation_deg), 0.03), points).any()


def test_only_those_pieces_count_that_are_asked_for():
    maps, under = SunMaps.of(PIECES, np.array([0.0, 1.0, 0.0]), 0.01), np.array([[-6.0, 0.0, 3.0], [0.0, 0.0, 0.5]])

    np.testing.assert_array_equal(hidden(maps, under), [1, 1])
    np.testing.assert_array_equal(hidden(maps, under, only=(3,)), [1, 0])
    np.testing.assert_array_equal(hidden(maps, under, only=()), [0, 0])


def test_a_low_sun_and_no_piece_hide_nothing():
    points = np.zeros((1, 3))

    assert not hidden(SunMaps.of(PIECES, sun(0.5), 0.03), points).any()
    assert not hidden(SunMaps.of([], sun(40), 0.03), points).any()


def test_what_a_picture_shows_is_asked_for_where_it_stands():
    pose = np.eye(4)
    pose[:3, 3] = 0.5, -1.0, 4.0
    y, x = np.mgrid[:6, :8] + 0.5
    rays = np.stack([(x - 4) / 10, (y - 3) / 10], axis=-1).astype(np.float32)
    view = View(rays, lambda points: points[:, :2], pose, pose, 0)
    depth = np.full((6, 8), np.inf, np.float32)
    depth[2, 3] = 5.0
    maps = SunMaps.of([box((-3, -9, -3), (3, -8, 3))], np.array([0.0, 1.0, 0.0]), 0.01)

    assert not maps.hidden_from(view, depth).any()
    below = SunMaps.of([box((-3, 8, -3), (3, 9, 3))], np.array([0.0, 1.0, 0.0]), 0.01)
    np.testing.assert_array_equal(np.argwhere(below.hidden_from(view, depth)), [[2, 3]])
