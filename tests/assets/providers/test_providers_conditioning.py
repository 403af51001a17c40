"""What the built-in model reads of a request, and how its numbers become light."""

from dataclasses import replace

import numpy as np
import pytest

from assets.people.looks import set_identity
from assets.providers.conditioning import (
    CHANNELS,
    LIGHT_SIZE,
    OUTLINE,
    TOKEN_SIZE,
    TOKENS,
    condition,
    decode,
    encode,
    light_vector,
    mean_light,
    paint_flat,
    painted,
    painting_target,
    part_codes,
)
from assets.providers.request import Guides, Identity, Light, PartLook, Request, SetPart

RED = PartLook(4, (0.5, 0.05, 0.05))
STEEL = PartLook(9, (0.4, 0.4, 0.4), metallic=1.0, roughness=0.3)


def two_parts(scale=1.0):
    """A picture whose left half is part 4, right half part 9, with an empty frame around."""
    parts = np.zeros((16, 16), np.int32)
    parts[4:12, 4:8], parts[4:12, 8:12] = 4, 9
    coverage = (parts > 0).astype(np.float32)
    guides = Guides.image(
        coverage=coverage,
        depth=coverage * 0.3 * scale,
        normals=coverage[..., None] * np.array([0, 0, -1], np.float32),
        parts=parts,
    )
    return Request(guides=guides, identity=Identity("guard", (RED, STEEL)), metres_per_px=0.02 * scale)


def test_encoding_loses_no_light():
    linear = np.array([-0.2, 0, 1e-4, 0.18, 1, 8, 60], np.float32)

    assert np.allclose(decode(encode(linear)), linear, rtol=1e-4, atol=1e-7)


def test_black_is_zero_and_white_is_one():
    assert np.allclose(encode(np.array([0.0, 1.0])), [0, 1])


def test_shapes_are_as_the_model_was_trained():
    shown = condition(two_parts())

    assert shown.channels.shape == (CHANNELS, 16, 16)
    assert shown.tokens.shape == (TOKENS, TOKEN_SIZE)
    assert shown.light.shape == (LIGHT_SIZE,)


def test_each_part_is_painted_in_its_own_colour():
    base = condition(two_parts()).base

    assert base[0, 6, 5] > 2 * base[1, 6, 5]
    assert np.allclose(base[0, 6, 9], base[1, 6, 9], atol=0.1)
    assert not base[:, 0, 0].any()


def test_depth_is_told_in_pixels_so_scale_plays_no_part():
    near, far = condition(two_parts(1.0)), condition(two_parts(4.0))

    assert np.allclose(near.channels, far.channels)


def test_surface_facing_the_sun_is_told():
    lit = condition(replace(two_parts(), light=Light(sun_direction=(0.0, 0.0, -1.0))))
    dark = condition(replace(two_parts(), light=Light(sun_direction=(0.0, 0.0, 1.0))))

    assert lit.channels[5, 6, 6] == 1
    assert dark.channels[5, 6, 6] == -1


def test_what_the_model_should_say_paints_the_truth():
    rng = np.random.default_rng(1)
    shown = condition(two_parts())
    alpha = shown.room * rng.uniform(0.3, 1, (16, 16)).astype(np.float32)
    truth = np.concatenate([rng.uniform(0, 3, (16, 16, 3)) * alpha[..., None], alpha[..., None]], -1).astype(np.float32)

    assert np.allclose(painted(shown, painting_target(shown, truth)), truth, rtol=1e-3, atol=1e-5)


def test_nothing_is_painted_where_nothing_is_covered():
    shown = condition(two_parts())

    picture = painted(shown, np.full((4, 16, 16), 3.0, np.float32))

    assert not picture[shown.room == 0].any()


def few(*names):
    request = two_parts()
    return replace(request, guides=request.guides.only(names))


def pose_alone():
    pose = np.zeros((16, 16, 3), np.float32)
    pose[3:12, 7:9] = 1, 0.3, 0
    return replace(two_parts(), guides=Guides.image(pose=pose))


