"""Measure a lens from pictures of a flat chart: a checkerboard, or a ChArUco board of which parts may be hidden.

Source: Zhang, "A Flexible New Technique for Camera Calibration", PAMI 2000, as OpenCV has it; pixel centres become .5 here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.errors import CalibrationError
from pipeline.types import Lens

Grey = npt.NDArray[np.uint8]
FEWEST_VIEWS = 5
FEWEST_CORNERS = 8
MOST_VIEWS = 60  # more teach nothing and take minutes
FAR_OFF = 3.0  # times the median error, beyond which a view is left out: blurred, or a bent board
UNSURE = 0.02  # share of the focal length that its standard deviation may be
LEAST_TILT_DEG = 12.0  # between two views of the chart: parallel ones trade focal length for distance
CELLS = (8, 5)  # of the picture, for how much of it the chart was shown in


@dataclass(frozen=True, slots=True)
class Chart:
    """columns, rows: inner corners of a checkerboard; squares of a ChArUco board. square_mm, marker_mm: sides."""

    columns: int
    rows: int
    square_mm: float
    dictionary: str = ""  # of OpenCV's, "DICT_5X5_100": then it is a ChArUco board
    marker_mm: float = 0.0

    def find(self, grey: Grey) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
        """Corners (N, 3) in mm on the chart and (N, 2) pixels; None where the chart is not seen."""
        if self.dictionary:
            return self._find_charuco(grey)
        found, corners = cv2.findChessboardCornersSB(
            grey, (self.columns, self.rows), flags=cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_ACCURACY
        )
        if not found:
            return None
        y, x = np.mgrid[: self.rows, : self.columns]
        flat = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1) * self.square_mm
        return flat.astype(np.float32), np.asarray(corners, np.float32).reshape(-1, 2)

    def _find_charuco(self, grey: Grey) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
        numbers = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))
        board = cv2.aruco.CharucoBoard((self.columns, self.rows), self.square_mm, self.marker_mm, numbers)
        corners, ids, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(grey)
        if ids is None or len(ids) < FEWEST_CORNERS:
            return None
        flat = np.asarray(board.getChessboardCorners(), np.float32)[np.ravel(ids)]
        return flat, np.asarray(corners, np.float32).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """lens: of pictures as they came. told: errors, views used and left out, coverage, standard deviations."""

    lens: Lens
    told: dict[str, Any]


def calibrate(pictures: Iterable[tuple[str, Grey]], chart: Chart) -> Calibrated:
    """Measure the lens. pictures: (label, (H, W) uint8).

    Raises CalibrationError when sizes differ, too few show the chart, or their views do not tell the focal length.
    """
    names, flats, pixels, size, looked = [], [], [], (0, 0), 0
    for label, grey in pictures:
        looked += 1
        if size != (0, 0) and grey.shape[::-1] != size:
            raise CalibrationError(
                f"calibrate-lens: {label} is {grey.shape[1]} x {grey.shape[0]}, those before are {size[0]} x {size[1]}. Sort them."
            )
        size = grey.shape[::-1]
        found = chart.find(grey)
        if found is not None:
            names.append(label)
            flats.append(found[0])
            pixels.append(found[1])
    if len(names) < FEWEST_VIEWS:
        raise CalibrationError(
            f"calibrate-lens: {len(names)} of {looked} frames show the whole chart ({chart.columns} x {chart.rows}), "
            f"{FEWEST_VIEWS} are needed. Check the count (inner corners of a checkerboard, squares of a ChArUco board), light, focus."
        )
    chosen = np.unique(np.linspace(0, len(names) - 1, min(MOST_VIEWS, len(names))).astype(int)).tolist()
    matrix, bent, spread, errors, tilt_deg = _fit([flats[i] for i in chosen], [pixels[i] for i in chosen], size)
    good = [i for i, error in zip(chosen, errors, strict=True) if error <= FAR_OFF * float(np.median(errors))]
    if FEWEST_VIEWS <= len(good) < len(chosen):
        matrix, bent, spread, errors, tilt_deg = _fit([flats[i] for i in good], [pixels[i] for i in good], size)
    unsure = float(spread[0] / matrix[0, 0])
    if not unsure <= UNSURE or tilt_deg < LEAST_TILT_DEG:
        raise CalibrationError(
            f"calibrate-lens: the chart was tilted by {tilt_deg:.0f} degrees between views, {LEAST_TILT_DEG:.0f} are needed, and the "
            f"focal length is sure to {unsure:.1%}, {UNSURE:.0%} are allowed. Tilt it by 20 to 40 degrees to each side, near and far."
        )
    k1, k2, p1, p2 = bent[:4].tolist()
    centre = (float(matrix[0, 2]) + 0.5, float(matrix[1, 2]) + 0.5)
    lens = Lens(size[0], size[1], float(matrix[0, 0]), float(matrix[1, 1]), *centre, k1, k2, p1, p2)
    told = {
        "error_px": round(float(np.sqrt(np.mean(errors**2))), 4),
        "views": [names[i] for i in good],
        "left_out": [names[i] for i in chosen if i not in good],
        "focal_give_or_take": round(unsure, 6),
        "tilted_deg": round(tilt_deg, 1),
        "picture_covered": round(_coverage([pixels[i] for i in good], size), 3),
        "chart": f"{chart.columns} x {chart.rows}, {chart.square_mm:g} mm",
    }
    return Calibrated(lens, told)


def _fit(flats: list[Any], pixels: list[Any], size: tuple[int, int]) -> tuple[Any, Any, Any, Any, float]:
    """Camera matrix, distortion, deviations of the intrinsics, error of each view in pixels, widest tilt between two views."""
    extended: Any = cv2.calibrateCameraExtended  # its stub asks for arrays where None starts from nothing
    _, matrix, bent, turns, _, spread, _, errors = extended(flats, pixels, size, None, None, flags=cv2.CALIB_FIX_K3)
    normals = np.array([cv2.Rodrigues(turn)[0][:, 2] for turn in turns])
    tilt_deg = float(np.degrees(np.arccos(np.clip((normals @ normals.T).min(), -1, 1))))
    return matrix, np.ravel(bent), np.ravel(spread), np.ravel(errors), tilt_deg


def _coverage(pixels: list[Any], size: tuple[int, int]) -> float:
    """Share of the picture's cells in which a corner was seen."""
    cells = (np.concatenate(pixels) / size * CELLS).astype(int)
    return len(np.unique(cells, axis=0)) / (CELLS[0] * CELLS[1])
