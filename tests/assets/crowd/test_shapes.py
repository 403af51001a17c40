"""Polygons and ways on the plan of the ground."""

import numpy as np
import pytest

from assets.crowd.shapes import Rail, edge_distance, headings, ways

CORNER = np.array([[0.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_nearest_edge_is_found_beside_and_beyond_a_side():
    square = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])

    assert edge_distance(np.array([1.0, 1.5]), square) == pytest.approx(1.0)
    assert edge_distance(np.array([7.0, 8.0]), square) == pytest.approx(5.0)


def test_headings_and_ways_are_each_others_inverse():
    turns = np.linspace(-3, 3, 13)

    np.testing.assert_allclose(headings(ways(turns)), turns)


def test_a_rail_begins_and_ends_where_it_was_drawn_and_rounds_the_corner():
    rail = Rail.along(CORNER, 3.0)

    place, turned = rail.at(np.linspace(0, rail.length_m, 200))
    bend = np.abs(np.diff(turned))
    np.testing.assert_allclose(place[[0, -1]], CORNER[[0, -1]], atol=1e-9)
    np.testing.assert_allclose(turned[[0, -1]], [0, np.pi / 2], atol=1e-9)
    assert bend.max() < 0.1
    assert np.linalg.norm(place - CORNER[1], axis=1).min() < 1.0
    np.testing.assert_allclose(np.linalg.norm(np.diff(place, axis=0), axis=1), rail.length_m / 199, rtol=0.03)


def test_beyond_its_ends_a_rail_goes_straight_on():
    rail = Rail.along(CORNER, 2.0)

    place, turned = rail.at(np.array([-5.0, rail.length_m + 3.0]))

    np.testing.assert_allclose(place, [[0, -5], [13, 10]], atol=1e-9)
    np.testing.assert_allclose(turned, [0, np.pi / 2], atol=1e-9)
