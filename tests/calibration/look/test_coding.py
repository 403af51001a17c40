"""Curves and primaries of movies' codes, against published ones."""

import numpy as np
import pytest

from calibration.look.coding import coding_of, luma_chroma, power_coding
from pipeline.io.color import to_acescg

# Rec.709 to ACEScg with Bradford adaptation from D65, of the ACES documents (TB-2014-004's primaries).
REC709 = [[0.6131, 0.3395, 0.0474], [0.0702, 0.9164, 0.0135], [0.0206, 0.1096, 0.8698]]


def test_video_is_a_power_and_rec709():
    found = coding_of("Gamma 2.4 Encoded Rec.709")

    np.testing.assert_allclose(
        np.interp([0.2, 0.5, 0.9], found.codes, found.linear), np.array([0.2, 0.5, 0.9]) ** 2.4, rtol=1e-3
    )
    np.testing.assert_allclose(found.acescg_from_rgb, REC709, atol=2e-3)
    level = np.float32([0.05, 0.3])
    np.testing.assert_allclose(found.slope(level), 2.4 * level ** (1 - 1 / 2.4), rtol=0.01)


@pytest.mark.parametrize("space", ["ARRI LogC3 (EI800)", "S-Log3 S-Gamut3.Cine", "sRGB - Texture"])
def test_a_colour_through_curve_and_matrix_is_what_the_space_says(space):
    found = coding_of(space)
    colour = np.float32([[[0.42, 0.35, 0.55]]])

    light = np.interp(colour[0, 0], found.codes, found.linear)

    np.testing.assert_allclose(found.acescg_from_rgb @ light, to_acescg(colour, space)[0, 0], rtol=0.01, atol=1e-4)


@pytest.mark.parametrize("space", ["ACEScg", "Linear Rec.709 (sRGB)", "Rec.2100-HLG - Display"])
def test_light_itself_and_what_is_no_curve_has_none(space):
    assert coding_of(space) is None


def test_luma_is_rec709s_and_grey_has_no_chroma():
    matrix = luma_chroma()

    np.testing.assert_allclose(matrix @ [1, 1, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(matrix @ [0, 0, 1], [0.0722, 0.5, -0.0458], atol=1e-4)  # ITU-R BT.709-6, item 3.3
    assert power_coding(2.4, np.eye(3)).linear[-1] == 1
