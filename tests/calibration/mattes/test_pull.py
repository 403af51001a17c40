"""The automatic matte against the analytic scene's truth."""

import cv2
import numpy as np
import pytest

from calibration.mattes.edges import refine
from calibration.mattes.pull import find_matte
from pipeline.frames import FrameFiles
from pipeline.io import exr
from pipeline.types import DepthMaps
from tests.scenes import FIRST_BOX, WALLS, Scene, Shot, write_shot

SETTINGS = {"width_px": 480, "reach": 48, "count": 10, "sure": 5.0}


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


@pytest.fixture(scope="module", params=[2.2, 1.2, -1.5], ids=["2.2 m/s", "1.2 m/s", "-1.5 m/s"])
def shot(request, tmp_path_factory) -> Shot:
    scene = Scene(width=480, height=270, frames=24, actor=True, actor_speed_mps=request.param)
    return write_shot(scene, tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def depth(shot) -> DepthMaps:
    return true_depth_maps(shot.scene, shot.folder / "depth")


@pytest.mark.parametrize("frame", [1001, 1012])
def test_the_walking_actor_is_found_and_nothing_else(shot, depth, frame):
    """The first frame has looks on one side only; who walks at 1.2 m/s stands half before himself in the nearest ones."""
    matte = find_matte(shot.plate, shot.track, depth, frame, **SETTINGS)

    alpha, truth = refine(matte, shot.scene.picture(frame)), shot.scene.matte(frame)

    least = 0.93 if frame == 1001 and shot.scene.actor_speed_mps == 1.2 else 0.98
    assert overlap(alpha, truth) > least
    assert np.mean((alpha > 0.5) & (truth < 0.01)) < (0.003 if least < 0.98 else 0.0003)


def test_an_empty_set_gives_an_empty_matte(tmp_path):
    shot = write_shot(Scene(frames=12), tmp_path)
    depth = true_depth_maps(shot.scene, tmp_path / "depth")

    matte = find_matte(shot.plate, shot.track, depth, 1006, **SETTINGS)

    assert matte.mean() < 0.002
