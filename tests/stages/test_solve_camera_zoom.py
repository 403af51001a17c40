"""A camera that travels and zooms at once, through the whole stage, against the truth it was rendered with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calibration.solve import evaluate
from pipeline.sections import CameraFacts
from tests.scenes import write_plate
from tests.stages.solving import against_truth, solve
from tests.zooming import LONGER, Zoom, zoomed_demo


@pytest.mark.slow
def test_a_dolly_that_zooms_is_found_and_solved_with_a_focal_length_for_each_frame(tmp_path: Path):
    scene = Zoom(width=480, height=270, frames=24)
    plate = write_plate(scene, tmp_path / "p")

    track = solve(plate, tmp_path / "out")

    true = scene.focal_px()
    found, told = track.lens.focal_x_px * np.array(track.zoom), json.loads(track.figures.read_text())
    np.testing.assert_allclose(found, true, rtol=0.015)  # a second of a dolly hardly shows it
    np.testing.assert_allclose(found / found[0], true / true[0], rtol=0.012)
    assert against_truth(track, scene).ate_of_path < 0.005
    assert told["zoom"]["ratio"] == pytest.approx(LONGER, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("focal_mm", "within"), [(35.0, 0.004), (0.0, 0.1)])
def test_a_zoom_that_looks_like_a_long_lens_on_a_dolly_is_no_long_lens(tmp_path: Path, focal_mm, within):
    """One focal length explains the demo's plate zoomed in to a fifth of a pixel: with a lens of 110 mm and more."""
    plate, mattes, poses, focal_px = zoomed_demo(tmp_path, 1.35)

    facts = CameraFacts(height_m=2.48, focal_mm=focal_mm, sensor_width_mm=36.0)
    track = solve(plate, tmp_path / "out", facts, mattes)

    found = track.lens.focal_x_px * np.array(track.zoom)
    np.testing.assert_allclose(found, focal_px, rtol=within)
    np.testing.assert_allclose(found / found[0], focal_px / focal_px[0], rtol=0.004)
    assert evaluate.compare(np.load(track.poses), poses).ate_of_path < 0.002
