"""Which solved points a frame's depth bears out, in numbers that can be told by hand."""

import numpy as np

from calibration.ground.witness import agreement
from pipeline.types import Lens

LENS = Lens(8, 6, 4.0, 4.0, 4.0, 3.0)


def test_a_point_agrees_is_contradicted_or_nothing_is_said():
    depth = np.full((6, 8), 10.0, np.float32)
    depth[:, 6:], depth[:, :2] = np.inf, 0
    points = np.array(
        [
            [0.0, 0, 10.5],  # where the depth says
            [0.0, 0, 20],  # behind it: never seen
            [0.0, 0, 5],  # before it: what the depth missed
            [12.0, 0, 20],  # where nothing is known
            [-15.0, 0, 20],  # behind somebody
            [60.0, 0, 20],  # beside the picture
            [0.0, 0, -10],  # behind the camera
        ]
    )

    said = agreement(points, depth, LENS, np.eye(4))

    np.testing.assert_array_equal(said, [1, -1, 0, 0, -1, 0, 0])


def test_the_frame_looks_from_its_own_place():
    depth, pose = np.full((6, 8), 10.0, np.float32), np.eye(4)
    pose[2, 3] = 5

    np.testing.assert_array_equal(agreement(np.array([[0.0, 0, 5], [0.0, 0, 10]]), depth, LENS, pose), [1, -1])
