"""The sun's place and its shadows' colour are read off people's shadows, and where nothing tells, that is said."""

import numpy as np
import pytest

from calibration.ground.heightfield import Heightfield
from calibration.look.sun import LEAST_CONFIDENCE, find_sun
from pipeline.sections import to_sun
from tests.suns import filmed

LEFT = (0.25, 0.33, 0.45)
FLAT = Heightfield.flat()


@pytest.mark.parametrize(("azimuth", "elevation"), [(274.0, 25.0), (40.0, 38.0), (130.0, 30.0), (200.0, 50.0)])
def test_the_sun_is_found_within_seven_degrees(azimuth, elevation):
    sun = find_sun([filmed(azimuth, elevation, LEFT)], FLAT)

    cosine = np.dot(to_sun(sun.azimuth_deg, sun.elevation_deg), to_sun(azimuth, elevation))
    assert np.degrees(np.arccos(cosine)) < 7
    assert sun.confidence > LEAST_CONFIDENCE


def test_the_shadows_colour_is_what_was_left_of_the_light():
    sun = find_sun([filmed(274.0, 25.0, LEFT, seed=s) for s in (1, 2)], FLAT)

    np.testing.assert_allclose(sun.shadow_rgb, LEFT, atol=0.05)


def test_an_overcast_plate_tells_no_sun():
    sun = find_sun([filmed(274.0, 25.0, (1.0, 1.0, 1.0))], FLAT)

    assert sun.confidence < LEAST_CONFIDENCE
    assert "found" not in sun.note


def test_a_plate_without_people_says_what_is_lacking():
    shot = filmed(274.0, 25.0, LEFT)
    shot.sample.matte[:] = 0

    sun = find_sun([shot], FLAT)

    assert sun.confidence == 0
    assert sun.note == "none: 0 whole people on open ground, need 3"
