"""`[solve] smooth` through the stage: a calmer camera, told in the figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration import cameras
from pipeline.errors import ConfigError
from pipeline.sections import CameraFacts, MatteSource
from pipeline.solve_sections import SolveBrief
from pipeline.stage import silent
from pipeline.types import CameraTrack
from pipeline.world_sections import WorldFacts
from stages.solve_camera import Params, solve_camera
from tests.scenes import write_plate
from tests.stages.test_solve_camera_fixed import Pan


def test_a_smoothed_pan_is_calmer_stays_on_its_spot_and_says_so(tmp_path: Path):
    """A pan, as that is solved in a second: the places of a camera that travels are tried in calibration/solve."""
    plate = write_plate(Pan(width=320, height=180, frames=12), tmp_path / "plate")

    rough, calm = (
        solve_camera(
            plate=plate,
            facts=CameraFacts(height_m=1.7),
            brief=SolveBrief(smooth=smooth),
            world=WorldFacts(),
            mattes=MatteSource(None),
            params=Params(),
            out=tmp_path / str(smooth),
            progress=silent,
        )
        for smooth in (0.0, 1.0)
    )

    told = [json.loads(track.figures.read_text()) for track in (rough, calm)]
    assert "smooth" not in told[0]
    assert told[1]["smooth"]["error_rise"] <= 0.05
    assert told[1]["smooth"]["moved_px"] > 0
    assert bends_deg(calm) < 0.8 * bends_deg(rough)
    np.testing.assert_allclose(
        cameras.camera_centre(cameras.load_poses(calm)), np.tile([0, 1.7, 0], (12, 1)), atol=1e-9
    )


def bends_deg(track: CameraTrack) -> float:
    """Median change of the turn from frame to frame; the true pan turns evenly."""
    poses = cameras.load_poses(track)[:, :3, :3]
    steps = Rotation.from_matrix(poses[1:] @ np.swapaxes(poses[:-1], 1, 2)).as_rotvec(degrees=True)
    return float(np.median(np.linalg.norm(np.diff(steps, axis=0), axis=1)))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"smooth": 1.5}, "smooth is 1.5, must be from 0 to 1"),
        ({"smooth": 0.5, "track": Path("a.chan")}, "both track and"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked: dict, words: str):
    with pytest.raises(ConfigError, match=words):
        SolveBrief(**asked)
