"""What a person says goes: frames left out, areas ignored, poses held; and what cannot be done is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration import cameras
from calibration.lensfile import write_lens
from calibration.solve import evaluate
from pipeline.errors import CalibrationError, ConfigError
from pipeline.io import exr, images
from pipeline.io.chan import Chan, write_chan
from pipeline.sections import CameraFacts, MatteSource
from pipeline.solve_sections import SolveBrief
from pipeline.stage import silent
from pipeline.types import CameraTrack, Plate
from pipeline.world_sections import WorldFacts
from stages.solve_camera import Params, solve_camera
from tests.scenes import Scene, write_plate

SCENE = Scene(width=320, height=180, frames=12, step_m=(0.1, 0.0, -0.06))
LENS = SCENE.lens
POSES = np.array([SCENE.camera_from_world(frame) for frame in SCENE.range])


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Plate:
    """Frame 1006 is black: a flash of the shutter."""
    made = write_plate(SCENE, tmp_path_factory.mktemp("plate"))
    exr.write_rgb(made.files.path(1006), np.zeros((180, 320, 3), np.float32))
    return made


def chan(folder: Path, frames: list[int], scale: float = 1.0) -> Path:
    placed = cameras.world_from_camera(POSES[[frame - 1001 for frame in frames]]) @ np.diag([1.0, -1.0, -1.0, 1.0])
    placed[:, :3, 3] *= scale
    fov = np.degrees(2 * np.arctan(SCENE.height / 2 / LENS.focal_y_px))
    write_chan(folder / "some.chan", Chan(np.array(frames), placed, np.full(len(frames), fov)))
    return folder / "some.chan"


def solve(plate: Plate, out: Path, brief: SolveBrief, **params: object) -> CameraTrack:
    return solve_camera(
        plate=plate,
        facts=CameraFacts(height_m=1.7),
        brief=brief,
        world=WorldFacts(),
        mattes=MatteSource(),
        params=Params(tracks=400, **params),
        out=out,
        progress=silent,
    )


def given(folder: Path, frames: list[int]) -> SolveBrief:
    bent = (LENS.k1, LENS.k2, LENS.p1, LENS.p2)
    return SolveBrief(track=chan(folder, frames), distortion=bent, centre_px=(LENS.centre_x_px, LENS.centre_y_px))


def test_frames_left_out_are_found_again_by_their_points_or_laid_between(plate: Plate, tmp_path: Path):
    """The track has no pose for 1004, 1006 and 1009; 1006 shows nothing."""
    left = [frame for frame in SCENE.range if frame not in (1004, 1006, 1009)]

    track = solve(plate, tmp_path / "out", given(tmp_path, left), exclude="1009, 1004,1006")

    told = json.loads(track.figures.read_text())
    poses = cameras.load_poses(track)
    got = evaluate.compare(poses, POSES)
    assert told["by_hand"] == {
        "excluded": [1004, 1006, 1009],
        "by_its_points": [1004, 1009],
        "between_neighbours": [1006],
    }
    assert len(told["frames"]) == 12
    assert told["frames"][3]["error_px"] < 0.3
    assert told["frames"][5]["error_px"] is None
    assert got.ate_m < 0.01
    assert got.rotation_worst_deg < 0.4


def test_a_black_frame_at_the_end_has_nothing_between(plate: Plate, tmp_path: Path):
    part = replace(plate, files=replace(plate.files, frames=replace(SCENE.range, last=1006)))

    with pytest.raises(CalibrationError, match=r"frame 1006 was left out, .* lies at an end of the plate"):
        solve(part, tmp_path / "out", given(tmp_path, [1001, 1002, 1003, 1004, 1005]), exclude=1006)


@pytest.fixture(scope="module")
def held(plate: Plate, tmp_path_factory: pytest.TempPathFactory) -> CameraTrack:
    """Our own solve without the black frame, its left side ignored, two of its poses given."""
    folder = tmp_path_factory.mktemp("held")
    write_lens(folder / "lens.json", LENS, {})
    mask = np.zeros((180, 320), np.uint8)
    mask[:, :80] = 255
    images.write_png(folder / "ignore.0001.png", mask)
    brief = SolveBrief(
        lens=folder / "lens.json",
        locked=chan(folder, [1002, 1011]),
        locked_frames="1002,1011",
        ignore=folder / "ignore.0001.png",
    )
    return solve(plate, folder / "out", brief, exclude="1006")


def test_locked_frames_are_held_and_set_world_and_metres(held: CameraTrack):
    told = json.loads(held.figures.read_text())
    poses = cameras.load_poses(held)
    got = evaluate.compare(poses, POSES)

    ours, true = poses[10] @ np.linalg.inv(poses[1]), POSES[10] @ np.linalg.inv(POSES[1])
    np.testing.assert_allclose(ours, true, atol=1e-7)
    assert got.ate_of_path < 0.01
    assert told["locked"]["frames"] == [1002, 1011]
    assert told["by_hand"]["between_neighbours"] == [1006]
    assert held.scale_from.startswith("some.chan: 1 m per unit")


def test_a_calibrated_lens_is_held(held: CameraTrack):
    told = json.loads(held.figures.read_text())

    assert told["focal"]["from"] == "[solve] lens, held"
    for name in ("focal_x_px", "focal_y_px", "centre_x_px", "centre_y_px", "k1", "k2", "p1", "p2"):
        assert getattr(held.lens, name) == pytest.approx(getattr(LENS, name), rel=1e-9)
    assert held.reprojection_error_px < 0.25


def test_nothing_is_tracked_in_ignored_areas(held: CameraTrack):
    seen = np.load(held.observations)

    assert len(seen) > 500
    assert seen[:, 2].min() > 78


def test_one_locked_frame_sets_no_scale(plate: Plate, tmp_path: Path):
    with pytest.raises(CalibrationError, match=r"locked: 1 frame \(1002\) with 0 m between them, 2 that stand apart"):
        solve(plate, tmp_path / "out", SolveBrief(locked=chan(tmp_path, [1002]), locked_frames="1002"))


def test_wrong_words_are_refused(plate: Plate, tmp_path: Path):
    with pytest.raises(ConfigError, match="is not understood"):
        Params(exclude="1004 to 1009")
    with pytest.raises(ConfigError, match="locked and locked_frames belong together"):
        SolveBrief(locked_frames="1001")
    with pytest.raises(CalibrationError, match="exclude names frame 1050, the plate has 1001-1012"):
        solve(plate, tmp_path / "out", SolveBrief(), exclude="1003,1050")
