"""The focal length of the camera report, in pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.solve.written import focal_prior, written_focal_px
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.sections import CameraFacts
from pipeline.types import LensData, Plate


def test_a_written_focal_length_is_that_across_an_anamorphic_lenss_squeeze():
    facts = CameraFacts(focal_mm=50, sensor_width_mm=25)
    plain = Plate(FrameFiles(Path("p"), "p.%04d.exr", FrameRange(1, 5)), 1000, 800, 1.0, FrameRate(24), "", "")

    assert written_focal_px(facts, plain, 1000) == 2000
    assert written_focal_px(facts, replace(plain, pixel_aspect=2.0), 2000) == 2000  # twice as wide a view
    assert written_focal_px(facts, replace(plain, pixel_aspect=1.067), 1067) == 2134  # a video format squeezes no lens
    assert written_focal_px(replace(facts, squeeze=1.5), plain, 1500) == 2000


def test_a_standard_deviation_in_millimetres_is_a_share_of_the_focal_length():
    plate = Plate(FrameFiles(Path("p"), "p.%04d.exr", FrameRange(1, 5)), 1000, 800, 1.0, FrameRate(24), "", "")

    got = focal_prior(CameraFacts(focal_mm=50, sensor_width_mm=25, focal_sigma_mm=0.5), plate, 1000, [1, 2, 3, 4, 5])

    assert got is not None
    assert (got.one_px, got.sigma, len(got.px)) == (2000, 0.01, 5)
    assert focal_prior(CameraFacts(focal_sigma_mm=0.5), plate, 1000, [1, 2, 3, 4, 5]) is None


def test_a_standard_deviation_wider_than_half_the_lens_is_refused():
    with pytest.raises(ConfigError, match="half of focal_mm"):
        CameraFacts(focal_mm=50, sensor_width_mm=25, focal_sigma_mm=30)


def test_what_the_plates_file_says_is_a_prior_and_the_shot_file_goes_before_it():
    filmed = LensData((50.0, 55.0, 60.0, 65.0, 70.0), 25.0, 0.02, "nominalFocalLength")
    plate = Plate(
        FrameFiles(Path("p"), "p.%04d.exr", FrameRange(1, 5)), 1000, 800, 1.0, FrameRate(24), "", "", filmed=filmed
    )

    of_file = focal_prior(CameraFacts(), plate, 1000, [1, 2, 4, 5])
    sensor_said = focal_prior(CameraFacts(sensor_width_mm=50), plate, 1000, [1, 2])
    said = focal_prior(CameraFacts(focal_mm=40, sensor_width_mm=25), plate, 1000, [1, 2])

    assert of_file is not None
    np.testing.assert_allclose(of_file.px, [2000, 2200, 2600, 2800])
    assert (of_file.sigma, of_file.mm) == (0.02, 50)
    assert "nominalFocalLength" in of_file.source
    assert sensor_said is not None
    np.testing.assert_allclose(sensor_said.px, [1000, 1100])
    assert said is not None
    assert (said.one_px, said.sigma) == (1600, 0)
    assert focal_prior(CameraFacts(), replace(plate, filmed=replace(filmed, sensor_width_mm=0.0)), 1000, [1]) is None
