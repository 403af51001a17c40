"""Known air is found again; clear air is left clear."""

import numpy as np
import pytest

from calibration.look.color import Sample
from calibration.look.haze import fit_haze

AIR = np.array([0.55, 0.62, 0.75])


def valley(extinction, seed=1, sky=True, farthest_m=900.0):
    """Ground of many tones from 5 m away to far off, under a sky of the air's colour."""
    generator = np.random.default_rng(seed)
    rows = np.geomspace(5, farthest_m, 120)[::-1]
    depth = np.repeat(rows[:, None], 200, 1)
    albedo = generator.uniform(0.02, 0.3, (60, 100, 1)) * generator.uniform(0.8, 1.2, (60, 100, 3))
    albedo = np.repeat(np.repeat(albedo, 2, 0), 2, 1)
    through = np.exp(-extinction * depth)[..., None]
    rgb = albedo * through + AIR * (1 - through)
    if sky:
        rgb = np.concatenate([np.tile(AIR, (40, 200, 1)), rgb])
        depth = np.concatenate([np.full((40, 200), np.inf), depth])
    rgb = rgb + 0.004 * generator.standard_normal(rgb.shape)
    ones = np.ones(depth.shape, np.float32)
    return Sample(rgb.astype(np.float32), depth.astype(np.float32), ones, 0 * ones)


@pytest.mark.parametrize(("extinction", "sky"), [(0.0005, True), (0.002, True), (0.006, True), (0.002, False)])
def test_known_haze_is_found_again(extinction, sky):
    haze = fit_haze([valley(extinction, s, sky) for s in (1, 2)])

    for distance in (100, 300, 800):  # what counts is the veil; air and extinction alone trade when there is little
        found = np.array(haze.colour) * (1 - np.exp(-haze.extinction_per_m * distance))
        np.testing.assert_allclose(
            found, AIR * (1 - np.exp(-extinction * distance)), rtol=0.15, atol=0.01 if sky else 0.04
        )
    if sky:
        assert haze.extinction_per_m == pytest.approx(extinction, rel=0.25)
        np.testing.assert_allclose(haze.colour, AIR, rtol=0.2)


def test_clear_air_stays_clear():
    haze = fit_haze([valley(0.0, s, sky=False) for s in (1, 2)])

    assert haze.extinction_per_m == 0
    assert haze.note.startswith("none")


def test_too_little_depth_says_so():
    flat = valley(0.002, farthest_m=10)

    haze = fit_haze([flat])

    assert haze.extinction_per_m == 0
    assert "depth spans" in haze.note
