"""The focal length of the camera report, in pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from calibration.solve.written import focal_prior, written_focal_px
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.sections import CameraFacts
from pipeline.types import Plate


def test_a_written_focal_length_is_that_across_an_anamorphic_lenss_squeeze():
    facts = CameraFacts(focal_mm=50, sensor_width_mm=25)
    plain = Plate(FrameFiles(Path("p"), "p.%04d.exr", FrameRange(1, 5)), 1000, 800, 1.0, FrameRate(24), "", "")

    assert written_focal_px(facts, plain, 1000) == 2000
    assert written_focal_px(facts, replace(plain, pixel_aspect=2.0), 2000) == 2000  # twice as wide a view
    assert written_focal_px(facts, replace(plain, pixel_aspect=1.067), 1067) == 2134  # a video format squeezes no lens
    assert written_focal_px(replace(facts, squeeze=1.5), plain, 1500) == 2000


def test_a_standard_deviation_in_millimetres_is_a_share_of_the_focal_length():
    plate = Plate(FrameFiles(Path("p"), "p.%04d.exr", FrameRange(1, 5)), 1000, 800, 1.0, FrameRate(24), "", "")

    got = focal_prior(CameraFacts(focal_mm=50, sensor_width_mm=25, focal_sigma_mm=0.5), plate, 1000, 5)

    assert got is not None
    assert (got.one_px, got.sigma, len(got.px)) == (2000, 0.01, 5)
    assert focal_prior(CameraFacts(focal_sigma_mm=0.5), plate, 1000, 5) is None


def test_a_standard_deviation_wider_than_half_the_lens_is_refused():
    with pytest.raises(ConfigError, match="half of focal_mm"):
        CameraFacts(focal_mm=50, sensor_width_mm=25, focal_sigma_mm=30)
