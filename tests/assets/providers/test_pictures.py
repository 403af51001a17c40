"""What models for displays are shown, and which answers cannot be used."""

from dataclasses import replace

import numpy as np
import pytest

from assets.providers.pictures import FAR_GREY, recovered, shown, shown_reference
from assets.providers.request import Guides
from pipeline.errors import ProviderNonsense
from tests.assets.providers.pictured import everywhere, request_of


def test_near_is_whiter_and_nothing_is_black():
    depth = np.zeros((8, 64))
    depth[2] = np.linspace(-3, 3, 64)

    picture = shown(request_of(depth=depth))["depth"]

    assert not picture[[0, 1, *range(3, 8)]].any()
    assert (picture[2] >= FAR_GREY).all()
    assert (np.diff(picture[2].astype(int)) >= 0).all()
    assert picture[2, -1] > 250


def test_a_body_uses_much_of_the_depth_picture():
    """Half a metre from the back of a shoulder to the fist, in a picture of 2.7 m."""
    depth = np.zeros((128, 64))
    depth[50] = np.linspace(-0.25, 0.25, 64)

    row = shown(request_of(depth=depth, metres_per_px=2.7 / 128))["depth"][50].astype(int)

    assert row[-1] - row[0] > 80


def test_one_distance_has_one_grey_whatever_else_is_in_the_picture():
    """A range of each picture's own would make the model flicker."""
    alone, crowded = np.zeros((16, 8)), np.zeros((16, 8))
    alone[4, 4] = crowded[4, 4] = 0.1
    crowded[5, 5] = 2.0

    assert shown(request_of(depth=alone))["depth"][4, 4] == shown(request_of(depth=crowded))["depth"][4, 4]


def test_the_grey_of_a_distance_does_not_depend_on_resolution_or_width():
    small, large, wide = np.full((128, 64), 0.2), np.full((256, 128), 0.2), np.full((128, 112), 0.2)
    pictures = [
        shown(request_of(depth=depth, metres_per_px=2.7 / len(depth)))["depth"] for depth in (small, large, wide)
    ]

    assert len({int(picture[0, 0]) for picture in pictures}) == 1


def test_the_reference_plane_itself_is_shown_where_coverage_tells_it():
    picture = shown(request_of(depth=np.zeros((4, 4)), coverage=np.eye(4)))["depth"]

    assert np.array_equal(picture > 0, np.eye(4) > 0)


@pytest.mark.parametrize(
    ("normal", "rgb"),
    [
        ((0, 0, -1), (128, 128, 255)),
        ((1, 0, 0), (255, 128, 128)),
        ((0, -1, 0), (128, 255, 128)),
        ((0, 0, 0), (128, 128, 255)),
    ],
)
def test_normals_are_right_up_and_towards_the_viewer(normal, rgb):
    """COLMAP's axes (y down, z into the scene) to the nets'; nothing faces the viewer."""
    picture = shown(request_of(normals=np.broadcast_to(np.array(normal, float), (4, 4, 3))))["normals"]

    assert (picture == rgb).all()


def test_the_pose_is_shown_as_it_was_drawn():
    drawn = np.random.default_rng(1).integers(0, 256, (8, 6, 3)).astype(np.uint8)

    assert np.array_equal(shown(request_of(pose=drawn / 255))["pose"], drawn)


def test_edges_are_white_on_black():
    drawn = np.eye(6)

    assert np.array_equal(shown(request_of(edges=drawn))["edges"], 255 * drawn)


def test_every_guide_that_models_know_is_shown():
    pixels = np.ones((4, 4))
    request = request_of(
        coverage=pixels, depth=pixels, parts=pixels, normals=np.ones((4, 4, 3)), pose=np.ones((4, 4, 3)),
        edges=pixels,
        init=np.ones((4, 4, 4)), mask=pixels,
    )  # fmt: skip

    pictures = shown(request)

    assert set(pictures) == {"depth", "normals", "pose", "edges", "mask", "init"}
    assert {picture.dtype for picture in pictures.values()} == {np.dtype(np.uint8)}
    assert (pictures["mask"] == 255).all()


def test_a_reference_is_shown_over_mid_grey():
    picture = shown_reference(np.zeros((4, 4, 4), np.float32))

    assert picture.shape == (4, 4, 3)
    assert abs(int(picture[0, 0, 0]) - 118) <= 1  # the sRGB code of 0.18


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.zeros((16, 8, 3), np.uint8), "8 x 16 px, 8 x 8 were asked"),
        (np.zeros((8, 8), np.uint8), r"must be \(height, width, 3 or 4\)"),
        (np.zeros((8, 8, 3), np.int32), "numbers are int32"),
        (np.full((8, 8, 3), np.nan, np.float32), "NaN"),
    ],
)
def test_answers_that_cannot_be_used_are_named(picture, words):
    with pytest.raises(ProviderNonsense, match=words):
        recovered(everywhere(), 0, picture)


def test_frames_of_a_request_are_read_each_by_its_own_guides():
    coverage = np.zeros((2, 8, 8), np.float32)
    coverage[0, :4], coverage[1, 4:] = 1, 1
    request = replace(everywhere(), guides=Guides(coverage=coverage))
    picture = np.full((8, 8, 3), 118, np.uint8)

    first, second = (recovered(request, frame, picture)[..., 3] for frame in (0, 1))

    assert np.array_equal(first, coverage[0])
    assert np.array_equal(second, coverage[1])
