"""Plates solved in tests of solve_camera: the stage with its usual inputs, and what a refusal must be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration import cameras
from calibration.solve import evaluate
from pipeline.errors import BattleplateError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.sections import CameraFacts, MatteSource
from pipeline.solve_sections import SolveBrief
from pipeline.stage import silent
from pipeline.types import CameraTrack, Plate
from pipeline.world_sections import WorldFacts
from stages.solve_camera import Params, solve_camera
from tests.scenes import Scene

SCENE = Scene(width=480, height=270, frames=24)


def solve(plate: Plate, out: Path, facts: CameraFacts | None = None, mattes: Path | None = None) -> CameraTrack:
    return solve_camera(
        plate=plate,
        facts=facts or CameraFacts(height_m=1.7),
        brief=SolveBrief(),
        world=WorldFacts(),
        mattes=MatteSource(mattes),
        params=Params(),
        out=out,
        progress=silent,
    )


def against_truth(track: CameraTrack, scene: Scene) -> evaluate.Agreement:
    truth = np.stack([scene.camera_from_world(frame) for frame in scene.range])
    return evaluate.compare(cameras.load_poses(track), truth)


def plate_of(folder: Path, frames: list[np.ndarray]) -> Plate:
    files = FrameFiles(folder, "plate.%04d.exr", FrameRange(1001, 1000 + len(frames)))
    for frame, rgb in zip(files.frames, frames, strict=True):
        exr.write_rgb(files.path(frame), rgb.astype(np.float32))
    return Plate(files, frames[0].shape[1], frames[0].shape[0], 1.0, FrameRate(24), "", "ACEScg")


def refusal(plate: Plate, out: Path) -> str:
    with pytest.raises(BattleplateError) as caught:
        solve(plate, out)
    message = str(caught.value)
    assert "\n" not in message
    assert not out.exists() or not list(out.iterdir())
    return message
