"""Planes become pixels: the values of NumPy's stack, for halves and floats, whatever their layout."""

import numpy as np
import pytest

from pipeline.kernels.planes import to_pixels


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", [(1, 1), (5, 29), (70, 16)])
def test_pixels_are_the_planes_stacked(channels, size):
    planes = np.random.default_rng(1).normal(0, 100, (channels, *size)).astype(np.float16)
    planes[0, 0, 0], planes[1, -1, -1] = np.nan, np.inf

    np.testing.assert_array_equal(to_pixels(list(planes)), np.stack(planes, axis=2).astype(np.float32))
    floats = [planes[0].astype(np.float32) * np.float32(1.001), *planes[1:]]
    np.testing.assert_array_equal(to_pixels(floats), np.stack(floats, axis=2))


def test_planes_of_any_layout_are_read():
    planes = np.random.default_rng(2).random((9, 14, 3)).astype(np.float16)

    made = to_pixels([planes[..., c] for c in range(3)])

    np.testing.assert_array_equal(made, planes.astype(np.float32))


def test_others_are_refused():
    plane = np.zeros((3, 4), np.float16)
    with pytest.raises(ValueError, match="three or four"):
        to_pixels([plane, plane])
    with pytest.raises(ValueError, match="one size"):
        to_pixels([plane, plane, plane[:2]])
