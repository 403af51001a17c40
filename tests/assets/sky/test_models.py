"""Skies by formula, against the published figures that they must give."""

import math

import numpy as np
import pytest

from assets.sky.models import acescg, clear_xyy, overcast_xyy


def towards(azimuth_deg, elevation_deg):
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.stack(np.broadcast_arrays(
        np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)), axis=-1)  # fmt: skip


@pytest.mark.parametrize(("turbidity", "sun_deg"), [(2.0, 60.0), (3.0, 30.0), (6.0, 10.0)])
def test_the_zenith_is_as_bright_as_the_paper_says(turbidity, sun_deg):
    """Preetham and others, equation for Yz, written out here once more."""
    found = clear_xyy(towards(0.0, 90.0)[None], towards(40.0, sun_deg), turbidity)[0]

    theta = math.radians(90 - sun_deg)
    chi = (4 / 9 - turbidity / 120) * (math.pi - 2 * theta)
    assert found[2] == pytest.approx((4.0453 * turbidity - 4.9710) * math.tan(chi) - 0.2155 * turbidity + 2.4192)


def test_a_clear_sky_is_brightest_at_the_sun_and_blue_away_from_it():
    azimuths, heights = np.meshgrid(np.arange(0, 360, 5.0), np.arange(2, 90, 4.0))
    every = towards(azimuths, heights)
    sky = clear_xyy(every, towards(120.0, 30.0), 2.5)

    row, column = np.unravel_index(sky[..., 2].argmax(), azimuths.shape)
    assert (azimuths[row, column], heights[row, column]) == (120.0, 30.0)
    away = acescg(clear_xyy(towards(300.0, 40.0)[None], towards(120.0, 30.0), 2.5))[0]
    assert away[2] > 1.5 * away[0]


def test_a_low_sun_is_warm_about_it():
    sky = acescg(clear_xyy(towards(0.0, 4.0)[None], towards(0.0, 2.0), 4.0))[0]

    assert sky[0] > 1.5 * sky[2]


def test_an_overcast_zenith_is_three_times_as_bright_as_its_horizon():
    """Moon and Spencer 1942."""
    sky = overcast_xyy(towards(0.0, np.array([0.0, 30.0, 90.0])))

    assert sky[2, 2] / sky[0, 2] == pytest.approx(3.0)
    assert sky[1, 2] / sky[0, 2] == pytest.approx(2.0)
    assert acescg(sky).std(axis=-1).max() < 0.01 * sky[:, 2].max()  # the colour of D65 is grey


def test_below_the_horizon_and_at_a_set_sun_all_is_finite():
    sky = clear_xyy(towards(np.arange(0, 360, 30.0), -20.0), towards(10.0, -5.0), 3.0)

    assert np.isfinite(sky).all()
    assert (sky[:, 2] > 0).all()
