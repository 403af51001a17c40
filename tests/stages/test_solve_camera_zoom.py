"""A camera that travels and zooms at once, through the whole stage, against the truth it was rendered with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.sections import CameraFacts, MatteSource
from pipeline.solve_sections import SolveBrief
from pipeline.stage import silent
from pipeline.world_sections import WorldFacts
from stages.solve_camera import Params, solve_camera
from tests.scenes import write_plate
from tests.stages.solving import against_truth
from tests.zooming import LONGER, Zoom


@pytest.mark.slow
def test_a_dolly_that_zooms_is_found_and_solved_with_a_focal_length_for_each_frame(tmp_path: Path):
    scene = Zoom(width=480, height=270, frames=24)
    plate = write_plate(scene, tmp_path / "p")

    track = solve_camera(
        plate=plate,
        facts=CameraFacts(height_m=1.7),
        brief=SolveBrief(),
        world=WorldFacts(),
        mattes=MatteSource(None),
        params=Params(),
        out=tmp_path / "out",
        progress=silent,
    )

    true = scene.focal_px()
    found, told = track.lens.focal_x_px * np.array(track.zoom), json.loads(track.figures.read_text())
    np.testing.assert_allclose(
        found, true, rtol=0.045
    )  # a second of a dolly hardly shows it, and the lens is not quite the model
    np.testing.assert_allclose(found / found[0], true / true[0], rtol=0.008)
    assert against_truth(track, scene).ate_of_path < 0.005
    assert told["zoom"]["ratio"] == pytest.approx(LONGER, rel=0.01)