def test_with_a_pose_map_alone_alpha_is_the_models_own():
    shown = condition(pose_alone())
    said = np.zeros((4, 16, 16), np.float32)
    said[3, 2:5] = 1

    alpha = painted(shown, said)[..., 3]

    assert np.allclose(alpha[2:5], 1)
    assert np.allclose(alpha[8:], 0.5)


def test_with_a_pose_map_alone_the_truth_can_still_be_said():
    alpha = np.random.default_rng(2).uniform(0, 1, (16, 16, 1)).astype(np.float32)
    truth = np.concatenate([alpha.repeat(3, -1) * 0.4, alpha], -1)
    shown = condition(pose_alone())

    assert np.allclose(painted(shown, painting_target(shown, truth))[..., 3], truth[..., 3], atol=1e-5)


def test_hidden_guides_are_empty():
    request = pose_alone()
    channels = condition(request).channels

    assert np.array_equal(channels[11:14], request.guides.given()["pose"][0].transpose(2, 0, 1))
    assert not np.delete(channels, (11, 12, 13), axis=0).any()


@pytest.mark.parametrize("names", [("depth",), ("parts",), ("normals",), ("depth", "normals", "parts")])
def test_without_coverage_the_outline_is_where_geometry_is_not_zero(names):
    assert np.array_equal(condition(few(*names)).room, condition(two_parts()).room)


def test_the_network_is_told_what_kind_of_outline_there_is():
    """Zeros are also what an empty picture looks like."""
    kinds = [condition(request).light[OUTLINE] for request in (two_parts(), few("depth"), pose_alone())]

    assert kinds == [1, 0.5, 0]


def test_without_parts_nothing_tells_where_a_colour_is():
    """The flat drawing is of one mean colour, and the looks say nothing of how much of the picture they fill."""
    shown = condition(few("depth", "coverage"))
    covered = shown.room > 0
    mean = encode(np.mean([RED.albedo, STEEL.albedo], axis=0) * mean_light(Light()))

    assert np.allclose(shown.base[:, covered], mean[:, None], atol=1e-5)
    assert not shown.base[:, ~covered].any()
    assert not shown.tokens[:, 10:12].any()


def test_the_palette_is_told_where_parts_are_not():
    all_told, hidden = condition(two_parts()).light[12:], condition(few("depth")).light[12:].reshape(-1, 4)

    assert not all_told.any()
    assert np.flatnonzero(hidden[:, 3]).tolist() == [RED.part, STEEL.part]
    assert np.allclose(hidden[RED.part, :3], encode(np.array(RED.albedo)))


def test_set_parts_that_the_model_never_saw_are_told_by_codes_that_it_knows_in_their_own_colour():
    """A code of its own would be noise to the network; its colour is told by the albedo channels, not by the code."""
    known = part_codes(np.arange(SetPart.WALL, SetPart.GROUND + 1))
    for part in (SetPart.CLOTH, SetPart.PLASTER, SetPart.ROCK, SetPart.LEAF):
        assert np.abs(known - part_codes(np.array(part))).sum(axis=1).min() == 0

    flat = paint_flat(np.full((2, 2), SetPart.LEAF), set_identity("stone", [SetPart.LEAF]))[0]

    np.testing.assert_allclose(flat[0, 0], (0.10, 0.12, 0.048), rtol=1e-5)


def test_a_set_without_a_part_map_is_told_by_a_palette_that_holds_every_part():
    guides = Guides.image(depth=np.ones((4, 4)))

    vector = light_vector(Request(guides, set_identity("stone", SetPart), 0.1))

    assert vector.shape == (LIGHT_SIZE,)
    wall = vector[12:].reshape(-1, 4)[SetPart.WALL]
    np.testing.assert_allclose(wall, [*encode(np.array((0.33, 0.285, 0.225))), 1], rtol=1e-5)
