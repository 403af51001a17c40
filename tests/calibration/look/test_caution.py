"""A sure grade is laid on wholly, a doubtful one in part, and no seed of chance moves it."""

import numpy as np

from calibration.look.caution import HARM, strength
from calibration.look.likeliest import USUAL, Found
from calibration.look.tonestats import Tones

GRADE = Tones(exposure_ev=0.5, red=0.1, blue=-0.15, contrast_ev=0.1)
LAYER = 0.18 * np.exp(np.random.default_rng(3).normal(-0.3, 0.6, (400, 3)))


def found(doubt, tones=GRADE):
    return Found(tones, np.diag((doubt * USUAL) ** 2), 0.0)


def strength_of(*doubts):
    return [strength(LAYER, [found(doubt)], np.ones(1)) for doubt in doubts]


def test_a_sure_grade_counts_wholly_and_less_the_more_doubt_there_is():
    sure, doubtful, guessed = strength_of(0.02, 0.7, 1.5)

    assert sure == 1
    assert sure > doubtful > guessed


def test_hypotheses_that_contradict_each_other_hold_back():
    against = Tones.of(-0.8 * GRADE.values())

    together = strength(LAYER, [found(0.1), found(0.1, against)], np.array([0.65, 0.35]))

    assert together < 0.6 < strength(LAYER, [found(0.1), found(0.1)], np.array([0.65, 0.35]))


def test_it_costs_least_where_harm_counts_more():
    """A slow twin: many draws of the truth, each in its turn held against each strength, in linear light's cube root."""
    rng = np.random.default_rng(9)
    truths = GRADE.values() + rng.normal(0, 0.7 * USUAL, (1500, 6))
    shown = LAYER[::20]

    def seen(values):
        return 116 * np.cbrt(np.clip(Tones.of(values).applied(shown), 0, 1))

    laid_on = {s: seen(s * GRADE.values()) for s in (0.35, 0.5, 0.65, 0.8, 1.0)}
    loss = dict.fromkeys(laid_on, 0.0)
    for truth in truths:
        there = seen(truth)
        none = np.abs(seen(np.zeros(6)) - there).mean()
        for s, picture in laid_on.items():
            off = np.abs(picture - there).mean()
            loss[s] += off + HARM * max(off - none, 0)

    assert abs(strength_of(0.7)[0] - min(loss, key=loss.__getitem__)) <= 0.2
