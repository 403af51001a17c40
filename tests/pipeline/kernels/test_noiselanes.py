"""Noise filtered four rows of 32 pixels at a time: its slow twin, and the same bits as one row after the other."""

import numpy as np
import pytest
from numba import njit

from pipeline.kernels.grain import Grain, noise
from pipeline.kernels.noiselanes import COLUMNS, ROWS, TAPS, WIDE_TAPS, filter_lanes


@njit
def compiled(white, kernel, j, x, c, made):
    if kernel.shape[0] == TAPS:
        filter_lanes(white, kernel, j, x, c, made, TAPS)
    else:
        filter_lanes(white, kernel, j, x, c, made, WIDE_TAPS)


@pytest.mark.parametrize("side", [TAPS, WIDE_TAPS])
def test_lanes_are_their_slow_twin_and_touch_nothing_else(side):
    random = np.random.default_rng(1)
    white = random.normal(size=(19, 60)).astype(np.float32)
    kernel = random.normal(size=(side, side)).astype(np.float32)
    made = random.normal(size=(ROWS, 3, 45)).astype(np.float32)
    wanted = made.astype(np.float64)

    compiled(white, kernel, 5, 7, 1, made)

    filter_lanes(white.astype(np.float64), kernel.astype(np.float64), 5, 7, 1, wanted, side)
    np.testing.assert_allclose(made, wanted, atol=2e-5)
    assert np.abs(made[:, 1, 7 : 7 + COLUMNS]).std() > 3
    untouched = np.ones(made.shape, bool)
    untouched[:, 1, 7 : 7 + COLUMNS] = False
    np.testing.assert_array_equal(made[untouched], wanted[untouched].astype(np.float32))


@pytest.mark.parametrize("side", [TAPS, WIDE_TAPS])
@pytest.mark.parametrize("white_share", [0.0, 0.2])
def test_rows_one_by_one_and_columns_beside_the_lanes_have_the_same_bits(white_share, side):
    random = np.random.default_rng(2)
    kernels = random.normal(size=(3, side, side))
    kernels = (kernels / np.linalg.norm(kernels, axis=(1, 2), keepdims=True)).astype(np.float32)
    ends, flat = np.float32([[0, 1]] * 3), np.ones((3, 2), np.float32)
    grain = Grain(ends, flat, kernels, np.eye(3, dtype=np.float32), white_share=np.full(3, white_share, np.float32))
    whole = noise(40, 3 * COLUMNS, grain, 1, 1001)

    for top, left, height, width in ((0, 0, 3, 96), (5, 3, 2, 31), (8, 40, 1, 56), (33, 1, 7, 33)):
        part = noise(height, width, grain, 1, 1001, (left, top))

        np.testing.assert_array_equal(part, whole[top : top + height, left : left + width])
