"""The camera solved from pictures of an analytic scene, against its truth; the demo's plate; a real one."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration import cameras
from calibration.lens import project
from calibration.solve import evaluate
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import color, exr, images, video
from pipeline.sections import CameraFacts, PlateSource, ShotInfo
from pipeline.stage import silent
from pipeline.types import CameraTrack, Plate
from stages.ingest import Params as IngestParams
from stages.ingest import ingest
from tests.scenes import Scene, write_plate
from tests.stages.solving import SCENE, against_truth, solve

DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo"
PLATES = Path(os.environ.get("BATTLEPLATE_PLATES") or Path(__file__).resolve().parents[3] / "shared" / "plates")


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Plate:
    return write_plate(SCENE, tmp_path_factory.mktemp("plate"))


@pytest.fixture(scope="module")
def track(plate: Plate, tmp_path_factory: pytest.TempPathFactory) -> CameraTrack:
    return solve(plate, tmp_path_factory.mktemp("track"))


def test_the_solved_camera_is_the_true_one(track: CameraTrack):
    got = against_truth(track, SCENE)

    assert got.ate_of_path < 0.005
    assert got.rotation_worst_deg < 0.15
    assert track.lens.focal_x_px == pytest.approx(SCENE.lens.focal_x_px, rel=0.02)
    assert track.reprojection_error_px < 0.3


def test_the_solved_lens_bends_as_the_true_one(track: CameraTrack):
    """Coefficients trade off against each other; what counts is where the picture's edge bends to."""
    angle = np.array([[0.45, 0.0, 1.0]])
    straight = track.lens.focal_x_px * 0.45

    solved = project(angle, track.lens)[0, 0] - track.lens.centre_x_px - straight
    true = project(angle, SCENE.lens)[0, 0] - SCENE.lens.centre_x_px - SCENE.lens.focal_x_px * 0.45

    assert solved == pytest.approx(true, abs=0.8)


def test_the_world_stands_on_its_ground_in_metres(track: CameraTrack):
    """The land rises ahead by three degrees: that much the plane may tilt, and the metre with it."""
    poses = cameras.load_poses(track)
    points = np.load(track.points)
    near = points[(np.abs(points[:, 0]) < 4) & (points[:, 2] < -3) & (points[:, 2] > -8) & (points[:, 1] < 0.5)]

    np.testing.assert_allclose(cameras.camera_centre(poses[0]), [0, 1.7, 0], atol=1e-9)
    assert against_truth(track, SCENE).scale == pytest.approx(1, abs=0.18)
    assert len(near) > 30
    assert abs(np.median(near[:, 1])) < 0.12
    assert "1.7 m" in track.scale_from


def test_observations_name_frames_and_points_and_fit(track: CameraTrack):
    poses, points, seen = cameras.load_poses(track), np.load(track.points), np.load(track.observations)

    for frame in (1001, 1013, 1024):
        mine = seen[seen[:, 0] == frame]
        pixels = project(cameras.to_camera(points[mine[:, 1].astype(int)], cameras.pose_at(track, frame)), track.lens)
        assert len(mine) > 50
        assert np.median(np.linalg.norm(pixels - mine[:, 2:], axis=1)) < 0.3
    assert poses.dtype == np.float64
    assert points.dtype == seen.dtype == np.float32


def test_the_figures_tell_every_frame(track: CameraTrack):
    told = json.loads(track.figures.read_text())

    assert [row["frame"] for row in told["frames"]] == list(track.frames)
    assert all(row["points"] > 20 and row["error_px"] < 0.5 for row in told["frames"])
    assert told["mapper"] in ("global", "incremental")
    assert told["largest_step"] < 2
    assert told["jitter"] < 0.3
    assert told["parallax_deg"] > 1
    assert told["focal"] == {"from": "the plate", "overruled": False}
    assert told["keyframes"][0] == 1001


@pytest.mark.slow
def test_two_solves_of_one_plate_are_equal_bytes(plate: Plate, track: CameraTrack, tmp_path: Path):
    again = solve(plate, tmp_path)

    for name in ("poses", "points", "observations", "tracks", "figures"):
        assert getattr(again, name).read_bytes() == getattr(track, name).read_bytes(), name


def test_the_stage_writes_what_it_names_and_nothing_else(track: CameraTrack):
    named = {track.poses, track.points, track.observations, track.tracks, track.figures}

    assert set(track.poses.parent.iterdir()) == named


def test_pycolmap_never_enters_this_process(track: CameraTrack):
    assert "pycolmap" not in sys.modules


@pytest.fixture(scope="module")
def acted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Plate]:
    scene = replace(SCENE, actor=True, seed=4)
    return scene, write_plate(scene, tmp_path_factory.mktemp("acted"))


def test_someone_who_walks_does_not_bend_the_camera(acted: tuple[Scene, Plate], tmp_path: Path):
    scene, plate = acted

    got = against_truth(solve(plate, tmp_path), scene)

    assert got.ate_of_path < 0.01
    assert got.rotation_worst_deg < 0.3


