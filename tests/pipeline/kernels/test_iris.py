"""The iris in rows of pixels has the area and the shape that it should."""

import numpy as np
import pytest

from pipeline.kernels.iris import STEPS, index_of, spans


@pytest.mark.parametrize("blades", [0, 5, 6, 9])
def test_every_shape_has_the_round_irises_area(blades):
    rows = spans(12 * STEPS, blades, 17.0)

    for radius in (6, 9, 12):
        assert rows.areas[radius * STEPS] == pytest.approx(np.pi * radius**2, rel=0.02)
    assert rows.areas[0] == 1
    assert (rows.highs >= rows.lows).all()


@pytest.mark.parametrize(("blades", "turn"), [(4, 0.0), (5, 12.0), (7, 40.0)])
def test_a_bladed_iris_is_the_polygon(blades, turn):
    """Truth: which of 16 x 16 points of each pixel lie inside the corners, by cross products."""
    radius = 10.0
    corner = radius * np.sqrt(2 * np.pi / (blades * np.sin(2 * np.pi / blades)))
    angles = np.radians(turn) + 2 * np.pi * np.arange(blades) / blades
    corners = corner * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = spans(int(radius * STEPS), blades, turn).reach
    y, x = (np.mgrid[0 : (2 * reach + 1) * 16, 0 : (2 * reach + 1) * 16] + 0.5) / 16 - reach - 0.5
    inside = np.ones(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
    wanted = inside.reshape(2 * reach + 1, 16, 2 * reach + 1, 16).mean(axis=(1, 3))

    found = spans(int(radius * STEPS), blades, turn)

    pixel = np.arange(-reach, reach + 1)
    low, high = found.lows[-1][:, None], found.highs[-1][:, None]
    covered = np.clip(np.minimum(high, pixel + 0.5) - np.maximum(low, pixel - 0.5), 0, None)
    assert np.abs(covered - wanted).sum() < 0.04 * wanted.sum()


def test_radii_without_blur_are_the_pixel_itself():
    assert index_of(np.float32([0.0, 0.2, -0.2, np.nan])).tolist() == [0, 0, 0, 0]
    assert index_of(np.float32([1.0, -2.0, np.inf])).tolist() == [STEPS, 2 * STEPS, 256 * STEPS]
