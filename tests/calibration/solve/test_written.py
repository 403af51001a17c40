"""The focal length of the camera report, in pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from calibration.solve.written import written_focal_px
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