def test_supplied_mattes_and_the_written_focal_length_are_used(acted: tuple[Scene, Plate], tmp_path: Path):
    scene, plate = acted
    for frame in scene.range:
        images.write_png(tmp_path / "roto" / f"roto.{frame}.png", np.uint8(255 * scene.matte(frame)))
    facts = CameraFacts(focal_mm=scene.lens.focal_x_px / scene.width * 36, sensor_width_mm=36)

    track = solve(plate, tmp_path / "out", facts, tmp_path / "roto" / "roto.%04d.png")

    told, seen = json.loads(track.figures.read_text()), np.load(track.observations)
    first = seen[seen[:, 0] == 1001, 2:].astype(int)
    assert against_truth(track, scene).ate_of_path < 0.01
    assert (told["mattes"], told["focal"]["from"]) == ("supplied", "[camera], held")
    assert track.lens.focal_x_px == pytest.approx(scene.lens.focal_x_px, rel=1e-6)
    assert scene.matte(1001)[first[:, 1].clip(0, 269), first[:, 0].clip(0, 479)].max() == 0
    assert "assumed" in track.scale_from


def test_a_prior_that_a_plate_with_parallax_contradicts_gives_way_by_its_weight(tmp_path: Path):
    """10% off and said to be so: the plate's own focal length."""
    scene = Scene(width=320, height=180, frames=16)
    true_mm = 25 * scene.lens.focal_x_px / scene.width

    track = solve(
        write_plate(scene, tmp_path / "p"),
        tmp_path / "out",
        CameraFacts(1.7, 1.1 * true_mm, 25, focal_sigma_mm=0.1 * true_mm),
    )

    told = json.loads(track.figures.read_text())["focal"]
    assert track.lens.focal_x_px == pytest.approx(scene.lens.focal_x_px, rel=0.02)
    assert told["prior_mm"] == pytest.approx(1.1 * true_mm)
    assert told["found_mm"] == pytest.approx(true_mm, rel=0.02)
    assert told["sigmas_apart"] == pytest.approx(1.04, abs=0.25)
    assert (told["warning"], told["overruled"]) == ("", False)


@pytest.mark.slow
def test_a_sharp_prior_brings_a_dolly_nearer_to_its_true_focal_length(plate: Plate, tmp_path: Path):
    true_mm = 25 * SCENE.lens.focal_x_px / SCENE.width

    track = solve(plate, tmp_path, CameraFacts(1.7, true_mm, 25, focal_sigma_mm=0.002 * true_mm))

    assert track.lens.focal_x_px == pytest.approx(SCENE.lens.focal_x_px, rel=0.003)  # 0.9% off without
    assert against_truth(track, SCENE).ate_of_path < 0.01


@pytest.mark.slow
def test_a_wrongly_written_focal_length_is_overruled(plate: Plate, tmp_path: Path):
    track = solve(plate, tmp_path, CameraFacts(height_m=1.7, focal_mm=50, sensor_width_mm=36))

    told = json.loads(track.figures.read_text())
    assert told["focal"]["from"] == "the plate: what [camera] says fits worse"
    assert track.lens.focal_x_px == pytest.approx(SCENE.lens.focal_x_px, rel=0.03)
    assert against_truth(track, SCENE).ate_of_path < 0.01


# ---------------------------------------------------------------- the demo's plate


@pytest.mark.slow
def test_the_demo_shot_is_solved_to_its_truth(tmp_path: Path):
    """No mattes given: five people walk about. Its truth is what the plate was rendered with. tests/test_shot.py solves it at half
    size on every run of the suite."""
    truth = json.loads((DEMO / "truth" / "camera.json").read_text())
    first, last = truth["frames"]
    source = PlateSource(DEMO / "plate.mov", truth["colorspace"], truth["frame_rate"])
    plate = ingest(source=source, shot=ShotInfo("demo"), params=IngestParams(), out=tmp_path / "plate", progress=silent)
    facts = CameraFacts(truth["height_m"], truth["focal_mm"], truth["sensor_width_mm"])

    track = solve(plate, tmp_path / "track", facts)

    poses = np.array([truth["camera_from_world"][str(frame)] for frame in range(first, last + 1)])
    got = evaluate.compare(cameras.load_poses(track), poses)
    told = json.loads(track.figures.read_text())
    assert got.ate_of_path < 0.003
    assert got.rotation_worst_deg < 0.3
    assert got.scale == pytest.approx(1, abs=0.08)  # the ground in view lies a hand lower than that under the dolly
    assert told["focal"]["overruled"] is False
    assert track.lens.k1 == pytest.approx(truth["lens"]["k1"], abs=0.02)


# ---------------------------------------------------------------- a real plate


@pytest.fixture
def lawn(tmp_path: Path) -> Plate:
    movie = PLATES / "lawn_dog.mp4"
    if not movie.is_file():
        pytest.skip(f"{movie} is not here; set BATTLEPLATE_PLATES to the folder that holds it")
    files = FrameFiles(tmp_path / "plate", "plate.%04d.exr", FrameRange(1001, 1122))
    for frame, rgb in zip(files.frames, video.read_frames(movie), strict=True):
        exr.write_rgb(files.path(frame), color.to_acescg(rgb, "sRGB - Texture"))
    return Plate(files, 1280, 720, 1.0, FrameRate(30), "", "sRGB - Texture")


@pytest.mark.slow
def test_a_walk_over_a_lawn_is_placed_whole(lawn: Plate, tmp_path: Path):
    """The walker's phone keeps its height above a flat lawn: that is the truth at hand."""
    track = solve(lawn, tmp_path / "out")

    told = json.loads(track.figures.read_text())
    heights = cameras.camera_centre(cameras.load_poses(track))[:, 1]
    assert len(told["frames"]) == 122
    assert max(row["error_px"] for row in told["frames"]) < 1.25  # four frames are blurred by a jolt
    assert track.reprojection_error_px < 0.6
    assert told["ground"]["plane_found"]
    assert heights.min() > 1.5
    assert heights.max() < 1.9
