"""The search for the sky: islands in it are sky unless they are dark."""

import numpy as np

from calibration.mattes.skysearch import _without_clouds


def test_a_streak_of_cloud_is_sky_and_a_dark_thing_that_flies_is_not():
    sky, grey = np.ones((60, 90), np.bool_), np.full((60, 90), 0.9, np.float32)
    sky[45:], grey[45:] = False, 0.4
    sky[10:13, 20:40], grey[10:13, 20:40] = False, 0.87
    sky[20:24, 60:66], grey[20:24, 60:66] = False, 0.5

    found = _without_clouds(sky, grey)

    assert found[10:13, 20:40].all()
    assert not found[20:24, 60:66].any()
    assert not found[45:].any()
