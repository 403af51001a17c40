"""What was said goes before what was measured, and that before what is usual."""

from dataclasses import replace

import pytest

from calibration.look.aberration import Aberration
from calibration.look.blurs import Blurs
from calibration.look.measured import read_look, write_look
from calibration.look.optics import Optics, settled
from calibration.look.vignette import Vignette
from pipeline.errors import StoreError
from pipeline.optics_sections import LensFacts
from pipeline.sections import CameraFacts
from pipeline.types import Lens
from tests.looks import write_hand_look

LENS = Lens(1920, 1080, 2000.0, 2000.0, 960.0, 540.0)
MEASURED = Optics(
    Blurs(((1001, 5.0), (1011, 10.0)), 12.0, 0.9, "found", 150.0, 0.9, "found", 0.6),
    Vignette(0.1, 0.02, "found"),
    Aberration(0.001, -0.001, "found"),
)


def test_the_plate_tells_what_nobody_said():
    found = settled(LensFacts(), CameraFacts(), MEASURED, 0.9, LENS)

    assert found.shutter == pytest.approx(150 / 360)
    assert found.late == 0
    assert found.focus_m(1006) == pytest.approx(2 / (1 / 5 + 1 / 10))
    assert (found.scale_px_m, found.sigma_px) == (12, 0.6)
    assert found.vignette == (0.1, 0.02)
    assert found.aberration == (0.001, -0.001)
    assert found.sources["shutter"] == "measured found"


def test_what_was_said_goes_before():
    said = LensFacts(2.0, 7.0, softness_px=0.4, vignette=(0.0, 0.0), aberration=(0.0, 0.0), shutter_phase_deg=0.0)

    found = settled(said, CameraFacts(focal_mm=40, shutter_deg=90), MEASURED, 0.9, LENS)

    assert found.shutter == 0.25
    assert found.late == pytest.approx(0.125)  # opens at the frame's moment
    assert found.focus_m(1006) == 7
    assert found.scale_px_m == pytest.approx(2000 * 0.04 / 2 / 2)
    assert found.sigma_px == 0.4
    assert found.vignette == found.aberration == (0, 0)


def test_nothing_said_and_nothing_measured_is_a_plain_lens():
    found = settled(LensFacts(), CameraFacts(), Optics(), 0.9, LENS)

    assert found.shutter == 0.5
    assert (found.focus, found.scale_px_m, found.sigma_px) == ((), 0, 0.9)
    assert found.focus_m(1001) == float("inf")


def test_a_focus_without_an_iris_blurs_nothing():
    alone = replace(MEASURED, blurs=Blurs())

    assert settled(LensFacts(focus_m=4.0), CameraFacts(), alone, 0.9, LENS).scale_px_m == 0
    assert settled(LensFacts(focus_m=4.0), CameraFacts(), MEASURED, 0.9, LENS).focus_m(1001) == 4


def test_the_look_keeps_it(tmp_path):
    path = write_hand_look(tmp_path).figures
    look = read_look(path)

    write_look(path, replace(look, optics=MEASURED))

    assert read_look(path).optics == MEASURED
    path.write_text(path.read_text().replace('"second"', '"third"'))
    with pytest.raises(StoreError, match="Run measure_look again"):
        read_look(path)
