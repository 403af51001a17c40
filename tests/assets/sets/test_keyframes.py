"""Keyframes are chosen by what they show best of a surface, and never for what something hides."""

import numpy as np

from assets.sets.keyframes import choose, surface_quality
from assets.sets.projection import frame_piece
from assets.sets.surface import spread_points
from calibration.cameras import look_at
from tests.assets.sets.test_paintings import WALL_AND_POST, WINDOW, boxes


def looked_at(piece, surface, place, focal=100.0):
    small = frame_piece(piece, look_at(place, (0.0, 4.0, 0.0)), 1e9, WINDOW, 1.0, 320)
    return surface_quality(piece, surface, small, focal)


def test_quality_is_texels_per_metre_times_the_cosine_where_it_is_seen():
    surface = spread_points(WALL_AND_POST, 8000)
    place = np.array([3.0, 4.0, 30.0])

    quality, share = looked_at(WALL_AND_POST, surface, place)

    way = place - surface.points
    cosine = (way * surface.normals).sum(axis=1) / np.linalg.norm(way, axis=1)
    forward = (np.array([0.0, 4.0, 0.0]) - place) / np.linalg.norm([3.0, 0.0, 30.0])
    z = -way @ forward
    seen = quality > 0
    np.testing.assert_allclose(quality[seen], (100 / z * cosine)[seen], rtol=1e-6)
    wall = (surface.normals[:, 2] > 0.5) & (surface.points[:, 2] < 0.1)
    # The post's shadow on the wall, as the camera throws it.
    at = place[0] + (surface.points[:, 0] - place[0]) * (30 - 6) / 30
    hidden = wall & (np.abs(at) < 0.9) & (surface.points[:, 1] < 6)
    free = wall & (np.abs(at) > 1.9)
    assert hidden.sum() > 20
    assert not seen[hidden].any()
    assert seen[free].all()
    assert (share[~seen] == 0).all()


def test_first_what_shows_most_then_what_shows_the_rest():
    """A house from the front, from closer by, from behind: the near front, then the back; then nothing is left to gain."""
    house = boxes(((-6, 0, -4), (6, 8, 4)))
    surface = spread_points(house, 4000)
    places = {1: (0, 5, 60.0), 2: (4, 5, 24.0), 3: (-4, 5, -30.0), 4: (-1, 5, 58.0)}
    looks = {frame: looked_at(house, surface, place) for frame, place in places.items()}
    qualities, shares = ({f: look[k] for f, look in looks.items()} for k in (0, 1))

    chosen = choose(qualities, shares, 4, 0.06)

    assert chosen == [2, 3]
    assert choose(qualities, shares, 1, 0.06) == [2]
    assert choose(qualities, shares, 4, 0.06, known=qualities[2]) == [3]
    assert choose(qualities, shares, 4, 0.06, known=np.maximum(qualities[2], qualities[3])) == []
