"""Ground that depth put a hand too high, put right by the plate itself: the analytic scene is the truth."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.cameras import camera_centre, load_poses, to_camera
from calibration.depth.views import load_view
from calibration.ground import settle
from calibration.ground.heightfield import Heightfield
from calibration.ground.survey import Sheet, survey
from calibration.lens import project
from pipeline.frames import FrameFiles
from pipeline.io import exr
from tests.scenes import GROUND, Scene, Shot, write_shot

WRONG_M = 0.05


@pytest.fixture(scope="module")
def shot(tmp_path_factory) -> Shot:
    folder = tmp_path_factory.mktemp("shot")
    made = write_shot(Scene(width=640, height=360, frames=12, actor=True, step_m=(0.1, 0.004, -0.12)), folder)
    for frame in made.scene.range:
        exr.write(mattes(made).path(frame), {"A": made.scene.matte(frame).astype(np.float16)}, compression="zip")
    return made


def mattes(shot: Shot) -> FrameFiles:
    return FrameFiles(shot.folder / "mattes", "matte.%04d.exr", shot.scene.range)


def field(scene: Scene, too_high_m: float) -> Heightfield:
    z, x = np.mgrid[-70.0:4.0:0.5, -40.0:40.0:0.5]
    heights = scene.ground_height_m(x.astype(np.float32), z.astype(np.float32)) + too_high_m
    return Heightfield(heights.astype(np.float32), -40.0, -70.0, 0.5)


def look(shot: Shot, ground: Heightfield, frame: int) -> settle.Evidence:
    return settle.look(shot.plate, shot.track, mattes(shot).path(frame), ground, frame, 1920, settle.WINDOWS[0])


def slides_px(shot: Shot, ground: Heightfield) -> np.ndarray:
    """How far points that stand on `ground` at pixels of the first frame slide over the plate by the last one."""
    scene, first, last = shot.scene, shot.scene.range.first, shot.scene.range.last
    row, column = np.nonzero(scene.surfaces(first) == GROUND)
    row, column = row[::53], column[::53]
    px = np.column_stack([column, row]) + 0.5
    poses = load_poses(shot.track)
    stood = ground.meet_ground(px, scene.lens, poses[0])
    true = field(scene, 0).meet_ground(px, scene.lens, poses[0])
    near = np.isfinite(stood).all(axis=1) & (to_camera(true, poses[0])[:, 2] < 30)
    there = poses[scene.range.index(last)]
    return np.linalg.norm(
        project(to_camera(stood[near], there), scene.lens) - project(to_camera(true[near], there), scene.lens), axis=1
    )


def test_feet_stop_sliding(shot):
    """As the stage does it: what depth said stays, with little weight, where the plate says nothing."""
    wrong = ground = field(shot.scene, WRONG_M)
    poses = load_poses(shot.track)
    row, column = np.nonzero(shot.scene.surfaces(1006) == GROUND)
    depth = wrong.meet_ground(np.column_stack([column, row])[::7] + 0.5, shot.scene.lens, poses[5])
    depth = depth[np.isfinite(depth).all(axis=1)]
    little = 2 / np.linalg.norm(depth - camera_centre(poses[5]), axis=1) ** 2
    for _ in range(2):
        seen = [look(shot, ground, frame) for frame in (1001, 1006, 1012)]
        points = np.concatenate([depth, *[s.points for s in seen]])
        say = np.concatenate([little, *[s.say for s in seen]])
        ground = survey(points, camera_centre(poses), Sheet(), say, ground).field

    before, after = slides_px(shot, wrong), slides_px(shot, ground)
    assert np.median(before) > 2
    assert np.median(after) < np.median(before) / 5
    assert np.percentile(after, 90) < 0.75 * np.percentile(before, 90)  # the rim is seen by one frame alone


def test_a_passer_by_is_no_ground(shot):
    frame = 1006
    points = look(shot, field(shot.scene, 0), frame).points

    px = np.floor(project(to_camera(points, load_poses(shot.track)[5]), shot.scene.lens)).astype(int)

    assert len(px) > 2000
    assert not shot.scene.matte(frame)[px[:, 1].clip(0, 359), px[:, 0].clip(0, 639)].any()


def test_ground_beside_what_stands_out_counts_little(shot):
    """A mound that the sheet does not know: windows at its foot see both, and what they say of the ground is too high."""
    scene = shot.scene
    ground = field(scene, 0)
    rows, columns = np.mgrid[0 : ground.heights.shape[0], 0 : ground.heights.shape[1]]
    x, z = ground.origin_x_m + ground.cell_m * columns, ground.origin_z_m + ground.cell_m * rows
    mound = (np.abs(x - 2) < 1.5) & (np.abs(z + 9) < 1.5)
    unaware = replace(ground, heights=np.where(mound, ground.heights - np.float32(0.15), ground.heights))

    seen = look(shot, unaware, 1006)

    off = np.hypot(seen.points[:, 0] - 2, seen.points[:, 2] + 9)
    assert (off < 1).sum() > 20
    assert np.mean(seen.clear[off < 1]) < np.mean(seen.clear[off > 4]) / 3  # grain, too, looks as if it stood out


def test_the_sheet_as_a_view_sees_it_has_the_scenes_depth(shot):
    view = load_view(shot.plate, shot.track, 1005, 640)
    shown = settle.inverse_depth(field(shot.scene, 0), view)
    bare = shot.scene.surfaces(1005) == GROUND
    off = np.abs(shown[bare] * shot.scene.depth_m(1005)[bare] - 1)

    assert np.median(off) < 0.003
    assert np.percentile(off, 95) < 0.03
    assert not shown[:120].any()


def test_a_still_camera_tells_nothing(shot, tmp_path):
    still = np.repeat(load_poses(shot.track)[:1], len(shot.scene.range), axis=0)
    np.save(tmp_path / "poses.npy", still)
    track = replace(shot.track, poses=tmp_path / "poses.npy")

    seen = settle.look(shot.plate, track, mattes(shot).path(1003), field(shot.scene, 0), 1003, 640, settle.WINDOWS[0])

    assert seen.points.shape == (0, 3)
    assert seen.say.shape == seen.clear.shape == (0,)
