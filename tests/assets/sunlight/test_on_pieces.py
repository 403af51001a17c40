"""What pieces lose of the sun to others, against rays cast one by one."""

from dataclasses import replace

import numpy as np

from assets.sunlight.maps import SunMaps
from assets.sunlight.on_pieces import LightOnPieces
from assets.sunlight.share import Sunlight
from tests.boxes import box, hit, sun

TO_SUN = sun(35, 70)
WALL, TOWER = box((-4, -1, -6), (-3.5, 5, 6)), box((0, -1, -1), (1.5, 9, 1), 2)
FACE = np.array([1.0, 0.0, 0.0], np.float32)


def on_the_wall(count=1500):
    """Places on the wall's sunny face, (N, 3)."""
    y, z = np.random.default_rng(6).uniform((0.1, -5.8), (4.8, 5.8), (count, 2)).T
    return np.column_stack([np.full(count, -3.5), y, z])


def left(light, points, number):
    none = np.zeros_like(points)
    return light.left(points, np.broadcast_to(FACE, points.shape), number, none, none)


def light_of(pieces, soft=1e-6):
    return LightOnPieces(Sunlight(SunMaps.of(pieces, TO_SUN, soft), (0.2, 0.3, 0.4)), {})


def test_a_tower_darkens_the_wall_where_it_stops_the_sun():
    light, points = light_of([WALL, TOWER]), on_the_wall()

    found = left(light, points, 1)

    dark = hit([TOWER], points, TO_SUN)
    assert 100 < dark.sum() < 1400
    told = found[:, 0] < 1
    assert (told != dark).mean() < 0.02
    both = told & dark
    np.testing.assert_allclose(np.median(found[both], axis=0), light.sunlight.left(FACE), atol=1e-4)


def test_a_wall_alone_is_as_it_was_painted():
    np.testing.assert_array_equal(left(light_of([WALL]), on_the_wall(), 1), 1)


def test_what_faces_away_from_the_sun_loses_nothing():
    light, points = light_of([WALL, TOWER]), on_the_wall(200)
    none = np.zeros_like(points)

    np.testing.assert_array_equal(light.left(points, np.broadcast_to(-FACE, points.shape), 1, none, none), 1)


def test_where_a_piece_hides_itself_nothing_more_is_lost():
    """A post before the wall belongs to it: its shadow is the painter's, and the tower's is laid around it alone."""
    post = box((-2.5, -1, -0.6), (-2, 9, 0.4))
    joined = replace(
        WALL,
        vertices=np.concatenate([WALL.vertices, post.vertices]),
        triangles=np.concatenate([WALL.triangles, post.triangles + len(WALL.vertices)]),
        normals=np.concatenate([WALL.normals, post.normals]),
        parts=np.concatenate([WALL.parts, post.parts]),
    )
    points = on_the_wall()

    found = left(light_of([joined, TOWER]), points, 1)

    own, other = hit([post], points, TO_SUN), hit([TOWER], points, TO_SUN)
    assert (own & other).sum() > 30
    assert (found[own & other, 0] < 1).mean() < 0.08
    assert (found[~own & other, 0] < 1).mean() > 0.95
