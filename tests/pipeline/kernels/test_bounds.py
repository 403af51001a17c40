"""Where something is in a picture: everything is held, nothing more than the margin."""

from __future__ import annotations

import numpy as np

from pipeline.kernels.bounds import around, nothing


def test_all_of_it_is_held_with_its_margin() -> None:
    there = np.zeros((20, 30), bool)
    there[4, 7] = there[9, 21] = True

    assert around(there) == (slice(4, 10), slice(7, 22))
    assert around(there, 3) == (slice(1, 13), slice(4, 25))


def test_the_margin_ends_with_the_picture() -> None:
    there = np.zeros((5, 6), bool)
    there[0, 5] = True

    assert around(there, 9) == (slice(0, 5), slice(0, 6))


def test_nothing_is_an_empty_window() -> None:
    window = around(np.zeros((5, 6), bool), 9)

    assert nothing(window)
    assert np.ones((5, 6))[window].size == 0
    assert not nothing(around(np.ones((1, 1), bool)))
