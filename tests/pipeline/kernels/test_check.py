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


def test_bits_are_compared_where_asked_and_broken_values_are_counted_everywhere() -> None:
    one = np.random.default_rng(5).random((6, 9, 3)).astype(np.float16)
    other, where = one.copy(), np.ones((6, 9), bool)
    where[0] = False
    other[0, 1], other[3, 4, 1] = 9, one[3, 4, 1] + np.float16(0.25)
    one[0, 2] = other[0, 2] = (np.nan, np.inf, 1)

    differ, most, broken = check.compared(one, other, where)

    assert (differ, broken) == (1, 2)
    assert most == pytest.approx(0.25, abs=1e-3)
    assert check.compared(one, one, where) == (0, 0.0, 2)
    zeros = np.zeros((1, 1, 1), np.float16)
    assert check.compared(zeros, -zeros, np.ones((1, 1), bool))[0] == 1, "minus zero is another pixel"
