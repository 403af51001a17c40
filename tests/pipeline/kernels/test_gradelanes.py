"""Sixteen pixels' grade in registers: against float64, against its slow twin, the same bits wherever a pixel stands in its row."""

import numpy as np
import pytest

from pipeline.kernels import color
from pipeline.kernels.color import Grade
from pipeline.kernels.gradelanes import SIXTEEN, TERMS, grade_sixteen

BY = Grade(0.4, (1.1, 0.9, 1.2), (0.01, -0.02, 0.0), (0.9, 1.0, 1.2), 0.8)


def graded(pixels, by):
    out = np.empty_like(pixels[None])
    color.grade(pixels[None], by, out)
    return out[0]


def raised(values, p):
    """values ** p, by a grade of opaque grey that does nothing else."""
    pixels = np.ones((len(values), 4), np.float32)
    pixels[:, :3] = np.asarray(values, np.float32)[:, None]
    return graded(pixels, Grade(power=(p, p, p)))[:, 0]


def test_a_power_is_exact_to_a_millionth():
    light = np.geomspace(1e-5, 1e3, 20001).astype(np.float32)
    for p in (0.45, 0.9, 1.2, 2.2):
        wanted = light.astype(np.float64) ** float(np.float32(p))
        near = np.abs(np.log2(wanted)) < 16
        np.testing.assert_allclose(raised(light, p)[near], wanted[near], rtol=1.5e-6)
        np.testing.assert_allclose(raised(light, p), wanted, rtol=4e-6)


def test_a_power_leaves_what_is_not_above_black():
    made = raised([np.nan, -0.5, 0, 1], 2)

    np.testing.assert_array_equal(made, np.float32([np.nan, -0.5, 0, 1]))


def test_sixteen_pixels_are_their_slow_twin():
    random = np.random.default_rng(1)
    pixels = random.normal(0.4, 0.6, (SIXTEEN, 4)).astype(np.float32)
    pixels[:, 3] = np.where(random.random(SIXTEEN) < 0.3, 0, random.random(SIXTEEN))
    terms = random.uniform(0.4, 1.6, TERMS).astype(np.float32)
    terms[7] = 1
    out, by = np.empty_like(pixels), Grade(0, tuple(terms[:3]), tuple(terms[3:6]), tuple(terms[6:9]), float(terms[12]))
    terms[9:12] = (1 - by.saturation) * color.LUMINANCE

    grade_sixteen(pixels, out, 0, terms)

    np.testing.assert_allclose(graded(pixels, by), out, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("width", [1, 15, 16, 17, 47])
def test_a_pixel_has_the_same_bits_wherever_it_stands(width):
    pixels = np.random.default_rng(width).random((width, 4), dtype=np.float32)
    whole = graded(pixels, BY)

    for x in range(width):
        np.testing.assert_array_equal(graded(pixels[x : x + 1], BY)[0], whole[x])


def test_an_exponent_of_one_is_no_power():
    pixels = np.random.default_rng(2).random((33, 4), dtype=np.float32)
    pixels[:, 3] = 1
    by = Grade(power=(2.0, 1.0, 1.0))

    np.testing.assert_array_equal(graded(pixels, by)[:, 1:], pixels[:, 1:])
