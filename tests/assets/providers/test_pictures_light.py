"""Light comes back from the pictures of models for displays."""

import numpy as np
import pytest

from assets.providers.pictures import KNEE, MAX_LIGHT, _encoded, _gain, recovered, scene_linear, shown
from assets.providers.request import Light
from pipeline.io.color import from_acescg, to_display_8bit
from pipeline.kernels.color import LUMINANCE
from tests.assets.providers.pictured import PLAIN, everywhere, greys

DISPLAY = "sRGB Encoded Rec.709 (sRGB)"


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

    assert np.allclose(scene_linear(_encoded(linear, _gain(light)), light), linear, rtol=1e-3, atol=1e-5)


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
