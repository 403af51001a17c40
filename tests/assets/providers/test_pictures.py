"""What models for displays are shown, and how their answers come back as light and alpha."""

from dataclasses import replace

import numpy as np
import pytest

from assets.providers.pictures import (
    FAR_GREY,
    KNEE,
    MAX_LIGHT,
    display_encoded,
    recovered,
    scene_linear,
    shown,
    shown_reference,
)
from assets.providers.request import Guides, Identity, Light, PartLook, Request
from pipeline.errors import ProviderError, ProviderNonsense
from pipeline.io.color import from_acescg, to_display_8bit
from pipeline.kernels.color import LUMINANCE

PLAIN = Light(sun_rgb=(0.75, 0.75, 0.75), sky_rgb=(0.25, 0.25, 0.25))  # a grey card in the sun is 0.18
GUARD = Identity("guard", (PartLook(4, (0.3, 0.2, 0.1)),))
DISPLAY = "sRGB Encoded Rec.709 (sRGB)"


def request_of(light=PLAIN, metres_per_px=0.02, **guides):
    return Request(Guides.image(**guides), GUARD, metres_per_px, light)


def everywhere(height=8, width=8, **settings):
    """A request whose outline is the whole picture."""
    return request_of(coverage=np.ones((height, width)), **settings)


def greys(levels):
    return np.repeat(np.asarray(levels, np.float32).reshape(1, -1, 1), 3, axis=2)


def disc(size=48, radius=14, soft_px=0.7):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.clip((radius - np.hypot(x, y)) / soft_px + 0.5, 0, 1).astype(np.float32)


# ---------------------------------------------------------------- what is shown


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


# ---------------------------------------------------------------- light


def test_light_shown_on_a_display_comes_back():
    """Patches of ACEScg through OpenColorIO's display encoding and 8 bits: below the knee within half a code."""
    patches = np.random.default_rng(2).uniform(0.02, KNEE * 0.95, (16, 16, 1)) * np.array([1.0, 0.9, 0.8])
    codes = np.round(np.clip(from_acescg(patches, DISPLAY), 0, 1) * 255).astype(np.uint8)

    back = recovered(everywhere(16, 16), 0, codes)

    assert np.allclose(back[..., :3], patches, rtol=0.02, atol=0.002)


def test_init_comes_back_when_a_model_returns_what_it_was_shown():
    """Colours, and highlights of the light's own colour: within a code of the 8 bits."""
    rng, light = np.random.default_rng(3), Light()
    init = np.ones((16, 16, 4), np.float32)
    init[:8, :, :3] = rng.uniform(0.05, 0.6, (8, 16, 1)) * rng.uniform(0.5, 1, (8, 16, 3))
    init[8:, :, :3] = np.exp2(rng.uniform(-3, 2.5, (8, 16, 1))) * np.add(light.sun_rgb, light.sky_rgb)
    request = everywhere(16, 16, light=light, init=init)

    back = recovered(request, 0, shown(request)["init"])

    assert np.abs(back / init - 1)[:8].max() < 0.03
    assert np.abs(back / init - 1)[8:].max() < 0.06


def test_the_curve_and_its_inverse_agree():
    light = Light()
    linear = np.random.default_rng(4).uniform(0, 5, (1, 999, 1)) * np.array([1.0, 0.9, 0.7])

    assert np.allclose(scene_linear(display_encoded(linear, light), light), linear, rtol=1e-3, atol=1e-5)


def test_white_is_the_stated_maximum_and_black_is_black():
    white = recovered(everywhere(), 0, np.full((8, 8, 3), 255, np.uint8))
    black = recovered(everywhere(), 0, np.zeros((8, 8, 3), np.uint8))

    assert np.allclose(white[..., :3], MAX_LIGHT, rtol=1e-3)
    assert not black[..., :3].any()


def test_a_picture_of_a_grey_card_is_a_grey_card_in_the_plates_sun():
    dim = Light(sun_rgb=(0.2, 0.15, 0.1), sky_rgb=(0.05, 0.06, 0.08))

    back = recovered(everywhere(light=dim), 0, np.full((8, 8, 3), 118, np.uint8))

    assert np.allclose(back[4, 4, :3], 0.18 * np.add(dim.sun_rgb, dim.sky_rgb), rtol=0.01)


def test_every_code_is_brighter_than_the_one_before():
    for kind, top in ((np.uint8, 255), (np.uint16, 65535)):
        ramp = greys(np.arange(top + 1)).astype(kind)
        light = recovered(everywhere(1, top + 1), 0, ramp)[0, :, 0]

        assert (np.diff(light) > 0).all()


def test_each_channel_rises_whatever_the_others_are():
    axis = np.linspace(0, 1, 9, dtype=np.float32)
    cube = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    light = scene_linear(cube.reshape(1, -1, 3), PLAIN).reshape(cube.shape)

    assert all((np.diff(light[..., c], axis=c) > 0).all() for c in range(3))


def test_nothing_is_clamped_beyond_white_and_black():
    light = scene_linear(greys([-0.1, -0.05, 1.0, 1.02, 1.2]), PLAIN)[0, :, 1]

    assert (np.diff(light) > 0).all()
    assert light[0] < 0
    assert light[-1] > MAX_LIGHT


def test_eight_bits_do_not_band():
    """Shown again through the show's view, neighbouring codes lie at most three codes apart; in light, less than a tenth."""
    light = scene_linear(greys(np.arange(256) / 255), PLAIN)

    steps = np.diff(to_display_8bit(light)[0, :, 1].astype(int))
    ratios = np.diff(light[0, 128:, 1]) / light[0, 129:, 1]

    assert steps.max() <= 3
    assert ratios.max() < 0.1


