"""Glow around lamps is measured as strong as it was made, redder where the film is; other light is not taken for it."""

import numpy as np
import pytest

from calibration.look.color import Sample
from calibration.look.glow import measure_glow
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.glow import BRIGHT, highlights, scattered


def night(share=(0.0, 0.0, 0.0), radius_px=0.0, lamps=12):
    """A dim street with lamps, what the lens scatters of them, and grain."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:240, :400]
    rgb = 0.06 + 0.03 * np.sin(x / 37)[..., None] * np.cos(y / 29)[..., None] * np.ones(3)
    for _ in range(lamps):
        at, wide = rng.uniform((20, 20), (220, 380)), rng.uniform(1.5, 3)
        rgb[(y - at[0]) ** 2 + (x - at[1]) ** 2 < wide**2] = rng.uniform(8, 30) * np.array([1, 0.8, 0.55])
    rgb = rgb.astype(np.float32)
    if radius_px:
        rgb += scattered(highlights(rgb, LUMINANCE), radius_px) * np.float32(share)
    rgb += 0.002 * rng.standard_normal(rgb.shape).astype(np.float32)
    size = rgb.shape[:2]
    return Sample(rgb, np.full(size, 9, np.float32), np.ones(size, np.float32), np.zeros(size, np.float32))


@pytest.mark.parametrize("share", [(0.04, 0.04, 0.04), (0.06, 0.02, 0.01)])
def test_what_lamps_scatter_is_found(share):
    found = measure_glow([night(share, 6.0)])

    np.testing.assert_allclose(found.share, share, rtol=0.25)
    assert 3 < found.radius_px < 10


@pytest.mark.parametrize(
    ("plate", "told"),
    [
        (night(), "scatter matches"),
        (night(lamps=0), "0.0% of the picture"),
        (night(lamps=900), "at most 2%"),
    ],
)
def test_without_it_there_is_none(plate, told):
    found = measure_glow([plate])

    assert found.share == (0, 0, 0)
    assert told in found.note


def test_only_light_above_white_counts_and_all_of_it_arrives():
    rgb = np.zeros((41, 41, 3), np.float32)
    rgb[:, :10] = 0.9 * BRIGHT
    rgb[20, 25] = 5

    bright = highlights(rgb, LUMINANCE)

    assert (bright[:, :10] == 0).all()
    np.testing.assert_allclose(bright[20, 25], 4, rtol=1e-5)
    np.testing.assert_allclose(scattered(bright, 3.0).sum(axis=(0, 1)), 4, rtol=2e-3)
