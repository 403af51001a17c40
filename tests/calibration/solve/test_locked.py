"""Poses that are held: the similarity that two suffice for, and what contradicts the plate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration import cameras
from calibration.solve.align import Alignment
from calibration.solve.locked import check_locked, check_near, similarity_of_poses
from pipeline.errors import CalibrationError

GIVEN = np.array([cameras.look_at((0.3 * t, 1.7, -0.5 * t), (1, 1, -9)) for t in range(3)])


def test_two_poses_say_scale_turn_and_place():
    other = Alignment(0.31, Rotation.from_rotvec([0.4, 2.0, -0.3]).as_matrix(), np.array([4.0, -2, 9])).poses(GIVEN)

    scale, rotation, shift = similarity_of_poses(other[:2], GIVEN[:2])

    assert scale == pytest.approx(1 / 0.31)
    np.testing.assert_allclose(Alignment(scale, rotation, shift).poses(other), GIVEN, atol=1e-9)


def test_a_pose_that_the_plate_has_elsewhere_is_named():
    apart, turned = GIVEN.copy(), GIVEN.copy()
    apart[1, :3, 3] += (0.0, 0.2, 0.0)
    turned[2, :3, :3] = Rotation.from_rotvec([0, 0.05, 0]).as_matrix() @ turned[2, :3, :3]
    turned[2] = cameras.pose_from(turned[2, :3, :3], cameras.camera_centre(GIVEN[2]))

    assert check_near(GIVEN, GIVEN, [1001, 1002, 1003])[0].max() < 1e-9
    with pytest.raises(CalibrationError, match=r"frame 1002 0\.200 m and 0\.00 degrees elsewhere, 0\.117 m and 2"):
        check_near(apart, GIVEN, [1001, 1002, 1003])
    with pytest.raises(CalibrationError, match=r"frame 1003 0\.000 m and 2\.86 degrees elsewhere"):
        check_near(turned, GIVEN, [1001, 1002, 1003])


def test_cameras_in_one_place_set_no_scale():
    with pytest.raises(CalibrationError, match=r"2 frames .* 0 m between them"):
        check_locked(GIVEN[[1, 1]], [1001, 1009])
