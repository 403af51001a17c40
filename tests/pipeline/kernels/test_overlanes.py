"""Sixteen pixels of a layer over a picture in registers: the bits of the slow twin, in any part of a row."""

import numpy as np
import pytest

from pipeline.kernels import fused
from pipeline.kernels.overlanes import SIXTEEN, over_sixteen


def row(pixels, seed=1):
    """Layer with holes, beyond opaque here and there; picture; kept."""
    random = np.random.default_rng(seed)
    layer = random.normal(0.4, 0.6, (pixels, 4)).astype(np.float32)
    layer[random.random(pixels) < 0.4] = 0
    return (
        layer,
        random.random((pixels, 3), np.float32),
        fused.held(np.minimum(2 * random.random(pixels, np.float32), 1)),
    )


def laid(layer, picture, kept):
    picture, kept = picture[None].copy(), kept[None].copy()
    fused.lay_over(np.ascontiguousarray(layer[None]), picture, kept)
    return picture[0], kept[0]


@pytest.mark.parametrize("pixels", [1, 15, 16, 17, 31, 32, 61])
def test_every_width_is_the_slow_twin_to_the_bit(pixels):
    layer, picture, kept = row(pixels, pixels)
    made = laid(layer, picture, kept)

    padded = [
        np.concatenate([a, np.zeros((-pixels % SIXTEEN, *a.shape[1:]), a.dtype)])
        for a in (layer, picture, kept.view(np.uint16))
    ]
    for x in range(0, pixels, SIXTEEN):
        over_sixteen(*padded, x)

    np.testing.assert_array_equal(made[0], padded[1][:pixels])
    np.testing.assert_array_equal(made[1], padded[2][:pixels].view(np.float16))


@pytest.mark.parametrize("at", [(3, 0), (15, 2), (7, 3)])
def test_a_lone_nan_reaches_its_own_pixel_alone(at):
    layer, picture, kept = np.zeros((16, 4), np.float32), *row(16)[1:]
    layer[at] = np.nan

    made, left = laid(layer, picture, kept)

    broken = np.zeros((16, 3), bool)
    broken[at[0], slice(None) if at[1] == 3 else at[1]] = True
    np.testing.assert_array_equal(np.isnan(made), broken)
    np.testing.assert_array_equal(made[~broken], picture[~broken])
    assert np.isnan(left[at[0]]) == (at[1] == 3)


def test_minus_zero_is_nothing():
    layer, (_, picture, kept) = np.full((32, 4), -0.0, np.float32), row(32)
    picture[::5] = -0.0

    made, left = laid(layer, picture, kept)

    np.testing.assert_array_equal(made.view(np.uint32), picture.view(np.uint32))
    np.testing.assert_array_equal(left, kept)


def test_what_is_hardly_covered_never_counts_as_untouched():
    layer, picture = np.zeros((61, 4), np.float32), np.ones((61, 3), np.float32)
    layer[::2, 3] = 1e-5
    kept = np.ones(61, np.float16)
    kept[1], kept[2] = np.nan, 0.25

    _, left = laid(layer, picture, kept)

    assert (left[4::2] == np.float16(1 - 2**-11)).all()
    assert (left[3::2] == 1).all()
    assert np.isnan(left[1])
    assert left[2] == 0.25


def test_a_share_held_as_half_keeps_what_is_below_one_below():
    shares = np.float32([0, 1e-9, 0.3, 0.99949, 0.99999, 1, 1.5, np.nan])

    held = fused.held(shares)

    assert held.dtype == np.float16
    np.testing.assert_array_equal(held < 1, shares < 1)
    np.testing.assert_allclose(held.astype(np.float32), shares, rtol=2**-11, atol=2**-25)
