"""Layers behind people's edges: exact where the colours are known, bits elsewhere, and the file gives back what went in."""

import numpy as np
import pytest

from calibration.mattes.pulled import Pulled, light_of, read_pulled
from pipeline.kernels import fused
from pipeline.kernels.color import LUMINANCE

WHITE = np.ones(3, np.float32)


def scene(seed=1, size=(12, 20)):
    """alpha, front (H, W, 3) not multiplied, back (H, W, 3), and two layers (H, W, 4) that lie behind the front."""
    random = np.random.default_rng(seed)
    x = np.arange(size[1], dtype=np.float32)
    alpha = np.ascontiguousarray(np.broadcast_to(np.clip((x - 5) / 9, 0, 1), size))
    front, back = random.random((2, *size, 3)).astype(np.float32)
    layers = random.random((2, *size, 4)).astype(np.float32)
    layers[..., :3] *= layers[..., 3:]
    return alpha, front, back, layers


def test_two_layers_lie_behind_a_soft_edge_as_if_it_were_cut_out_by_hand():
    alpha, front, back, layers = scene()
    share = alpha[..., None]
    pulled = Pulled(alpha, share * front)
    picture = np.ascontiguousarray(share * front + (1 - share) * back)

    for layer in layers:
        picture = pulled.before(picture, layer[..., 3], np.ones(alpha.shape, np.float16), WHITE)
        held = np.ascontiguousarray(layer * (1 - share))
        fused.lay_over(held, picture, np.ones(alpha.shape, np.float16))

    behind = back
    for layer in layers:
        behind = layer[..., :3] + (1 - layer[..., 3:]) * behind
    np.testing.assert_allclose(picture, share * front + (1 - share) * behind, atol=2e-3)


def test_pixels_without_a_layer_or_without_an_edge_keep_their_bits():
    alpha, front, back, layers = scene()
    pulled = Pulled(alpha, alpha[..., None] * front)
    covered = layers[0, ..., 3].copy()
    covered[:6] = 0

    out = pulled.before(back, covered, np.ones(alpha.shape, np.float16), WHITE)

    untouched = (covered == 0) | (alpha == 0) | (alpha == 1)
    np.testing.assert_array_equal(out[untouched], back[untouched])
    assert (out[~untouched] != back[~untouched]).any()


def test_a_layer_before_people_leaves_them_as_they_are():
    alpha, front, back, layers = scene()
    pulled = Pulled(alpha, alpha[..., None] * front)

    np.testing.assert_array_equal(pulled.before(back, layers[0, ..., 3], np.zeros_like(alpha), WHITE), back)


def test_a_screens_light_is_replaced_by_the_surroundings():
    alpha, front, back, _ = scene()
    share = alpha[..., None]
    returned = np.where(alpha > 0.9, np.float32(0.1), np.float32(0))
    pulled = Pulled(alpha, share * front, (1 - share) * back, returned, 1 - alpha)
    plate = share * (front + 0.3) + (1 - share) * back
    warm = np.float32([1.5, 0.9, 0.4])

    out = pulled.despill(plate, warm)

    solid = alpha == 1
    np.testing.assert_allclose(out[solid], front[solid] + 0.1 * warm, atol=1e-6)
    np.testing.assert_array_equal(out[alpha == 0], plate[alpha == 0])


@pytest.mark.parametrize("keyed", [False, True])
def test_the_file_gives_back_what_went_in(keyed):
    alpha, front, back, _ = scene()
    more = ((1 - alpha[..., None]) * back, 0.1 * alpha, 1 - alpha) if keyed else ()
    pulled = Pulled(alpha, alpha[..., None] * front, *more)

    again = read_pulled(pulled.channels())

    assert again.keyed == keyed
    for name in ("alpha", "front", "behind", "returned", "screen"):
        np.testing.assert_allclose(getattr(again, name), getattr(pulled, name), atol=1e-3)


def test_a_matte_alone_has_no_colours():
    assert read_pulled({"A": np.zeros((3, 4), np.float16)}) is None


def test_surroundings_have_luminance_one_and_no_layer_is_white():
    _, _, _, layers = scene()

    assert float(light_of(list(layers)) @ LUMINANCE) == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(light_of([]), 1)
