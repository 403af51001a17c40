"""Facts of which backs are left out: none that anybody sees."""

from __future__ import annotations

import numpy as np
import pytest

from assets.guides import lod, mesh_chain, mesh_fronts
from assets.guides.mesh_fronts import LOST, fronts
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh


def ball(around: int = 14, up: int = 9, share: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(vertices, triangles, counter-clockwise from outside) of a ball 0.8 m wide a metre up, or of its lower `share`."""
    turn, lift = np.meshgrid(2 * np.pi * np.arange(around) / around, np.linspace(-np.pi / 2, np.pi / 2, up))
    vertices = np.stack([np.cos(lift) * np.sin(turn), np.sin(lift), np.cos(lift) * np.cos(turn)], axis=-1)
    rows, columns = np.meshgrid(np.arange(int(share * (up - 1))), np.arange(around), indexing="ij")
    a, b = rows * around + columns, rows * around + (columns + 1) % around
    c, d = a + around, b + around
    triangles = np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])
    corners = vertices.reshape(-1, 3)[triangles]
    whole = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) > 1e-6
    return 0.4 * vertices.reshape(-1, 3) + [0, 1, 0], triangles[whole].astype(np.int32)


def test_of_a_closed_body_the_outside_is_drawn_alone():
    vertices, triangles = ball()

    assert (fronts([vertices], triangles, 0.01) == 1).all()


def test_what_lies_with_its_inside_out_is_known_by_what_is_seen():
    vertices, triangles = ball()
    turned = np.arange(len(triangles)) % 5 == 2
    triangles[turned] = triangles[turned, ::-1]

    assert np.array_equal(fronts([vertices], triangles, 0.01), np.where(turned, -1, 1))


def test_of_an_open_bowl_what_shows_from_above_is_drawn_from_both_sides():
    vertices, triangles = ball(share=0.5)
    inside = vertices[triangles].mean(axis=1)[:, 1] > 0.75  # deeper down little is seen over the rim

    sides = fronts([vertices], triangles, 0.01)

    assert (sides[inside] == 0).all()


def test_a_single_sheet_is_drawn_from_both_sides():
    vertices = np.array([[-0.4, 0.8, 0], [0.4, 0.8, 0], [0.4, 1.6, 0], [-0.4, 1.6, 0]])

    assert (fronts([vertices], np.array([[0, 1, 2], [0, 2, 3]], np.int32), 0.01) == 0).all()


def test_a_back_is_lost_where_nothing_lies_close_enough_behind_it():
    """Two sheets 2 cm apart, their outsides towards each other: each back hides the other one's front."""
    sheet = np.array([[-0.4, 0.8, 0], [0.4, 0.8, 0], [0.4, 1.6, 0], [-0.4, 1.6, 0]])
    vertices = np.concatenate([sheet + np.array([0, 0, 0.01]), sheet - np.array([0, 0, 0.01])])
    triangles = np.array([[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7]], np.int32)

    found = {slack: mesh_fronts._seen([vertices], triangles, np.ones(4, np.int8), slack) for slack in (0.005, 0.1)}

    front, back, lost = (counts.sum() for counts in found[0.005])
    assert front < 0.1 * back
    assert lost == back
    assert found[0.1][2].sum() < 0.1 * back  # at the rims


@pytest.mark.parametrize("name", ["peasant", "legionary"])
def test_far_meshes_lose_next_to_nothing_in_poses_that_were_not_measured(name: str):
    """Of all pixels from all sides few show nothing, or something much deeper, when backs are left out."""
    character = load_character(name)
    levels = lod.chain(character)

    assert [bool(level.fronts.any()) for level in levels] == [level.strays_m > mesh_chain._FAR_M for level in levels]
    for level in (level for level in levels if level.fronts.any()):
        shapes = [lod.merged(level, posed_mesh(character, motion, 0.42)) for motion in ("march", "charge")]
        front, back, lost = mesh_fronts._seen(shapes, level.triangles, level.fronts, level.strays_m / lod.STRAY_PX)
        assert lost.sum() < 8 * LOST * (front + back).sum()
        assert (level.fronts != 0).mean() > 0.35
