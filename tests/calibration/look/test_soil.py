"""Dust gets the colour of the plate's ground."""

import numpy as np
import pytest

from calibration.look.soil import soil_match

EARTH, LIGHT = (0.36, 0.29, 0.22), (0.6, 0.55, 0.5)


def test_the_grade_takes_lit_earth_to_the_plates_ground():
    rng = np.random.default_rng(2)
    ground = np.array([0.11, 0.13, 0.09]) * rng.uniform(0.8, 1.25, (999, 1))
    ground[:40] = 3.0  # a few pixels of something else

    found = soil_match(ground.astype(np.float32), EARTH, LIGHT)

    lit = np.array([EARTH]) * LIGHT
    assert found.tones.applied(lit)[0] == pytest.approx(np.median(ground, axis=0), rel=1e-3)


def test_a_plate_without_ground_tells_nothing():
    assert soil_match(np.full((9, 3), 0.2, np.float32), EARTH, LIGHT) is None
