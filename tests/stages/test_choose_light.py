"""The shot file's light counts unless it asks for the plate's."""

import json

import numpy as np
import pytest

from pipeline.errors import CalibrationError, ConfigError
from pipeline.kernels.color import LUMINANCE
from pipeline.sections import LightFacts
from pipeline.types import PlateLight
from stages.choose_light import choose_light


def told(folder, confidence=0.9):
    figures = folder / "light.json"
    content = {"azimuth_deg": 274.04, "elevation_deg": 30.0, "confidence": confidence, "note": "as it is"}
    figures.write_text(json.dumps(content))
    return PlateLight(figures, (0.25, 0.33, 0.45))


def test_what_was_said_counts(tmp_path):
    facts = LightFacts(sun_azimuth_deg=10.0)

    chosen = choose_light(facts=facts, told=told(tmp_path), out=tmp_path)

    assert chosen.to_sun == facts.to_sun
    assert (chosen.sun_rgb, chosen.sky_rgb) == (facts.sun_rgb, facts.sky_rgb)


def test_the_plates_light_is_taken_when_it_is_asked_for(tmp_path):
    chosen = choose_light(facts=LightFacts(source="plate"), told=told(tmp_path), out=tmp_path)

    assert (chosen.sun_azimuth_deg, chosen.sun_elevation_deg) == (274.0, 30.0)
    sun, sky = np.array(chosen.sun_rgb), np.array(chosen.sky_rgb)
    np.testing.assert_allclose(
        sky / (sky + 0.5 * sun), (0.25, 0.33, 0.45), atol=1e-3
    )  # what a shadow leaves on level ground
    assert (sun + sky) @ LUMINANCE == pytest.approx(1, abs=1e-3)


def test_a_plate_that_does_not_tell_says_what_to_write(tmp_path):
    with pytest.raises(CalibrationError, match="sun_azimuth_deg and sun_elevation_deg"):
        choose_light(facts=LightFacts(source="plate"), told=told(tmp_path, 0.1), out=tmp_path)


@pytest.mark.parametrize("source", ["said", "plate"])
def test_how_much_is_relit_goes_with_the_light(tmp_path, source):
    whole, half, off = (
        choose_light(facts=LightFacts(source=source, **said), told=told(tmp_path), out=tmp_path).relight_strength
        for said in ({}, {"relight_strength": 0.5}, {"relight": "off"})
    )

    assert (whole, half, off) == (1.0, 0.5, 0.0)


@pytest.mark.parametrize("wrong", [{"relight": "on"}, {"relight_strength": 1.5}])
def test_what_no_relight_can_be_is_refused(wrong):
    with pytest.raises(ConfigError, match="relight"):
        LightFacts(**wrong)
