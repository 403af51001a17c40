"""The automatic matte against the analytic scene's truth."""

import cv2
import numpy as np
import pytest

from calibration.mattes import figure_depth, find_matte, refine
from pipeline.io import exr
from pipeline.types import DepthMaps, FrameFiles
from tests.scenes import FIRST_BOX, WALLS, Scene, Shot, write_shot

SETTINGS = {"width_px": 480, "reach": 48, "count": 10, "sure": 6.0}


def true_depth_maps(scene: Scene, folder) -> DepthMaps:
    """The truth as the depth stage would say it: no trust in the actor, in edges, in the sky."""
    files = FrameFiles(folder, "depth.%04d.exr", scene.range)
    for frame in scene.range:
        depth, surface = scene.depth_m(frame), scene.surfaces(frame)
        mixed = cv2.dilate(surface.astype(np.uint8), np.ones((5, 5))) != cv2.erode(
            surface.astype(np.uint8), np.ones((5, 5))
        )
        walking = surface == FIRST_BOX + len(WALLS)
        trust = np.where(mixed | walking | np.isinf(depth), 0, 1).astype(np.float32)
        exr.write(files.path(frame), {"Z": depth, "C": trust}, compression="zip")
    return DepthMaps(files)


def overlap(alpha: np.ndarray, truth: np.ndarray) -> float:
    a, b = alpha > 0.5, truth > 0.5
    return float((a & b).sum() / (a | b).sum())


@pytest.fixture(scope="module")
def shot(tmp_path_factory) -> Shot:
    scene = Scene(width=480, height=270, frames=24, actor=True, actor_speed_mps=2.2)
    return write_shot(scene, tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def depth(shot) -> DepthMaps:
    return true_depth_maps(shot.scene, shot.folder / "depth")


@pytest.mark.parametrize("frame", [1001, 1012, 1024])
def test_the_walking_actor_is_found_and_nothing_else(shot, depth, frame):
    matte = find_matte(shot.plate, shot.track, depth, frame, **SETTINGS)

    alpha, truth = refine(matte, shot.scene.picture(frame)), shot.scene.matte(frame)

    assert overlap(alpha, truth) > 0.85
    assert np.mean((alpha > 0.5) & (truth < 0.01)) < 0.002


def test_an_empty_set_gives_an_empty_matte(tmp_path):
    shot = write_shot(Scene(frames=12), tmp_path)
    depth = true_depth_maps(shot.scene, tmp_path / "depth")

    matte = find_matte(shot.plate, shot.track, depth, 1006, **SETTINGS)

    assert matte.mean() < 0.002


def test_refine_leaves_nothing_far_from_the_matte_and_keeps_the_solid_whole():
    picture = np.random.default_rng(1).random((90, 160, 3)).astype(np.float32)
    rough = np.zeros((45, 80), np.float32)
    rough[10:35, 20:60] = 1

    alpha = refine(rough, picture, 4)

    assert np.all(alpha[32:58, 52:108] == 1)
    assert np.all(alpha[:8] == 0)
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_refine_finds_the_pictures_edge():
    picture = np.full((80, 120, 3), 0.02, np.float32)
    picture[20:60, 33:87] = 0.6
    rough = np.zeros((20, 30), np.float32)
    rough[5:15, 9:21] = 1

    alpha = refine(rough, picture, 6)

    truth = picture[..., 0] > 0.1
    assert overlap(alpha, truth.astype(np.float32)) > 0.95


def test_a_figure_stands_where_its_feet_are():
    rows = np.arange(100, dtype=np.float32)[:, None] + np.zeros((1, 60), np.float32)
    depth_m = 1000 / (rows + 1)
    alpha = np.zeros((100, 60), np.float32)
    alpha[20:70, 10:20] = 1

    far = figure_depth(alpha, depth_m, np.ones_like(depth_m))

    assert far[30, 15] == pytest.approx(1000 / 71.5, rel=0.03)
    assert np.isinf(far[30, 40])
