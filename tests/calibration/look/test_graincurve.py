"""The size of grain over level is found from blocks of which some are textured, in the few dark ones too."""

import numpy as np
import pytest

from calibration.look.graincurve import sigma_curve

FREEDOM = 60  # of a block of coarse grain
LAWS = {
    "film": lambda s: 0.0012 + 0.055 * s**0.85 * np.exp(-0.6 * s),
    "sensor": lambda s: np.sqrt(0.0022**2 + 0.0006 * s),
    "photons": lambda s: np.sqrt(0.0006 * s),
}


def blocks(law, count=9000):
    random = np.random.default_rng(4)
    level = np.minimum(np.exp2(random.normal(-3, 1.8, count)), 0.9)
    clean = random.chisquare(FREEDOM, count) / FREEDOM
    texture = np.where(random.random(count) < 0.4, random.exponential(1.0, count), 0)
    pure = np.sort(np.random.default_rng(5).chisquare(FREEDOM, 2000) / FREEDOM)
    return level, LAWS[law](level) ** 2 * (clean + texture), pure


@pytest.mark.parametrize("law", LAWS)
def test_few_dark_blocks_tell_their_own_grain(law):
    level, variance, pure = blocks(law)

    found = sigma_curve(level, variance, pure)

    at = np.quantile(level, [0.005, 0.02, 0.05, 0.2, 0.5, 0.9])
    assert np.interp(at, *found) / LAWS[law](at) == pytest.approx(np.ones(6), abs=0.08)


def test_there_is_grain_without_light():
    """A size of nothing would make each pixel there count without end when it is laid on one scale."""
    level, variance, pure = blocks("photons")

    found = sigma_curve(level, variance, pure)

    assert np.interp(0, *found) > 0.2 * LAWS["photons"](np.quantile(level, 0.005))
