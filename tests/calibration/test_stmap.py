"""STMaps: their round trip, Nuke's convention against OpenCV's lens, and overscan that loses no pixel."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration import stmap
from pipeline.errors import CalibrationError
from pipeline.types import Lens

BARREL = Lens(480, 270, 380.0, 376.0, 243.0, 131.0, -0.17, 0.04, 8e-4, -5e-4)
PINCUSHION = replace(BARREL, k1=0.12, k2=-0.02)
ANAMORPHIC = replace(BARREL, width=240, focal_x_px=190.0, centre_x_px=121.0)


def sample(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear, at pixels whose centres lie at .5, as a compositor looks a map up."""
    return cv2.remap(
        picture, np.float32(x - 0.5), np.float32(y - 0.5), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


@pytest.mark.parametrize("lens", [BARREL, PINCUSHION, ANAMORPHIC], ids=["barrel", "pincushion", "anamorphic"])
def test_there_and_back_misses_by_less_than_a_twentieth_of_a_pixel(lens: Lens):
    overscan = stmap.overscan_of(lens)
    there, back = stmap.undistort_map(lens, overscan), stmap.redistort_map(lens, overscan)

    height, width = there.shape[:2]
    again = sample(there, back[..., 0] * width, (1 - back[..., 1]) * height)

    y, x = np.mgrid[: lens.height, : lens.width] + 0.5
    miss = np.hypot(again[..., 0] * lens.width - x, (1 - again[..., 1]) * lens.height - y)
    assert miss.max() < 0.05  # measured: 0.025
    assert back.min() >= 0
    assert back.max() <= 1


def test_the_map_is_opencvs_lens_with_v_upwards():
    overscan = stmap.Overscan(0, 0, 0, 0)
    got = stmap.undistort_map(BARREL, overscan)

    matrix = np.array([[380.0, 0, 243 - 0.5], [0, 376.0, 131 - 0.5], [0, 0, 1]])  # OpenCV's pixel centres are whole
    x, y = cv2.initUndistortRectifyMap(
        matrix, np.array([-0.17, 0.04, 8e-4, -5e-4]), None, matrix, (480, 270), cv2.CV_32FC1
    )

    np.testing.assert_allclose(got[..., 0] * 480 - 0.5, x, atol=2e-3)
    np.testing.assert_allclose((1 - got[..., 1]) * 270 - 0.5, y, atol=2e-3)


def test_without_distortion_a_map_names_its_own_pixels():
    plain = replace(BARREL, k1=0, k2=0, p1=0, p2=0)

    got = stmap.redistort_map(plain, stmap.overscan_of(plain))

    assert stmap.overscan_of(plain) == stmap.Overscan(0, 0, 0, 0)
    np.testing.assert_allclose(got[0, 0], [0.5 / 480, 1 - 0.5 / 270], atol=1e-7)
    np.testing.assert_allclose(got[-1, -1], [479.5 / 480, 0.5 / 270], atol=1e-7)


def test_overscan_is_enough_and_not_a_pixel_more():
    for lens in (BARREL, ANAMORPHIC):
        overscan = stmap.overscan_of(lens)
        back = stmap.redistort_map(lens, overscan)
        flat = stmap.undistorted_lens(lens, overscan)
        x, y = back[..., 0] * flat.width, (1 - back[..., 1]) * flat.height

        assert min(x.min(), y.min(), flat.width - x.max(), flat.height - y.max()) >= 0
        assert x.min() < 2
        assert flat.height - y.max() < 2


def test_a_lens_that_folds_inside_the_plate_is_refused():
    with pytest.raises(CalibrationError, match="fold the picture's edge"):
        stmap.overscan_of(replace(BARREL, k1=-0.9, k2=0.0))
