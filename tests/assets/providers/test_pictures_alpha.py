"""Alpha and edges of the pictures that models for displays answer."""

import numpy as np
import pytest

from assets.providers.pictures import recovered, scene_linear
from pipeline.errors import ProviderError
from tests.assets.providers.pictured import PLAIN, disc, everywhere, greys, request_of


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
