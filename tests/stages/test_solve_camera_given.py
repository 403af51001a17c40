"""A track of another program enters the shot: it is turned to our world, gets points of the plate, goes out and comes back."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from calibration import cameras, handover
from calibration.lens import project
from calibration.solve import evaluate
from pipeline.errors import CalibrationError
from pipeline.frames import FrameRate
from pipeline.io.chan import Chan, write_chan
from pipeline.sections import CameraFacts, MatteSource
from pipeline.solve_sections import SolveBrief
from pipeline.stage import silent
from pipeline.types import CameraTrack, Plate
from pipeline.world_sections import WorldFacts
from stages.solve_camera import Params, solve_camera
from tests.scenes import Scene, write_plate

SCENE = Scene(width=320, height=180, frames=10, step_m=(0.1, 0.0, -0.06))
LENS = SCENE.lens
BRIEF = {"distortion": (LENS.k1, LENS.k2, LENS.p1, LENS.p2), "centre_px": (LENS.centre_x_px, LENS.centre_y_px)}
POSES = np.array([SCENE.camera_from_world(frame) for frame in SCENE.range])


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Plate:
    return write_plate(SCENE, tmp_path_factory.mktemp("plate"))


def artists_chan(folder: Path, offset: int = 0) -> Path:
    """The true camera in centimetres, in a world turned by 30 degrees and moved aside on its ground."""
    turn = np.eye(4)
    turn[:3, :3] = [[np.cos(0.52), 0, np.sin(0.52)], [0, 1, 0], [-np.sin(0.52), 0, np.cos(0.52)]]
    turn[:3, 3] = [4.0, 0, 11.0]
    placed = turn @ cameras.world_from_camera(POSES) @ np.diag([1.0, -1.0, -1.0, 1.0])
    placed[:, :3, 3] *= 100
    fov = np.degrees(2 * np.arctan(SCENE.height / 2 / LENS.focal_y_px))
    write_chan(folder / "artist.chan", Chan(np.arange(1, 11) + offset, placed, np.full(10, fov)))
    return folder / "artist.chan"


def solve(
    plate: Plate, out: Path, brief: SolveBrief, facts: CameraFacts | None = None, params: Params | None = None
) -> CameraTrack:
    return solve_camera(
        plate=plate,
        facts=facts or CameraFacts(),
        brief=brief,
        world=WorldFacts(),
        mattes=MatteSource(),
        params=params or Params(tracks=400),
        out=out,
        progress=silent,
    )


@pytest.fixture(scope="module")
def given(plate: Plate, tmp_path_factory: pytest.TempPathFactory) -> CameraTrack:
    folder = tmp_path_factory.mktemp("given")
    brief = SolveBrief(track=artists_chan(folder), frame_offset=1000, metres_per_unit=0.01, **BRIEF)
    return solve(plate, folder / "out", brief)


def test_the_given_camera_is_the_shots_in_our_world(given: CameraTrack):
    poses = cameras.load_poses(given)

    got = evaluate.compare(poses, POSES)
    assert got.ate_m < 1e-6
    assert got.rotation_worst_deg < 1e-5
    assert got.scale == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(cameras.camera_centre(poses[0])[[0, 2]], 0, atol=1e-9)
    assert cameras.camera_centre(poses[0])[1] == pytest.approx(cameras.camera_centre(POSES[0])[1])
    assert abs(cameras.look_direction(poses[0])[0]) < 1e-9
    assert given.lens.focal_x_px == pytest.approx(LENS.focal_x_px)


def test_its_points_are_the_plates(given: CameraTrack):
    """Carried back into the scene's own world they lie on what the scene shows at their pixel."""
    poses, points, seen = cameras.load_poses(given), np.load(given.points), np.load(given.observations)
    errors = []
    for frame in (1002, 1006):
        mine = seen[seen[:, 0] == frame]
        local = cameras.to_camera(points[mine[:, 1].astype(int)], poses[frame - 1001])
        true = SCENE.depth_m(frame)[mine[:, 3].astype(int), mine[:, 2].astype(int)]
        near = np.isfinite(true) & (true < 15)
        errors.append(np.abs(local[near, 2] / true[near] - 1))
        assert np.median(np.linalg.norm(project(local, given.lens) - mine[:, 2:], axis=1)) < 0.3
    assert len(np.concatenate(errors)) > 60
    assert np.median(np.concatenate(errors)) < 0.03


