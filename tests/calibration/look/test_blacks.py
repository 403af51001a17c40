"""The plate's black is found through its air; what of a layer lies below it is brought near it."""

import numpy as np
import pytest

from calibration.look.blacks import plate_black
from calibration.look.color import Sample
from calibration.look.haze import Haze
from pipeline.kernels import color
from pipeline.kernels.color import LUMINANCE
from stages.comp_figures import levels

BLACK = (0.05, 0.045, 0.04)
AIR = Haze((0.5, 0.6, 0.8), 0.01, "by hand")


def plate(haze=AIR, dark=BLACK, bright=1.0, size=200):
    """Plain things up to 60 m away, a hundredth of them black; above them sky."""
    rng = np.random.default_rng(4)
    rgb = rng.uniform(0.1, bright, (size, size, 1)) * np.ones(3)
    rgb[40:60, 40:60] = dark  # a place, not single pixels: grain is smoothed away
    depth = np.broadcast_to(np.linspace(5, 60, size)[None], (size, size)).copy()
    depth[:50] = np.where(np.arange(size) < 150, depth[:50], np.inf)
    through = np.exp(-haze.extinction_per_m * np.minimum(depth, 1e4))[..., None]
    rgb = rgb * through + np.array(haze.colour) * (1 - through)
    nobody = np.zeros((size, size), np.float32)
    return Sample(rgb.astype(np.float32), depth.astype(np.float32), nobody + 1, nobody)


def test_the_plates_black_is_found_behind_its_air():
    assert plate_black([plate()], AIR) == pytest.approx(BLACK, abs=0.004)
    assert plate_black([plate(Haze())], Haze()) == pytest.approx(BLACK, abs=0.004)


def test_a_plate_of_snow_has_no_black_to_lift_to():
    snow = plate(Haze(), dark=(0.8, 0.8, 0.8), bright=1.0)
    snow.rgb[...] = np.maximum(snow.rgb, 0.7)

    found = plate_black([snow], Haze())

    assert 0.04 < np.dot(found, LUMINANCE) < 1 / 16


def test_a_plate_without_anything_has_no_black():
    sky = plate()
    sky.depth_m[...] = np.inf

    assert plate_black([sky], AIR) is None


def test_a_dark_opening_passes_the_check_once_it_is_lifted():
    """Painted at a third of the plate's black, and once more half as bright where a shadow falls on it."""
    rng = np.random.default_rng(3)
    rgb = rng.uniform(0.2, 0.7, (64, 64, 3)).astype(np.float32)
    rgb[:4], rgb[4:6] = 0.016, 0.008
    layer = np.dstack([rgb, np.ones((64, 64), np.float32)])
    out = np.empty_like(layer)

    color.lift_black(layer, BLACK, 1.0, out)

    def black(pixels):
        return np.array(levels(pixels.reshape(-1, 4), np.arange(64 * 64))["black"])

    assert (np.array(BLACK) - black(layer)).max() > 0.03
    assert (np.array(BLACK) - black(out)).max() < 0.015
    assert (black(out) < np.array(BLACK) + 1e-3).all()  # and not greyer than the plate's
    np.testing.assert_array_equal(out[6:], layer[6:])
    assert out[4, 0, 1] < out[0, 0, 1]  # what is darker stays darker
