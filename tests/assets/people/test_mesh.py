"""Facts of dressed, posed people."""

from __future__ import annotations

import numpy as np
import pytest

from assets.motion.motions import MOTIONS
from assets.people.bodies import rest_body
from assets.people.characters import Part, character_names, load_character
from assets.people.mesh import dressed, posed_mesh
from pipeline.errors import AssetError

ALL = character_names()


@pytest.mark.parametrize("height_m", [1.60, 1.75, 1.88])
def test_a_body_is_as_tall_as_its_recipe_says(height_m: float):
    phenotype = load_character("legionary").phenotype

    body = rest_body(phenotype, height_m)

    assert abs(np.ptp(body.vertices[:, 1]) - height_m) < 0.02
    assert body.vertices[:, 1].min() == pytest.approx(0.0, abs=1e-9)


def test_a_height_out_of_reach_is_an_error_that_names_it():
    with pytest.raises(AssetError, match=r"9 m is out of reach"):
        rest_body(load_character("legionary").phenotype, 9.0)


def test_standing_upright_keeps_the_height():
    """Idle knees and spine bend a little; nobody shrinks by a hand."""
    peasant = load_character("peasant")

    mesh = posed_mesh(peasant, "idle", 0.0)

    assert 0.94 * peasant.height_m < mesh.vertices[:, 1].max() < peasant.height_m + 0.06


@pytest.mark.parametrize("name", ALL)
def test_the_lowest_sole_is_on_the_ground(name: str):
    character = load_character(name)
    soles = dressed(character).soles

    for motion in MOTIONS:
        mesh = posed_mesh(character, motion, 0.3)
        assert mesh.vertices[soles, 1].min() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_arrays_have_the_shapes_that_are_promised(name: str):
    mesh = posed_mesh(load_character(name), "march", 0.2)

    count = len(mesh.vertices)
    assert mesh.vertices.shape == mesh.normals.shape == mesh.rest.shape == (count, 3)
    assert mesh.triangles.shape == (len(mesh.parts), 3)
    assert mesh.triangles.dtype == mesh.parts.dtype == np.int32
    assert mesh.vertices.dtype == mesh.normals.dtype == mesh.joints.dtype == np.float32
    assert mesh.joints.shape == (18, 3)
    assert mesh.triangles.min() >= 0
    assert mesh.triangles.max() < count
    assert np.isfinite(mesh.vertices).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("motion", ["brace", "march", "cheer"])
def test_no_triangle_explodes(name: str, motion: str):
    """Nothing but shafts, bows and shields is longer than a hand; a torn weight would stretch triangles over metres."""
    mesh = posed_mesh(load_character(name), motion, 0.4)

    corners = mesh.vertices[mesh.triangles]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    straight = np.isin(mesh.parts, [Part.SHAFT, Part.BLADE, Part.BOW, Part.HAIR, Part.QUIVER, Part.BELT])
    assert sides[~straight].max() < 0.25
    assert np.abs(mesh.vertices).max() < 2.8


def test_normals_are_unit_and_point_outward():
    """Pushed along its normals, a closed body grows."""
    mesh = posed_mesh(load_character("peasant"), "idle", 0.0)
    skin = mesh.triangles[(mesh.parts == Part.SKIN) | (mesh.parts == Part.TUNIC)]

    def volume(vertices):
        a, b, c = (vertices[skin[:, k]].astype(float) for k in range(3))
        return np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6

    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-5)
    assert volume(mesh.vertices + 0.01 * mesh.normals) > volume(mesh.vertices) > 0


def test_left_is_at_positive_x_and_the_face_at_positive_z():
    joints = posed_mesh(load_character("legionary"), "idle", 0.0).joints

    for right, left in ((2, 5), (3, 6), (4, 7), (8, 11), (9, 12), (10, 13), (14, 15), (16, 17)):
        assert joints[left, 0] > joints[right, 0]
    assert joints[0, 2] > joints[1, 2] + 0.05
    assert np.allclose(joints[1], (joints[2] + joints[5]) / 2, atol=1e-5)


def test_nobody_is_naked():
    """What is left of bare skin is face, neck, hands, and at most arms and legs."""
    for name in ALL:
        mesh = posed_mesh(load_character(name), "idle", 0.0)
        corners = mesh.vertices[mesh.triangles].astype(float)
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
        middle = corners.mean(axis=1)
        trunk = (
            (np.abs(middle[:, 0]) < 0.15) & (middle[:, 1] > 0.95) & (middle[:, 1] < 1.25) & (np.abs(middle[:, 2]) < 0.2)
        )
        assert area[trunk & (mesh.parts == Part.SKIN)].sum() < 0.1 * area[trunk].sum()


def test_kit_is_where_it_belongs():
    mesh = posed_mesh(load_character("legionary"), "idle", 0.0)

    def middle(part: Part):
        return mesh.vertices[mesh.triangles[mesh.parts == part]].reshape(-1, 3).mean(axis=0)

    assert middle(Part.HELMET)[1] > middle(Part.CUIRASS)[1] > middle(Part.STRIPS)[1] > middle(Part.BOOTS)[1]
    assert middle(Part.SHIELD)[0] > 0.1  # the shield is on the left arm
    assert middle(Part.BLADE)[0] < -0.2  # and the spear in the right hand
    shaft = mesh.vertices[mesh.triangles[np.isin(mesh.parts, [Part.BLADE])]].reshape(-1, 3)
    assert shaft[:, 1].min() == pytest.approx(0.0, abs=2e-3)  # its butt stands on the ground
    assert shaft[:, 1].max() > 2.2


def test_the_same_request_gives_the_same_bytes():
    first = posed_mesh(load_character("officer"), "march", 0.37)
    posed_mesh.cache_clear()
    dressed.cache_clear()

    again = posed_mesh(load_character("officer"), "march", 0.37)

    assert again is not first
    assert again.vertices.tobytes() == first.vertices.tobytes()
    assert again.normals.tobytes() == first.normals.tobytes()


def test_only_the_fraction_of_a_phase_counts():
    peasant = load_character("peasant")

    assert np.allclose(posed_mesh(peasant, "walk", 1.25).vertices, posed_mesh(peasant, "walk", 0.25).vertices)


def test_shared_arrays_cannot_be_written_to():
    mesh = posed_mesh(load_character("peasant"), "idle", 0.0)

    with pytest.raises(ValueError, match="read-only"):
        mesh.vertices[0, 0] = 1.0


def test_an_unknown_motion_is_an_error_that_lists_the_known_ones():
    with pytest.raises(AssetError, match=r"'moonwalk' is not known.*brace.*idle.*march"):
        posed_mesh(load_character("peasant"), "moonwalk", 0.0)


def test_cycles_close():
    """The last phase flows into the first: no pop when a cycle starts again."""
    legionary = load_character("legionary")

    for motion in (name for name, one in MOTIONS.items() if one.loops):
        step = np.abs(posed_mesh(legionary, motion, 0.004).vertices - posed_mesh(legionary, motion, 0.0).vertices).max()
        seam = np.abs(posed_mesh(legionary, motion, 0.0).vertices - posed_mesh(legionary, motion, 0.996).vertices).max()
        assert seam < 2.5 * step + 0.01
