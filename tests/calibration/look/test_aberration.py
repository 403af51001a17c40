"""Colour fringes are measured as wide as they were made, and none where there are none."""

import cv2
import numpy as np
import pytest

from calibration.look.aberration import measure_aberration
from calibration.look.color import Sample
from pipeline.types import Lens

LENS = Lens(640, 360, 600.0, 600.0, 324.0, 177.0)


def filmed(red, blue):
    """Polygons drawn four times as large, each channel about the lens's centre at its own scale."""
    rng = np.random.default_rng(4)
    corners = [rng.uniform(0, (640, 360)) + rng.uniform(-28, 28, (5, 2)) for _ in range(260)]
    colours = rng.uniform(0.05, 0.8, (260, 1)) * rng.uniform(0.8, 1.2, (260, 3))
    planes = []
    for c, scale in enumerate((1 + red, 1.0, 1 + blue)):
        picture = np.full((360 * 4, 640 * 4), 0.2, np.float32)
        for points, colour in zip(corners, colours, strict=True):
            moved = ((points - (324, 177)) * scale + (324, 177)) * 4 * 16
            cv2.fillConvexPoly(picture, cv2.convexHull(moved.astype(np.int32)), float(colour[c]), shift=4)
        planes.append(cv2.resize(cv2.GaussianBlur(picture, (0, 0), 2.4), (640, 360), interpolation=cv2.INTER_AREA))
    rgb = np.dstack(planes) + 0.002 * rng.standard_normal((360, 640, 3))
    size = (360, 640)
    return Sample(
        rgb.astype(np.float32), np.full(size, 9, np.float32), np.ones(size, np.float32), np.zeros(size, np.float32)
    )


@pytest.mark.parametrize(("red", "blue"), [(0.0015, -0.001), (-0.003, 0.002)])
def test_red_and_blue_are_as_much_larger_as_they_were_made(red, blue):
    found = measure_aberration([filmed(red, blue)], LENS)

    assert found.red == pytest.approx(red, abs=1.5e-4)
    assert found.blue == pytest.approx(blue, abs=1.5e-4)


def test_a_clean_lens_has_none():
    found = measure_aberration([filmed(0.0, 0.0)], LENS)

    assert (found.red, found.blue) == (0, 0)
    assert "not sure" in found.note
