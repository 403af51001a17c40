"""The colours at soft edges, solved from picture and alpha."""

import numpy as np
import pytest

from calibration.mattes.foreground import separate
from tests.matted import Person

SMALL = {"width": 200, "height": 150, "strands": 100, "spill": 0.0}


@pytest.mark.parametrize("behind", ["green", "natural"])
def test_people_keep_their_own_colour_at_hair_and_smeared_arms(behind):
    truth = Person(behind, **SMALL).render(4)

    front, back = separate(truth.picture, truth.alpha)

    edge = (truth.alpha > 0.05) & (truth.alpha < 0.95)
    share = truth.alpha[..., None]
    error, before = (np.abs(share * (c - truth.foreground))[edge].mean() for c in (front, truth.picture))
    assert error < 0.15 * before
    mixed = share * front + (1 - share) * back
    assert np.abs(mixed - truth.picture)[edge].mean() < 0.006


def test_a_known_background_makes_it_better():
    truth = Person("natural", **SMALL).render(4)
    edge = (truth.alpha > 0.05) & (truth.alpha < 0.95)

    known, unknown = (separate(truth.picture, truth.alpha, b)[0] for b in (truth.back, None))

    error, before = (np.abs(truth.alpha[..., None] * (f - truth.foreground))[edge].mean() for f in (known, unknown))
    assert error < 0.95 * before


def test_solid_and_empty_pixels_keep_their_bits():
    truth = Person("natural", **SMALL).render(4)

    front, back = separate(truth.picture, truth.alpha)

    np.testing.assert_array_equal(front[truth.alpha == 1], truth.picture[truth.alpha == 1])
    np.testing.assert_array_equal(back[truth.alpha == 0], truth.picture[truth.alpha == 0])


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_nobody_and_nothing_else_are_no_trouble(level):
    picture = np.random.default_rng(1).random((17, 9, 3), np.float32)

    front, back = separate(picture, np.full((17, 9), level, np.float32))

    assert np.isfinite(front).all()
    assert np.isfinite(back).all()
