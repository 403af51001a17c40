"""Facts of costume geometry."""

from __future__ import annotations

import numpy as np
import pytest

from assets.people import arms
from assets.people.bodies import Body, rest_body, vertex_normals
from assets.people.characters import Part, load_character
from assets.people.kit import Hang, grid, hang, hull_radius, shell
from assets.people.wardrobe import KIT


def body() -> Body:
    character = load_character("legionary")
    return rest_body(character.phenotype, character.height_m)


@pytest.mark.parametrize("name", sorted(KIT))
def test_every_piece_of_kit_is_bound_and_whole(name: str):
    for piece in KIT[name](body()):
        assert len(piece.triangles) == len(piece.parts) > 0
        assert piece.triangles.min() >= 0
        assert piece.triangles.max() < len(piece.vertices)
        assert np.isfinite(piece.vertices).all()
        assert np.allclose(np.asarray(piece.weights.sum(axis=1)).ravel(), 1.0, atol=1e-4)
        assert (piece.parts > Part.SKIN).all()


def test_recipes_may_ask_for_everything_in_the_wardrobe_and_nothing_else():
    from assets.people import characters

    assert set(KIT) == set(characters._KIT)


def test_a_shell_stays_outside_the_body():
    """A let-out copy lies further along the normals than what it was cut from."""
    man = body()
    inside = np.minimum(man.vertices[:, 1] - 1.0, 1.4 - man.vertices[:, 1])

    piece = shell(man, inside, 0.02, Part.TUNIC, smooth=0)

    nearest = np.argmin(((piece.vertices[::7, None] - man.vertices[None, ::1]) ** 2).sum(axis=2), axis=1)
    away = ((piece.vertices[::7] - man.vertices[nearest]) * man.normals[nearest]).sum(axis=1)
    assert np.mean(away > 0.005) > 0.98


def test_a_shell_ends_where_its_field_is_zero():
    man = body()

    piece = shell(man, man.vertices[:, 1] - 1.2, 0.0, Part.TUNIC, smooth=0)

    assert piece.vertices[:, 1].min() == pytest.approx(1.2, abs=0.01)


def test_a_skirt_encloses_both_legs_in_rest():
    man = body()
    cut = Hang(1.0, 0.6)

    piece = hang(man, cut, Part.TUNIC)

    legs = man.vertices[man.of_bones("upperleg") & (np.abs(man.vertices[:, 1] - 0.65) < 0.02)]
    ring = piece.vertices[np.abs(piece.vertices[:, 1] - 0.65) < 0.03]
    angles = np.arctan2(legs[:, 0], legs[:, 2])
    hull = hull_radius(ring[:, [0, 2]], angles)
    assert (hull > np.hypot(legs[:, 0], legs[:, 2]) - 0.01).all()


def test_hull_radius_of_a_circle_is_its_radius():
    turns = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = 0.3 * np.stack([np.sin(turns), np.cos(turns)], axis=1)

    assert np.allclose(hull_radius(circle, np.linspace(-3, 3, 50)), 0.3, atol=0.002)


@pytest.mark.parametrize(
    "solid",
    [
        arms.ball(np.zeros(3), (0.1, 0.2, 0.1)),
        arms.tube(np.array([[0, 0, 0], [0, 1.0, 0.2]]), 0.05),
        arms.tube(np.array([[0.1, 0, 0], [1.0, 0.3, 0.2]]), 0.05, flat=np.array([0, 0, 1.0]), thin=0.3),
    ],
)
def test_solids_face_outward(solid):
    vertices, triangles = solid

    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0


def test_a_grid_that_closes_has_no_seam():
    assert len(grid(3, 8, closed=True)) == 2 * 2 * 8
    assert len(grid(3, 8, closed=False)) == 2 * 2 * 7


def test_vertex_normals_of_a_ball_point_away_from_its_middle():
    vertices, triangles = arms.ball(np.array([0.0, 1.0, 0.0]), (0.5, 0.5, 0.5), rows=24, columns=48)

    normals = vertex_normals(vertices, triangles.astype(np.int32))

    inner = slice(48, -48)  # the poles' own vertices lie on top of each other
    assert (np.einsum("ij,ij->i", normals, (vertices - (0, 1, 0)) / 0.5)[inner] > 0.98).all()
