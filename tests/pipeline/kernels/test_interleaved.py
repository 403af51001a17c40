"""Pixels to planes and back, eight at a time and what is left over: every width, both kinds of value."""

import numpy as np
import pytest

from pipeline.kernels import comprows


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.uint16])
def test_planes_are_the_pixels_turned(channels, dtype):
    for count in (1, 7, 8, 9, 16, 29):
        pixels = np.random.default_rng(count).integers(0, 60000, (count, channels)).astype(dtype)
        planes, back = np.zeros((channels, count), dtype), np.zeros_like(pixels)

        comprows.load_pixels(pixels, planes)
        comprows.store_pixels(planes, back)

        np.testing.assert_array_equal(planes, pixels.T)
        np.testing.assert_array_equal(back, pixels)


def test_a_part_of_a_row_leaves_the_rest():
    picture = np.random.default_rng(1).random((3, 40, 4), dtype=np.float32)
    before, planes = picture.copy(), np.zeros((4, 19), np.float32)

    comprows.store_pixels(planes, picture[1, 5:24])

    assert (picture[1, 5:24] == 0).all()
    picture[1, 5:24] = before[1, 5:24]
    np.testing.assert_array_equal(picture, before)
