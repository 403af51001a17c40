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
    return layer, random.random((pixels, 3), np.float32), random.random(pixels, np.float32)


def laid(layer, picture, kept):
    picture, kept = picture[None].copy(), kept[None].copy()
    fused.lay_over(np.ascontiguousarray(layer[None]), picture, kept)
    return picture[0], kept[0]


@pytest.mark.parametrize("pixels", [1, 15, 16, 17, 31, 32, 61])
def test_every_width_is_the_slow_twin_to_the_bit(pixels):
    layer, picture, kept = row(pixels, pixels)
    made = laid(layer, picture, kept)

    padded = [
        np.concatenate([a, np.zeros((-pixels % SIXTEEN, *a.shape[1:]), np.float32)]) for a in (layer, picture, kept)
    ]
    for x in range(0, pixels, SIXTEEN):
        over_sixteen(*padded, x)

    np.testing.assert_array_equal(made[0], padded[1][:pixels])
    np.testing.assert_array_equal(made[1], padded[2][:pixels])


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
