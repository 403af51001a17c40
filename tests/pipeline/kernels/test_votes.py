"""Which depth others speak for: by hand, and points dropped into a picture against one by one."""

import numpy as np
import pytest

from pipeline.kernels.votes import SURE, UNSURE, elect, nearest_points

NAN = np.nan


def elected(said, sure, alike=None):
    """Depths in metres that voters say of one pixel: metres and how."""
    inverse = (1 / np.array(said, np.float32))[:, None, None]
    sure = np.array(sure, bool)[:, None, None]
    alike = np.ones_like(sure) if alike is None else np.array(alike, bool)[:, None, None]
    found, how = elect(inverse, sure, alike, 0.05)
    return 1 / found[0, 0], how[0, 0]


def test_the_nearest_that_sure_ones_agree_on_stands():
    depth, how = elected([10, 10.1, 40, 40, 40.5, 41], [1] * 6)

    assert how == SURE
    assert depth == pytest.approx(10.05, rel=1e-3)


@pytest.mark.parametrize(
    ("said", "sure", "metres"),
    [
        ([10, 40, 40, 41], [1, 1, 1, 1], 40.3),  # one alone may err
        ([10, 10, 40, 40, 40, 40, 40, 40, 40], [1] * 9, 40),  # two of nine, too
        ([10, 10, 10, 40, 40], [0, 0, 0, 1, 1], 40),  # who is sure goes before who is not
    ],
)
def test_few_do_not_outvote_many_and_unsure_ones_not_sure_ones(said, sure, metres):
    depth, how = elected(said, sure)

    assert how == SURE
    assert depth == pytest.approx(metres, rel=2e-3)


def test_what_shows_another_colour_has_no_vote():
    assert elected([10, 10, 40, 40], [1] * 4, [0, 0, 1, 1]) == (pytest.approx(40), SURE)


def test_most_of_the_unsure_decide_where_nobody_is_sure():
    assert elected([10, 10, 10, 25, 40], [0] * 5) == (pytest.approx(10), UNSURE)


@pytest.mark.parametrize("said", [[10, 20, 40, 80], [10, 10, 40, NAN], [NAN] * 4])
def test_nobody_agrees_then_nobody_says(said):
    depth, how = elected(said, [0] * 4)

    assert np.isnan(depth)
    assert how == 0


def test_points_cover_four_pixels_and_the_nearest_wins():
    random = np.random.default_rng(1)
    pixels = random.uniform(-3, 14, (60, 2)).astype(np.float32)
    pixels[5] = NAN
    inverse = random.uniform(0.1, 1, 60).astype(np.float32)

    found = nearest_points(pixels, inverse, 9, 11)

    for y in range(9):
        for x in range(11):
            over = np.flatnonzero(
                (np.floor(pixels - 0.5) <= [x, y]).all(1) & (np.floor(pixels - 0.5) >= [x - 1, y - 1]).all(1)
            )
            wanted = over[np.argmax(inverse[over])] if len(over) else -1
            assert found[y, x] == wanted


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        nearest_points(np.zeros((3, 2)), np.zeros(4), 5, 5)
    with pytest.raises(ValueError, match="do not fit"):
        elect(np.zeros((2, 3, 3), np.float32), np.zeros((2, 3, 3), bool), np.zeros((2, 3, 4), bool), 0.1)
