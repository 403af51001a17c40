"""Depth without walkers: a wrong near answer around someone who moves, or beside an edge, does not hold a layer out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.depth.still import still_depth
from calibration.ground.heightfield import Heightfield
from tests.scenes import FIRST_BOX, GROUND, Scene, write_shot

FRAME = 1005
SCENE = Scene(width=480, height=270, frames=9, step_m=(0.12, 0.004, -0.1))


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    return write_shot(SCENE, tmp_path_factory.mktemp("still"))


@pytest.fixture(scope="module")
def ground():
    x, z = np.meshgrid(np.arange(-40, 40, 0.5), np.arange(-80, 5, 0.5))
    return Heightfield(SCENE.ground_height_m(x, z), -40.0, -80.0, 0.5)


def mended(shot, ground, near, sure):
    """still_depth of FRAME, whose map tells the truth but for `near` (+inf: true), sure where `sure`."""
    z = np.minimum(SCENE.depth_m(FRAME), near).astype(np.float32)
    told = z, np.where(sure, np.float32(1), np.float32(0.1))
    return still_depth(shot.plate, shot.track, told, ground, FRAME)


def test_a_hole_that_a_walker_tore_is_mended_where_the_others_see_the_ground(shot, ground):
    true, surface = SCENE.depth_m(FRAME), SCENE.surfaces(FRAME)
    blot = np.zeros(true.shape, bool)
    blot[150:200, 190:260] = True
    torn = blot & (surface == GROUND) & (true > 4)

    z, confidence = mended(shot, ground, np.where(blot, 2.0, np.inf), ~blot)

    assert torn.sum() > 1000
    assert np.median(np.abs(z[torn] / true[torn] - 1)) < 0.05
    assert (np.abs(z[torn] / true[torn] - 1) < 0.1).mean() > 0.9
    np.testing.assert_array_equal(z[~blot], true[~blot])
    assert confidence[torn].mean() > 0.3


def test_an_edge_that_is_too_fat_shrinks_to_the_thing_and_an_unsure_thing_stays(shot, ground):
    true, surface = SCENE.depth_m(FRAME), SCENE.surfaces(FRAME)
    wall = (surface == FIRST_BOX + 2).astype(np.uint8)
    fat, lean = (f(wall, np.ones((13, 13), np.uint8)) > 0 for f in (cv2.dilate, cv2.erode))
    halo, rim = fat & (wall == 0) & (true > 1.5 * np.median(true[wall > 0])), (wall > 0) & ~lean
    told = np.where(halo, np.float32(np.median(true[wall > 0])), np.inf)

    z, _ = mended(shot, ground, told, ~(halo | rim))

    assert halo.sum() > 300
    assert rim.sum() > 300
    assert (z[halo] > 1.25 * told[halo]).mean() > 0.6, "the halo still holds layers out"  # as it was told: 0
    assert (z[rim] < 1.1 * true[rim]).mean() > 0.95, "the wall was taken away"


def test_without_parallax_nothing_is_doubted(tmp_path, ground):
    still = Scene(width=160, height=90, frames=3, step_m=(0.0, 0.0, 0.0))
    shot = write_shot(still, tmp_path)
    told = np.full((90, 160), 2.0, np.float32)

    z, confidence = still_depth(shot.plate, shot.track, (told, np.zeros_like(told)), ground, 1001)

    np.testing.assert_array_equal(z, told)
    np.testing.assert_array_equal(confidence, 0)
