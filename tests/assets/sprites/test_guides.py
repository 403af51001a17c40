"""Facts of guides and of the lit truth that models learn from."""

from __future__ import annotations

import numpy as np
import pytest

from assets.guides.openpose import COLOURS
from assets.people.characters import Part, load_character
from assets.people.mesh import posed_mesh
from assets.sprites.guides import ROOT_M, TALL_M, Light, beauty, sky_visibility, sprite_guides, view_from_person

FRONT, RIGHT, BACK = 0.0, np.pi / 2, np.pi


def mesh(name: str = "legionary", motion: str = "idle"):
    return posed_mesh(load_character(name), motion, 0.1)


def test_yaw_turns_the_face_towards_the_viewers_right():
    assert np.allclose(view_from_person(FRONT, 0.0) @ (0, 0, 1), (0, 0, 1))
    assert np.allclose(view_from_person(RIGHT, 0.0) @ (0, 0, 1), (1, 0, 0))
    assert np.allclose(view_from_person(BACK, 0.0) @ (0, 0, 1), (0, 0, -1))


def test_seen_from_above_what_is_nearer_lies_lower():
    view = view_from_person(FRONT, 0.4)

    assert (view @ (0, 0, 1))[1] < 0  # the ground before the feet
    assert (view @ (0, 1, 0))[2] > 0  # the head leans towards the viewer


def test_feet_stand_on_the_root_line():
    guides = sprite_guides(mesh("peasant"), FRONT, 0.0)

    lowest = np.flatnonzero(guides.coverage.any(axis=1)).max()
    assert abs((lowest + 1) - (128 - ROOT_M / TALL_M * 128)) <= 1.0


def test_a_person_measures_in_pixels_what_he_measures_in_metres():
    person = mesh("peasant")
    guides = sprite_guides(person, FRONT, 0.0)

    rows = np.flatnonzero((guides.coverage > 0.3).any(axis=1))
    assert abs(len(rows) * TALL_M / 128 - np.ptp(person.vertices[:, 1])) < 2 * TALL_M / 128


@pytest.mark.parametrize("yaw", [0.0, 0.9, 2.5, -1.4])
@pytest.mark.parametrize("name", ["peasant", "legionary", "villager"])
def test_joints_lie_inside_the_silhouette(name: str, yaw: float):
    guides = sprite_guides(mesh(name, "march"), yaw, 0.1)

    x, y = guides.joints_px.astype(int).T
    assert (guides.coverage[y, x] > 0).all()


def test_left_and_right_are_right_in_the_pose_map():
    """Facing the viewer, the right shoulder (orange) is on the picture's left; from behind it is on its right."""
    for yaw, sign in ((FRONT, 1), (BACK, -1)):
        guides = sprite_guides(mesh(), yaw, 0.0, 512, 256)
        right, left = guides.joints_px[2], guides.joints_px[5]
        assert sign * (left[0] - right[0]) > 0
        assert tuple(guides.pose[int(right[1]), int(right[0])]) == tuple(COLOURS[2])
        assert tuple(guides.pose[int(left[1]), int(left[0])]) == tuple(COLOURS[5])


def test_a_face_that_is_turned_away_is_not_drawn():
    front, back = sprite_guides(mesh(), FRONT, 0.0), sprite_guides(mesh(), BACK, 0.0)

    assert front.joints_seen[:16].all()  # ears may lie under cheek pieces
    assert not back.joints_seen[[0, 14, 15]].any()
    assert back.joints_seen[1:14].all()


def test_parts_cover_exactly_what_is_covered():
    guides = sprite_guides(mesh(), 0.7, 0.1)

    assert ((guides.parts > 0) == (guides.coverage > 0)).all()
    shown = {Part(part).name for part in np.unique(guides.parts)}
    assert {"HELMET", "CUIRASS", "SHIELD", "SHAFT", "SKIN", "BOOTS", "STRIPS"} <= shown


def test_normals_are_unit_and_face_the_viewer():
    guides = sprite_guides(mesh("officer", "brace"), 0.4, 0.2)
    covered = guides.coverage > 0

    lengths = np.linalg.norm(guides.normals, axis=2)
    assert np.allclose(lengths[covered], 1.0, atol=1e-4)
    assert (lengths[~covered] == 0).all()
    assert (guides.normals[covered][:, 2] >= -1e-5).all()