def test_red_cloth_stays_cloth_where_a_white_glint_becomes_a_lamp():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:, :4], picture[:, 4:] = (255, 30, 30), 255

    luminance = recovered(everywhere(), 0, picture)[..., :3] @ LUMINANCE

    assert luminance[0, 0] < 0.5
    assert luminance[0, 7] == pytest.approx(MAX_LIGHT, rel=1e-3)


# ---------------------------------------------------------------- alpha and edges


def test_alpha_is_the_guides_coverage_times_the_models():
    coverage = np.zeros((8, 8))
    coverage[2:6] = 0.8
    picture = np.full((8, 8, 4), 128, np.uint8)

    alpha = recovered(request_of(coverage=coverage), 0, picture)[..., 3]

    assert np.allclose(alpha, coverage * 128 / 255)


def test_colours_are_premultiplied():
    back = recovered(request_of(coverage=np.full((8, 8), 0.25)), 0, np.full((8, 8, 3), 118, np.uint8))

    assert np.allclose(back[..., 0] / back[..., 3], 0.18, rtol=0.02)


def test_an_outline_of_stairs_is_smoothed_inwards():
    depth = (disc() > 0.5) * 0.3

    alpha = recovered(request_of(depth=depth), 0, np.full((48, 48, 3), 90, np.uint8))[..., 3]

    assert not alpha[depth == 0].any()
    assert ((alpha > 0.05) & (alpha < 0.95)).sum() > 40
    assert alpha[24, 24] == 1


def halo(figure, background, edge_px):
    """Largest error at the edge, over grey and per figure's own brightness, of a figure painted on a background.

    edge_px: how much smaller the model painted it than its guides say."""
    coverage, painted = disc(), disc(radius=14 - edge_px)[..., None]
    picture = painted * figure + (1 - painted) * background
    codes = np.round(np.broadcast_to(picture, (48, 48, 3)) * 255).astype(np.uint8)
    back = recovered(request_of(coverage=coverage), 0, codes)
    truth = scene_linear(greys([figure]), PLAIN)[0, 0, 0]
    over = back[..., 0] + (1 - back[..., 3]) * 0.18
    wanted = coverage * truth + (1 - coverage) * 0.18
    return np.abs(over - wanted).max() / max(truth, 0.18)


@pytest.mark.parametrize("edge_px", [0.0, 1.0])
@pytest.mark.parametrize(("figure", "background"), [(0.9, 0.0), (0.1, 1.0), (0.5, 1.0)])
def test_the_models_background_leaves_no_halo(figure, background, edge_px):
    assert halo(figure, background, edge_px) < 0.02


def test_a_spear_keeps_its_own_colour():
    """It has no inside: it must not take the colour of a hand far away."""
    coverage = np.zeros((40, 40))
    coverage[:, 20], coverage[30:, 5:35] = 1, 1
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, 20], picture[30:, 5:35] = (150, 110, 70), (200, 30, 30)

    straight = recovered(request_of(coverage=coverage), 0, picture)[5, 20, :3]

    assert straight[1] > 0.3 * straight[0]


@pytest.mark.parametrize("background", [0.0, 0.5, 1.0])
def test_with_a_pose_map_alone_a_flat_background_is_cut_away(background):
    coverage, figure = disc()[..., None], np.array([0.7, 0.3, 0.2])
    picture = coverage * figure + (1 - coverage) * background

    alpha = recovered(request_of(pose=np.zeros((48, 48, 3))), 0, picture.astype(np.float32))[..., 3]

    assert np.abs(alpha - coverage[..., 0]).max() < 0.1


def test_what_the_figure_encloses_is_figure_whatever_its_colour():
    """A white shirt before a white wall."""
    picture = np.ones((48, 48, 3), np.float32)
    picture[disc() > 0.5] = 0.3
    picture[20:28, 20:28] = 1.0

    assert recovered(request_of(pose=np.zeros((48, 48, 3))), 0, picture)[24, 24, 3] == 1


def test_with_a_pose_map_alone_the_models_alpha_is_taken():
    alpha = disc()
    picture = np.concatenate([np.random.default_rng(5).uniform(0, 1, (48, 48, 3)), alpha[..., None]], -1)

    back = recovered(request_of(pose=np.zeros((48, 48, 3))), 0, picture.astype(np.float32))

    assert np.array_equal(back[..., 3], alpha)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_figure_that_nothing_outlines_is_refused(channels):
    """A busy background, and an alpha that is opaque everywhere."""
    picture = np.random.default_rng(6).uniform(0, 1, (32, 32, channels)).astype(np.float32)
    if channels == 4:
        picture[..., 3] = 1

    with pytest.raises(ProviderError, match="Add coverage or depth to the guides"):
        recovered(request_of(pose=np.zeros((32, 32, 3))), 0, picture)


def test_what_the_mask_keeps_is_init_bit_for_bit():
    init = np.random.default_rng(7).uniform(0, 9, (8, 8, 4)).astype(np.float32)
    mask = np.zeros((8, 8))
    mask[:, 5:], mask[:, 4] = 1, 0.5
    picture = np.full((8, 8, 3), 118, np.uint8)

    back = recovered(everywhere(init=init, mask=mask), 0, picture)

    assert np.array_equal(back[:, :4], init[:, :4])
    assert np.allclose(back[:, 6, :3], 0.18, rtol=0.01)
    assert np.allclose(back[:, 4], (init[:, 4] + back[:, 6]) / 2, rtol=1e-5)


# ---------------------------------------------------------------- what cannot be used


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
