"""Tones are one monotone CDL, forwards and back, and the figures move with them as their names say."""

import numpy as np
import pytest

from calibration.look.tonestats import FIGURES, Tones, tone_stats
from pipeline.kernels import color
from pipeline.kernels.color import LUMINANCE, Grade

TONES = Tones(exposure_ev=0.6, red=0.2, blue=-0.15, lift=0.006, contrast_ev=0.12, saturation_ev=-0.2)


def pixels(count=4000):
    rng = np.random.default_rng(5)
    return 0.18 * np.exp(rng.normal(-0.5, 0.8, (count, 1)) + rng.normal(0, 0.15, (count, 3)))


def test_what_a_grade_does_is_undone():
    np.testing.assert_allclose(TONES.undone(TONES.applied(pixels())), pixels(), rtol=1e-6)


def test_the_kernel_grades_as_the_measurement_took_for_granted():
    layer = np.ones((40, 100, 4), np.float32)
    layer[..., :3] = pixels().reshape(40, 100, 3)
    out = np.empty_like(layer)

    color.grade(layer, TONES.grade(), out)

    np.testing.assert_allclose(out[..., :3].reshape(-1, 3), TONES.applied(pixels()), rtol=2e-4)


def test_no_tones_are_exactly_no_grade():
    assert Tones().grade() == Grade()


def test_contrast_turns_about_mid_grey_and_balance_keeps_white():
    grey = np.full((1, 3), 0.18)

    assert Tones(contrast_ev=0.3).applied(grey) == pytest.approx(grey)
    assert Tones(red=0.4, blue=-0.3).applied(grey) @ LUMINANCE == pytest.approx(0.18 * LUMINANCE.sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("tones", "figure", "by"),
    [
        (Tones(exposure_ev=0.5), "key", 0.5),
        (Tones(red=0.3), "lit_red", 0.3),
        (Tones(blue=-0.3), "dark_blue", -0.3),
        (Tones(contrast_ev=0.2), "high", 0.17),
        (Tones(saturation_ev=0.3), "chroma", 0.28),
    ],
)
def test_each_part_moves_its_own_figure(tones, figure, by):
    moved = tone_stats(tones.applied(pixels())) - tone_stats(pixels())

    assert moved[FIGURES.index(figure)] == pytest.approx(by, abs=0.03)


def test_light_is_taken_out():
    light = (1.3, 0.9, 0.6)

    np.testing.assert_allclose(tone_stats(pixels() * light, light), tone_stats(pixels()), atol=1e-9)


def test_lift_fills_the_darkest_first():
    moved = tone_stats(Tones(lift=0.01).applied(pixels())) - tone_stats(pixels())

    assert moved[FIGURES.index("lowest")] < 2 * moved[FIGURES.index("high")] < 0