def test_what_was_converted_is_told(given: CameraTrack):
    told = json.loads(given.figures.read_text())

    assert told["track"]["rotation_order"] == "ZXY"
    assert told["track"]["metres_per_unit"] == 0.01
    assert told["track"]["agree"] > 0.9 * told["track"]["tracks"] > 100
    assert told["world"]["world_from_track"]["turned_about_y_deg"] == pytest.approx(-np.degrees(0.52), abs=3)
    assert len(told["world"]["world_from_track"]["moved_m"]) == 3
    assert given.scale_from == "artist.chan: 0.01 m per unit"
    assert "pycolmap" not in sys.modules


@pytest.mark.parametrize("kind", ["chan", "usd", "colmap"])
def test_our_own_export_comes_back_as_the_same_camera(given: CameraTrack, plate: Plate, tmp_path: Path, kind: str):
    if kind == "chan":
        handover.chan(given, tmp_path / "c.chan", "XYZ")
        brief = SolveBrief(track=tmp_path / "c.chan", rotation_order="XYZ", **BRIEF)
    elif kind == "usd":
        handover.stage(given, tmp_path / "c.usdc", FrameRate(24))
        brief = SolveBrief(track=tmp_path / "c.usdc")
    else:
        handover.colmap(given, tmp_path / "model")
        brief = SolveBrief(track=tmp_path / "model")

    again = solve(plate, tmp_path / "out", brief, CameraFacts(height_m=1.7))

    got = evaluate.compare(cameras.load_poses(again), cameras.load_poses(given))
    assert got.ate_m < 1e-5
    assert got.rotation_worst_deg < 1e-4
    assert again.lens.focal_y_px == pytest.approx(given.lens.focal_y_px, rel=1e-5)
    assert again.reprojection_error_px == pytest.approx(given.reprojection_error_px, abs=0.01)


def test_another_plates_track_is_refused(plate: Plate, tmp_path: Path):
    """The way is gone backwards."""
    track = artists_chan(tmp_path)
    rows = [line.split(" ", 1) for line in track.read_text().splitlines()]
    track.write_text("\n".join(f"{a[0]} {b[1]}" for a, b in zip(rows, rows[::-1], strict=True)))

    with pytest.raises(CalibrationError, match=r"tracks \(\d+%\), 40% are needed\. Check \[solve\] frame_offset"):
        solve(plate, tmp_path / "out", SolveBrief(track=track, frame_offset=1000, **BRIEF))


def test_a_track_whose_ground_lies_elsewhere_is_refused(plate: Plate, tmp_path: Path):
    track = artists_chan(tmp_path)
    rows = [line.split() for line in track.read_text().splitlines()]
    track.write_text("\n".join(" ".join([*row[:2], str(float(row[2]) - 500), *row[3:]]) for row in rows))
    brief = SolveBrief(track=track, frame_offset=1000, metres_per_unit=0.01, **BRIEF)

    with pytest.raises(CalibrationError, match=r"stands 3.* under the ground \(artist.chan, y = 0\)"):
        solve(plate, tmp_path / "out", brief)


class Pan(Scene):
    def camera_from_world(self, frame: int) -> np.ndarray:
        angle = 0.02 * (frame - 1001)
        ahead = np.array([np.sin(angle), -0.05, -np.cos(angle)])
        return cameras.look_at(np.array([0.0, 1.7, 0.0]), np.array([0.0, 1.7, 0.0]) + ahead)


def test_a_given_pan_without_parallax_enters_and_what_was_left_out_stays_on_its_spot(tmp_path: Path):
    scene = Pan(width=320, height=180, frames=10)
    true = np.array([scene.camera_from_world(frame) for frame in scene.range])
    fov = np.degrees(2 * np.arctan(scene.height / 2 / LENS.focal_y_px))
    placed = cameras.world_from_camera(true) @ np.diag([1.0, -1.0, -1.0, 1.0])
    write_chan(tmp_path / "pan.chan", Chan(np.arange(1001, 1011), placed, np.full(10, fov)))

    track = solve(
        write_plate(scene, tmp_path / "plate"),
        tmp_path / "out",
        SolveBrief(track=tmp_path / "pan.chan", **BRIEF),
        params=Params(tracks=400, exclude="1004-1005"),
    )

    poses, told = cameras.load_poses(track), json.loads(track.figures.read_text())
    assert told["by_hand"]["by_its_points"] == [1004, 1005]
    assert told["move"]["is"] == "turn"
    assert evaluate.turns_apart_deg(poses, true)[1] < 0.05
    np.testing.assert_allclose(cameras.camera_centre(poses), np.tile([0, 1.7, 0], (10, 1)), atol=1e-6)
    assert np.mean(np.abs(np.load(track.points)[:, 1]) < 1e-3) > 0.2  # some lie on its ground
