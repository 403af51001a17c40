"""The test scene must itself be true: everything after the solve is measured against it."""

import cv2
import numpy as np

from pipeline.io import exr
from tests.scenes import FIRST_BOX, GROUND, WALLS, Scene, true_points, visible, write_shot


def test_ground_pixels_lie_on_the_ground_height():
    scene = Scene()
    _, surface, point = scene._cast(1005, scene._rays(1)[0])

    lying = point[surface == GROUND]

    error = np.abs(lying[:, 1] - scene.ground_height_m(lying[:, 0], lying[:, 2]))
    assert np.quantile(error, 0.999) < 0.01


def test_a_static_point_looks_the_same_from_every_frame():
    """Photo-consistency: pictures warped by true depth and camera agree to within the grain."""
    scene = Scene(grain=0.0)
    points = true_points(scene)
    colours, seen = [], np.ones(len(points), bool)
    for frame in (1001, 1012):
        sees, px = visible(scene, frame, points)
        seen &= sees
        at = (px - 0.5).astype(np.float32)
        colours.append(cv2.remap(scene.picture(frame), at[:, None, 0], at[:, None, 1], cv2.INTER_LINEAR)[:, 0])

    apart = np.abs(colours[0] - colours[1]).mean(axis=1)[seen]

    assert seen.sum() > 500
    assert np.median(apart) < 0.01


def test_the_actor_is_in_picture_depth_and_matte():
    scene = Scene(actor=True)

    there = scene.surfaces(1010) == FIRST_BOX + len(WALLS)

    assert 0.01 < there.mean() < 0.2
    assert np.all(scene.matte(1010)[there] > 0.1)
    assert np.all(np.abs(scene.depth_m(1010)[there] - 5.5) < 1.0)


def test_a_shot_on_disk_reads_back(tmp_path):
    shot = write_shot(Scene(frames=3), tmp_path)

    observations = np.load(shot.track.observations)

    assert np.abs(exr.read_rgb(shot.plate.files.path(1002)) - shot.scene.picture(1002)).max() < 1e-3
    assert set(np.unique(observations[:, 0])) == {1001, 1002, 1003}