def test_relief_is_metres_towards_the_viewer():
    """The shield is held before the body; seen from behind it is behind."""
    for yaw, sign in ((FRONT, 1), (BACK, -1)):
        guides = sprite_guides(mesh("legionary", "brace"), yaw, 0.0)
        shield = np.isin(guides.parts, [Part.SHIELD, Part.SHIELD_MARK, Part.SHAFT]) & (guides.coverage == 1)
        relief = np.median(guides.depth[shield])
        assert 0.2 < sign * relief < 1.0


def test_relief_agrees_with_the_vertices():
    person = mesh("peasant")
    guides = sprite_guides(person, FRONT, 0.0)

    nose = guides.joints_px[0].astype(int)
    assert abs(guides.depth[nose[1], nose[0]] - person.joints[0, 2]) < 0.03


def test_beauty_has_the_guides_silhouette_and_is_premultiplied():
    person, character = mesh("spearman"), load_character("spearman")
    guides = sprite_guides(person, 0.5, 0.1)

    picture = beauty(person, character, 0.5, 0.1)

    assert picture.shape == (128, 64, 4)
    assert picture.dtype == np.float32
    assert np.allclose(picture[..., 3], guides.coverage, atol=1e-5)
    assert (picture[guides.coverage == 0] == 0).all()
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert picture[..., :3].max() < 8.0


def test_the_sunny_side_is_brighter():
    person, character = mesh("peasant"), load_character("peasant")
    left = Light(sun_direction=(-1.0, 0.4, 0.3))
    right = Light(sun_direction=(1.0, 0.4, 0.3))

    lit_left, lit_right = (beauty(person, character, FRONT, 0.0, light)[..., :3].sum(axis=2) for light in (left, right))

    assert lit_left[:, :32].sum() > 1.3 * lit_right[:, :32].sum()
    assert lit_right[:, 32:].sum() > 1.3 * lit_left[:, 32:].sum()


def test_light_scales_linearly():
    person, character = mesh("peasant"), load_character("peasant")
    one = Light()
    twice = Light(
        sun=tuple(2 * v for v in one.sun), sky=tuple(2 * v for v in one.sky), ground=tuple(2 * v for v in one.ground)
    )

    assert np.allclose(
        beauty(person, character, 0.3, 0.1, twice)[..., :3],
        2 * beauty(person, character, 0.3, 0.1, one)[..., :3],
        rtol=1e-4,
        atol=1e-5,
    )


def test_undyed_cloth_in_the_sun_comes_out_near_its_albedo():
    """Exposure: a white diffuser that faces the default light has radiance near 1."""
    character = load_character("peasant")
    picture = beauty(mesh("peasant"), character, 0.5, 0.0)
    parts = sprite_guides(mesh("peasant"), 0.5, 0.0).parts

    tunic = (parts == Part.TUNIC) & (picture[..., 3] == 1)
    brightest = np.quantile(picture[tunic][:, 1], 0.9)
    assert 0.5 < brightest / dict(character.palette)["tunic"][1] < 1.3


def test_a_shield_throws_its_shadow_on_the_man_behind_it():
    person = mesh("legionary", "brace")

    visible = sky_visibility(person)
    open_sky = person.normals[:, 1] > 0.3

    strips = np.unique(person.triangles[person.parts == Part.STRIPS])
    crown = np.unique(person.triangles[person.parts == Part.HELMET])
    assert visible.min() >= 0
    assert visible.max() <= 1
    assert visible[np.intersect1d(crown, np.flatnonzero(open_sky))].mean() > visible[strips].mean() + 0.15


def test_equal_requests_give_equal_bytes():
    character = load_character("archer")
    person = posed_mesh(character, "cheer", 0.6)

    first, second = (beauty(person, character, 1.1, 0.2) for _ in range(2))
    guides, again = (sprite_guides(person, 1.1, 0.2) for _ in range(2))

    assert first.tobytes() == second.tobytes()
    assert guides.depth.tobytes() == again.depth.tobytes()
    assert guides.pose.tobytes() == again.pose.tobytes()


def test_other_sizes_keep_the_frame():
    small, large = (sprite_guides(mesh("peasant"), 0.2, 0.0, h, h // 2) for h in (64, 256))

    shrunk = large.coverage.reshape(64, 4, 32, 4).mean(axis=(1, 3))
    assert np.abs(shrunk - small.coverage).mean() < 0.02
    assert np.allclose(large.joints_px / 4, small.joints_px, atol=1e-3)
