"""The plate's tones are read off its ground, not off its sky and not off people."""

import numpy as np
import pytest

from calibration.look.color import Sample, measure_tone
from pipeline.errors import CalibrationError


def sample(exposure=1.0, seed=1):
    generator = np.random.default_rng(seed)
    size = (90, 160)
    albedo = np.repeat(np.repeat(generator.uniform(0.05, 0.4, (9, 16, 3)), 10, 0), 10, 1)
    rgb = (albedo * exposure).astype(np.float32)
    depth = np.full(size, 30, np.float32)
    depth[:30] = np.inf
    rgb[:30] = (5, 6, 9)
    return Sample(rgb, depth, np.ones(size, np.float32), np.zeros(size, np.float32))


def test_key_black_and_white_follow_the_exposure():
    tone, double = (measure_tone([sample(exposure=e)]) for e in (1, 2))

    assert double.key == pytest.approx(2 * tone.key, rel=1e-3)
    assert np.array(double.black) == pytest.approx(2 * np.array(tone.black), rel=1e-3)
    assert tone.black < (0.08, 0.08, 0.08) < tone.white < (0.45, 0.45, 0.45)


def test_the_sky_and_people_do_not_count():
    with_sky, hidden = sample(), sample()
    hidden.rgb[40:60] = (0, 0, 50)
    hidden.matte[38:62] = 1
    with_sky.matte[38:62] = 1

    assert measure_tone([hidden]).key == pytest.approx(measure_tone([with_sky]).key, rel=1e-3)


def test_no_ground_says_where_to_look():
    sky = sample()
    sky.depth_m[:] = np.inf

    with pytest.raises(CalibrationError, match="depth and mattes"):
        measure_tone([sky])
