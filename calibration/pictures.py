"""Pictures of a chart as grey, from stills however they are numbered, a movie or a pattern; and which chart it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.chart import Chart
from pipeline.errors import ConfigError, PlateError
from pipeline.io import footage, pictures, sequences

Grey = npt.NDArray[np.uint8]
MOST_FRAMES = 80  # of a movie, spread over it


def greys(path: Path) -> Iterator[tuple[str, Grey]]:
    """Label and (H, W) uint8 of each picture. Linear light is brought to something like a display's.

    Raises PlateError when there is none, or one cannot be read.
    """
    if path.is_dir():
        stills = sorted(file for file in path.iterdir() if file.suffix.lower() in sequences.PICTURES)
        if not stills:
            raise PlateError(f"{path}: holds no picture. Name the folder of the chart's frames.")
        for file in stills:
            yield file.name, _grey(pictures.read(file).rgb, linear=file.suffix.lower() == ".exr")
        return
    source = footage.open_footage(path)
    linear = isinstance(source.source, sequences.Frames) and source.source.files[0].suffix.lower() == ".exr"
    step = max(1, source.count // MOST_FRAMES)
    for number, frame in enumerate(footage.frames(source)):
        if number % step == 0:
            yield frame.label, _grey(frame.rgb, linear)


def chart_of(board: str, square_mm: float, dictionary: str, marker_mm: float) -> Chart:
    """The chart that the command line names. Raises ConfigError."""
    match = re.fullmatch(r"(\d+)[xX](\d+)", board)
    if not match or min(int(match[1]), int(match[2])) < 3:
        raise ConfigError(f"--board {board}: write columns and rows, such as 9x6, at least 3x3.")
    if square_mm <= 0 or not 0 <= marker_mm < square_mm:
        raise ConfigError("--square-mm must be above 0, --marker-mm below it.")
    if dictionary and not (dictionary.startswith("DICT_") and hasattr(cv2.aruco, dictionary)):
        raise ConfigError(f"--charuco {dictionary}: is no dictionary of OpenCV's. Write one such as DICT_5X5_100.")
    return Chart(int(match[1]), int(match[2]), square_mm, dictionary, marker_mm or 0.7 * square_mm)


def _grey(rgb: npt.NDArray[np.float32], linear: bool) -> Grey:
    shown = np.clip(rgb, 0, 1) ** (1 / 2.2) if linear else np.clip(rgb, 0, 1)
    return np.asarray(cv2.cvtColor(np.rint(shown * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY))
