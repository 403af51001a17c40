"""A lens measured from charts that were drawn through a known one; what shows too little is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration.chart import Chart, calibrate
from calibration.lens import distort, rays
from calibration.lensfile import read_lens, write_lens
from pipeline.errors import CalibrationError, FormatError
from pipeline.types import Lens

TRUE = Lens(480, 270, 420.0, 418.0, 244.0, 132.0, -0.14, 0.03, 5e-4, -4e-4)
BOARD = Chart(9, 6, 25.0)
TILTS = [(0.5, 0.1), (-0.5, 0.1), (0.1, 0.5), (0.0, -0.5), (0.35, 0.4), (-0.4, -0.35), (0.05, 0.1)]


@cache
def twice_as_wide() -> np.ndarray:
    """The ray of every sample."""
    fine = replace(
        TRUE, width=960, height=540, focal_x_px=840.0, focal_y_px=836.0, centre_x_px=488.0, centre_y_px=264.0
    )
    return np.dstack([rays(fine), np.ones((540, 960))]).astype(np.float64)


def picture(
    flat: np.ndarray, mm_per_px: float, turn: tuple[float, float], place: tuple[float, float, float]
) -> np.ndarray:
    """A flat picture whose middle stands at `place` mm before the camera, turned, seen through the lens, 2 x 2 samples."""
    way = twice_as_wide()
    rotation = Rotation.from_rotvec([turn[0], turn[1], 0.05]).as_matrix()
    along = way.reshape(-1, 3) @ rotation  # the chart's axes
    start = np.array(place) @ rotation
    depth = (start[2] / along[:, 2]).reshape(540, 960)
    u, v = ((along[:, i].reshape(540, 960) * depth - start[i]) / mm_per_px for i in (0, 1))
    height, width = flat.shape
    big = cv2.remap(
        flat, np.float32(u + width / 2 - 0.5), np.float32(v + height / 2 - 0.5), cv2.INTER_LINEAR, borderValue=200
    )
    return cv2.resize(big, (480, 270), interpolation=cv2.INTER_AREA)


def checkerboard() -> np.ndarray:
    """10 x 7 squares of 25 mm, half a millimetre a pixel, with a white rim."""
    y, x = np.mgrid[:7, :10]
    return cv2.copyMakeBorder(np.kron(np.uint8(((x + y) % 2) * 220 + 15), np.ones((50, 50), np.uint8)), 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=235)  # fmt: skip


def views(flat: np.ndarray, tilts: list[tuple[float, float]]) -> list[tuple[str, np.ndarray]]:
    places = [(0, 0, 300), (-60, 20, 330), (60, -20, 330), (10, 30, 290), (-70, -35, 340), (70, 40, 345), (0, -20, 260)]
    return [
        (f"view {n}", picture(flat, 0.5, tilt, place))
        for n, (tilt, place) in enumerate(zip(tilts, places, strict=True))
    ]


def bend_px(lens: Lens) -> np.ndarray:
    """Where directions land, counted from where the same lens without distortion puts the middle: what a comp sees."""
    y, x = np.mgrid[-0.28:0.28:5j, -0.5:0.5:7j]
    return distort(np.stack([x, y], axis=-1).reshape(-1, 2), lens)


@pytest.fixture(scope="module")
def shown() -> list[tuple[str, np.ndarray]]:
    return views(checkerboard(), TILTS)


def test_a_checkerboard_gives_the_lens_back(shown: list[tuple[str, np.ndarray]]):
    got = calibrate(shown, BOARD)

    assert got.lens.focal_x_px == pytest.approx(420, rel=0.004)
    assert got.lens.centre_x_px == pytest.approx(244, abs=2)
    apart = bend_px(got.lens) - bend_px(TRUE)
    assert np.abs(apart - apart.mean(axis=0)).max() < 0.8  # a shift of the centre is a turn of the camera
    assert got.told["error_px"] < 0.15
    assert got.told["picture_covered"] > 0.6
    assert len(got.told["views"]) >= 5


def test_a_charuco_board_may_be_cut_off():
    chart = Chart(10, 7, 25.0, "DICT_5X5_100", 18.0)
    numbers = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_100)
    board = cv2.aruco.CharucoBoard((10, 7), 25.0, 18.0, numbers)
    flat = cv2.copyMakeBorder(board.generateImage((500, 350)), 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=255)
    shown = views(flat, TILTS)
    shown[0][1][:, :120] = 200

    got = calibrate(shown, chart)

    assert got.lens.focal_x_px == pytest.approx(420, rel=0.006)
    assert got.told["error_px"] < 0.3


def test_too_little_is_refused(shown: list[tuple[str, np.ndarray]]):
    with pytest.raises(CalibrationError, match="of 4 frames show the whole chart"):
        calibrate(shown[:4], BOARD)
    with pytest.raises(CalibrationError, match="0 of 2 frames"):
        calibrate(shown[:2], Chart(8, 6, 25.0))
    with pytest.raises(CalibrationError, match="view 6 is 240 x 270"):
        calibrate([*shown[:6], ("view 6", np.ascontiguousarray(shown[6][1][:, :240]))], BOARD)


def test_a_chart_that_was_never_tilted_tells_no_focal_length():
    flat = views(checkerboard(), [(0.0, 0.0)] * 7)

    with pytest.raises(CalibrationError, match=r"tilted by . degrees between views, 12 are needed"):
        calibrate(flat, BOARD)


def test_a_lens_file_comes_back_at_the_plates_size(tmp_path: Path):
    write_lens(tmp_path / "lens.json", TRUE, {"error_px": 0.1})

    twice = read_lens(tmp_path / "lens.json", 960, 540)

    assert read_lens(tmp_path / "lens.json", 480, 270) == TRUE
    assert (twice.focal_x_px, twice.centre_y_px, twice.k1) == (840.0, 264.0, -0.14)
    with pytest.raises(FormatError, match="measured on 480 x 270, the plate is 480 x 360"):
        read_lens(tmp_path / "lens.json", 480, 360)
    (tmp_path / "lens.json").write_text("{}")
    with pytest.raises(FormatError, match="is no lens file"):
        read_lens(tmp_path / "lens.json", 480, 270)
