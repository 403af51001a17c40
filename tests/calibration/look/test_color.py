"""The plate's light is met half way, within a stop, and never at the price of luminance."""

import numpy as np
import pytest

from calibration.look.color import Sample, light_balance, measure_tone
from pipeline.errors import CalibrationError
from pipeline.kernels.color import LUMINANCE


def sample(light=(1.0, 1.0, 1.0), exposure=1.0, seed=1):
    generator = np.random.default_rng(seed)
    size = (90, 160)
    albedo = np.repeat(np.repeat(generator.uniform(0.05, 0.4, (9, 16, 3)), 10, 0), 10, 1)
    rgb = (albedo * light * exposure).astype(np.float32)
    depth = np.full(size, 30, np.float32)
    depth[:30] = np.inf
    rgb[:30] = (5, 6, 9)
    return Sample(rgb, depth, np.ones(size, np.float32), np.zeros(size, np.float32))


def test_neutral_light_at_the_usual_key_changes_nothing_much():
    tone = measure_tone([sample(exposure=0.75)])

    assert tone.balance == pytest.approx((1, 1, 1), abs=0.06)
    assert abs(tone.exposure_ev) < 0.2


def test_coloured_light_is_met_half_way():
    light = np.array([1.4, 1.0, 0.5])
    tone = measure_tone([sample(light)])

    wanted = np.sqrt(light / (light @ LUMINANCE))
    np.testing.assert_allclose(tone.balance, wanted / (wanted @ LUMINANCE), rtol=0.06)
    assert float(np.array(tone.balance) @ LUMINANCE) == pytest.approx(1)


def test_a_darker_plate_darkens_the_layers_half_as_much():
    bright, dark = (measure_tone([sample(exposure=e)]) for e in (0.75, 0.375))

    assert bright.exposure_ev - dark.exposure_ev == pytest.approx(0.5, abs=0.02)


def test_no_plate_moves_a_layer_by_more_than_a_stop():
    tone = measure_tone([sample(light=(9, 1, 0.01), exposure=50)])

    assert tone.exposure_ev == 1
    assert max(light_balance(np.array([[9, 1, 0.001]] * 10, np.float32))) / 2 <= 2
    assert max(tone.lift) <= 0.01


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
