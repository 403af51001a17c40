"""Frames vote on one another's depth: against the true depth of a scene with a wall, a moving box and ground."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.depth.votes import SURE_FROM, VOTED, Votes
from pipeline.frames import FrameFiles
from pipeline.io import exr
from pipeline.types import DepthMaps
from tests.layers import write_mattes
from tests.scenes import FIRST_BOX, Scene, write_shot

FRAME = 1007
SCENE = Scene(width=480, height=270, frames=13, step_m=(0.3, 0.004, -0.1), actor=True)
FAT = np.ones((7, 7), np.uint8)


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    return write_shot(SCENE, tmp_path_factory.mktemp("votes"))


@pytest.fixture(scope="module")
def mattes(tmp_path_factory):
    return write_mattes(SCENE, tmp_path_factory.mktemp("mattes"))


def wall(frame):
    return SCENE.surfaces(frame) == FIRST_BOX + 2


def votes(shot, mattes, folder, told):
    """Of maps that tell the truth but for what `told` (frame, truth) makes of it: depth and confidence."""
    files = FrameFiles(folder, "depth.%04d.exr", SCENE.range)
    for frame in SCENE.range:
        z, confidence = told(frame, SCENE.depth_m(frame).astype(np.float32))
        exr.write(files.path(frame), {"Z": z, "C": np.asarray(confidence, np.float32)})
    return Votes(shot.plate, shot.track, DepthMaps(files), mattes, 480)


def test_a_wall_that_one_frame_missed_is_put_back(shot, mattes, tmp_path):
    missed = wall(FRAME) & (SCENE.matte(FRAME) == 0)

    def told(frame, true):
        if frame != FRAME:
            return true, np.ones_like(true)
        return np.where(wall(frame), np.float32(60), true), np.where(wall(frame), 0.1, 1)

    z, confidence = votes(shot, mattes, tmp_path, told).depth(FRAME)

    true = SCENE.depth_m(FRAME)
    assert missed.sum() > 2000
    assert (np.abs(z[missed] / true[missed] - 1) < 0.05).mean() > 0.97
    assert np.median(confidence[missed]) == np.float32(VOTED)


def test_a_fat_edge_gives_way_to_what_frames_with_a_lean_one_saw_there(shot, mattes, tmp_path):
    def halo(frame):
        return (cv2.dilate(wall(frame).astype(np.uint8), FAT) > 0) & ~wall(frame)

    def told(frame, true):
        if abs(frame - FRAME) > 1:
            return true, np.ones_like(true)
        near = np.float32(np.median(true[wall(frame)]))
        rim = (cv2.erode(wall(frame).astype(np.uint8), FAT) == 0) & wall(frame)
        return np.where(halo(frame), np.minimum(near, true), true), np.where(halo(frame) | rim, 0.1, 1)

    z, _ = votes(shot, mattes, tmp_path, told).depth(FRAME)

    true = SCENE.depth_m(FRAME)
    near = np.median(true[wall(FRAME)])
    side = halo(FRAME) & (true > 1.5 * near) & (SCENE.matte(FRAME) == 0)
    assert side.sum() > 300
    assert (z[side] > 1.5 * near).mean() > 0.6, "the halo still holds layers out"  # as told: 0
    assert (z[wall(FRAME)] < 1.1 * true[wall(FRAME)]).mean() > 0.95, "the wall was taken away"


def test_before_a_person_stands_what_others_saw_behind(shot, mattes, tmp_path):
    person = SCENE.matte(FRAME) > 0.5

    z, _ = votes(shot, mattes, tmp_path, lambda frame, true: (true, np.ones_like(true))).depth(FRAME)

    empty = Scene(width=480, height=270, frames=13, step_m=SCENE.step_m).depth_m(FRAME)
    assert person.sum() > 100
    assert (np.abs(z[person] / empty[person] - 1) < 0.1).mean() > 0.5
    away = cv2.dilate((SCENE.matte(FRAME) > 0).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    np.testing.assert_array_equal(z[away], SCENE.depth_m(FRAME)[away].astype(np.float32))


def test_what_nobody_agrees_on_stays(shot, mattes, tmp_path):
    random = np.random.default_rng(1)

    def told(frame, true):
        return (true * random.uniform(0.3, 3, true.shape)).astype(np.float32), np.full_like(true, 0.1)

    made = votes(shot, mattes, tmp_path, told)
    z, confidence = made.depth(FRAME)

    own = exr.read(FrameFiles(tmp_path, "depth.%04d.exr", SCENE.range).path(FRAME)).channels["Z"]
    assert (z == own).mean() > 0.6
    assert confidence.max() < SURE_FROM


def test_without_parallax_a_frame_speaks_for_itself(tmp_path):
    still = Scene(width=160, height=90, frames=3, step_m=(0.0, 0.0, 0.0))
    shot, mattes = write_shot(still, tmp_path / "shot"), write_mattes(still, tmp_path / "mattes")
    files = FrameFiles(tmp_path / "depth", "depth.%04d.exr", still.range)
    for frame in still.range:
        exr.write(files.path(frame), {"Z": np.full((90, 160), 2, np.float32), "C": np.zeros((90, 160), np.float32)})

    z, confidence = Votes(shot.plate, shot.track, DepthMaps(files), mattes, 480).depth(1002)

    np.testing.assert_array_equal(z, 2)
    np.testing.assert_array_equal(confidence, 0)
