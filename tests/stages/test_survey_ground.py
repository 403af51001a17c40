"""The ground stage against the analytic scene: height error near and far, files, same bytes again."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.ground.heightfield import Heightfield
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.stage import silent
from pipeline.types import DepthMaps, Ground, Mattes
from stages.survey_ground import Params, survey_ground
from tests.scenes import WALLS, Scene, Shot, write_plate, write_track
from tests.zooming import Zoom, write_zoom

FRAMES = FrameRange(1001, 1004)
QUICK = Params(points_per_look=8000, reach_m=75)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Shot, Ground, Ground]:
    folder = tmp_path_factory.mktemp("shot")
    scene = Scene(frames=4, actor=True, step_m=(0.2, 0, -0.3))
    shot = Shot(scene, write_plate(scene, folder / "plate"), write_track(scene, folder / "track"), folder)
    return shot, *surveyed(shot, "a", "b")


def surveyed(shot: Shot, *names: str, trusted_m: float = np.inf) -> list[Ground]:
    """The ground, once for each name. Depth has 1% of error that runs smoothly over the picture, as a real sweep's does.

    trusted_m: beyond this the depth doubts itself.
    """
    scene, folder = shot.scene, shot.folder
    depth = DepthMaps(FrameFiles(folder / "depth", "depth.%04d.exr", FRAMES))
    mattes = Mattes(FrameFiles(folder / "mattes", "matte.%04d.exr", FRAMES), "truth")
    rng = np.random.default_rng(3)
    for frame in FRAMES:
        error = cv2.GaussianBlur(rng.standard_normal((180, 320)).astype(np.float32), (0, 0), 3)
        z = scene.depth_m(frame) * (1 + 0.01 * error / error.std())
        exr.write(depth.files.path(frame), {"Z": z, "C": (z < trusted_m).astype(np.float32)}, compression="zip")
        exr.write(mattes.files.path(frame), {"A": scene.matte(frame).astype(np.float16)}, compression="zip")
    return [
        survey_ground(
            plate=shot.plate, track=shot.track, depth=depth, mattes=mattes, params=QUICK, out=folder / name,
            progress=silent,
        )
        for name in names
    ]  # fmt: skip


def error_m(scene: Scene, ground: Ground, nearest_m: float, farthest_m: float) -> np.ndarray:
    """Height error on a grid over the wedge that the first camera sees."""
    z, x = np.mgrid[-farthest_m:-nearest_m:0.5, -30:30:0.5]
    seen = (np.abs(x) < 0.5 * np.abs(z)) & (np.hypot(x, z) < farthest_m)
    apart = Heightfield.read(ground).height(x, z) - scene.ground_height_m(np.float32(x), np.float32(z))
    return np.abs(apart[seen])


def test_walls_are_known_to_stand_there_and_the_actor_is_not(made):
    """Of WALLS the two that stand nearest are as high as they are; nearly nothing else stands within 30 m."""
    _, ground, _ = made
    tops, field = np.load(ground.tops), Heightfield.read(ground)
    rows, columns = np.nonzero(np.isfinite(tops))
    x, z = field.origin_x_m + field.cell_m * columns, field.origin_z_m + field.cell_m * rows

    def beside(low_x, low_z, high_x, high_z, slack=0.9):
        return (x > low_x - slack) & (x < high_x + slack) & (z > low_z - slack) & (z < high_z + slack)

    for low_x, _, low_z, high_x, high_y, high_z in WALLS[:2]:
        mine = beside(low_x, low_z, high_x, high_z)
        assert mine.sum() >= 2
        assert np.median(tops[rows, columns][mine]) == pytest.approx(high_y, abs=0.9)
    near = np.hypot(x, z) < 30
    known = np.any([beside(w[0], w[2], w[3], w[5]) for w in WALLS], axis=0)
    assert known[near].mean() > 0.95


def test_ground_is_right_to_a_hand_within_thirty_metres(made):
    shot, ground, _ = made

    near = error_m(shot.scene, ground, 4, 30)

    assert np.sqrt(np.mean(near**2)) < 0.10
    assert np.quantile(near, 0.95) < 0.25


def test_a_zoom_shows_the_ground_through_each_frames_own_lens(tmp_path):
    """1.4 times as long at the end: by one lens for all, what the last frames show would lie metres off."""
    shot = write_zoom(Zoom(frames=4, actor=True, step_m=(0.2, 0, -0.3)), tmp_path)

    [ground] = surveyed(shot, "a")

    near = error_m(shot.scene, ground, 4, 30)
    assert np.sqrt(np.mean(near**2)) < 0.10
    assert np.quantile(near, 0.95) < 0.25


def test_far_ground_is_within_two_percent_of_its_distance(made):
    shot, ground, _ = made

    assert np.median(error_m(shot.scene, ground, 30, 60)) < 0.02 * 45


def test_points_solved_under_the_ground_do_not_pull_it_down(made, tmp_path):
    """What shines or moves with the camera is solved at three times the distance of the ground that hides it."""
    shot = made[0]
    rng = np.random.default_rng(5)
    true = np.load(shot.track.points)
    low = true[(true[:, 1] < 1) & (true[:, 2] < -6) & (true[:, 2] > -20)]
    stood = np.linalg.inv(np.load(shot.track.poses)[0])[:3, 3]
    false = stood + 3 * (low[rng.integers(len(low), size=300)] - stood)
    near = true[np.hypot(true[:, 0], true[:, 2]) < 18]
    np.save(tmp_path / "points.npy", np.concatenate([near, false]).astype(np.float32))
    track = replace(shot.track, points=tmp_path / "points.npy")

    [ground] = surveyed(replace(shot, track=track, folder=tmp_path), "a", trusted_m=18.0)

    off = error_m(shot.scene, ground, 4, 22)
    assert np.quantile(off, 0.95) < 0.25
    assert off.max() < 0.5


def test_figures_tell_residual_and_coverage(made):
    figures = json.loads(made[1].figures.read_text())

    assert figures["residual_rms_m"] < 0.2
    assert 0.02 < figures["share_measured"] < 0.9
    assert figures["frames"] == [1001, 1002, 1003, 1004]


def test_equal_inputs_give_equal_bytes(made):
    assert made[1].heights.read_bytes() == made[2].heights.read_bytes()
    assert made[1].figures.read_bytes() == made[2].figures.read_bytes()


def test_senseless_settings_are_refused():
    with pytest.raises(ConfigError, match="cell_m"):
        Params(cell_m=50)
