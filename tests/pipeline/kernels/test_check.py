"""Wrong arrays are refused before compiled code sees them; broken values are found."""

import numpy as np
import pytest

from pipeline.kernels import check


def test_same_rgba_returns_the_size():
    image = np.zeros((3, 5, 4), np.float32)

    assert check.same_rgba(a=image, b=image.copy()) == (3, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((3, 5, 3), np.float32),
        np.zeros((3, 6, 4), np.float32),
        np.zeros((3, 5, 4), np.float64),
        np.zeros((3, 10, 4), np.float32)[:, ::2],
    ],
)
def test_same_rgba_names_the_wrong_array(wrong):
    good = np.zeros((3, 5, 4), np.float32)

    with pytest.raises(ValueError, match="back is"):
        check.same_rgba(front=good, back=wrong)


def test_shaped_takes_planes():
    check.shaped((2, 3), plane=np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="plane is"):
        check.shaped((2, 3), plane=np.zeros((3, 2), np.float32))


def test_broken_values_are_counted_and_placed():
    image = np.ones((4, 7, 3), np.float32)
    image[2, 5, 1] = np.nan
    image[3, 0, 2] = np.inf

    assert check.count_broken(image) == 2
    assert check.first_broken(image) == (5, 2)
    with pytest.raises(ValueError, match="no pixel"):
        check.first_broken(np.ones((2, 2), np.float32))
