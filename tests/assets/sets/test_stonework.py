"""Courses of stone as normals."""

import numpy as np

from assets.providers.request import SetPart
from assets.sets.stonework import COURSE_M, ROUGH, courses, face_axes, hashed, rough_normals, stone_normals


def wall(metres_per_px=0.02, size=128):
    """Points on a wall that faces +Z."""
    u, v = np.meshgrid(np.arange(size) * metres_per_px, np.arange(size) * metres_per_px)
    points = np.stack([u, v, np.zeros_like(u)], axis=-1)
    return points, np.broadcast_to([0.0, 0.0, 1.0], points.shape)


def test_normals_stay_unit_and_near_the_face():
    points, faces = wall()

    bent = stone_normals(points, faces, 0.02)

    assert np.allclose(np.linalg.norm(bent, axis=-1), 1, atol=1e-5)
    assert bent[..., 2].min() > 0.5
    assert abs(bent[..., :2].mean()) < 0.05


def test_a_stone_stays_where_it_is_in_another_view():
    """The same points, asked for in another order, are bent alike."""
    points, faces = wall()

    bent = stone_normals(points, faces, 0.02)
    part = stone_normals(points[::-1, 40:70], faces[::-1, 40:70], 0.02)

    assert np.array_equal(part, bent[::-1, 40:70])


def test_faces_tilt_down_below_a_joint_and_up_above_it():
    """Edges are rounded: under a joint the surface looks up, above it down."""
    v = np.array([COURSE_M - 0.01, COURSE_M + 0.01])

    _, slope, _ = courses(np.full(2, 0.31), v, np.array(7), 0.005)

    assert slope[0] < slope[1]


def test_detail_below_a_pixel_is_left_out():
    points, faces = wall(metres_per_px=1.0)

    assert np.abs(stone_normals(points, faces, 1.0)[..., :2]).max() < 0.25


def test_axes_of_a_face_are_across_and_up():
    across, up = face_axes(np.array([[0.0, 0, 1], [1.0, 0, 0], [0, 1.0, 0]]))

    assert np.allclose(across, [[1, 0, 0], [0, 0, -1], [1, 0, 0]])
    assert np.allclose(up, [[0, 1, 0], [0, 1, 0], [0, 0, -1]])


def test_chance_is_even_and_does_not_repeat():
    numbers = hashed(np.arange(-500, 500)[:, None], np.arange(20), 3)

    assert abs(numbers.mean() - 0.5) < 0.01
    assert len(np.unique(numbers)) == numbers.size


def test_rough_normals_are_unit_and_the_rock_is_rougher_than_plaster():
    points, faces = wall()

    bent = {part: rough_normals(points, faces, 0.02, ROUGH[part]) for part in ROUGH}

    for normals in bent.values():
        assert np.allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)
    spread = {part: float(normals[..., :2].std()) for part, normals in bent.items()}
    assert spread[SetPart.LEAF] > spread[SetPart.ROCK] > 3 * spread[SetPart.PLASTER] > 0


def test_rough_normals_are_a_matter_of_place_alone_and_fade_with_distance():
    """The same points in another order are bent alike; bumps finer than a pixel are left out."""
    points, faces = wall()
    rock = ROUGH[SetPart.ROCK]

    bent = rough_normals(points, faces, 0.02, rock, seed=3)
    part = rough_normals(points[::-1, 40:70].reshape(-1, 3), faces[::-1, 40:70].reshape(-1, 3), 0.02, rock, seed=3)

    np.testing.assert_array_equal(part.reshape(-1, 30, 3), bent[::-1, 40:70])
    np.testing.assert_allclose(rough_normals(points, faces, 1000.0, rock), faces, atol=1e-6)
