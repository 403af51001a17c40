"""Exposure is followed through what stays in view; new content, lamps and grain are no change of exposure."""

import numpy as np
import pytest

from calibration.look.follow import follow_exposure

FRAMES = 20


def rows(stops, seen, noise=0.01, seed=1):
    """(frame, point, rgb) of points with fixed light; seen(frame, point) says which are in view."""
    rng = np.random.default_rng(seed)
    light = 0.18 * np.exp(rng.normal(0, 0.8, (300, 3)))
    return [
        (f, p, light[p] * 2.0 ** stops[f] * np.exp(rng.normal(0, noise, 3)))
        for f in range(FRAMES)
        for p in range(300)
        if seen(f, p)
    ]


def test_a_ramp_is_followed_per_channel():
    ramp = np.linspace(-0.5, 0.5, FRAMES)[:, None] * [1.0, 1.0, 0.6]

    found = follow_exposure(FRAMES, rows(ramp, lambda f, p: 10 * f <= p < 10 * f + 110))

    np.testing.assert_allclose(found.stops, ramp - np.median(ramp, axis=0), atol=0.01)
    assert "followed" in found.note


def test_a_pan_to_lighter_ground_is_no_change_of_exposure():
    still = np.zeros((FRAMES, 3))
    found = follow_exposure(FRAMES, sorted(rows(still, lambda f, p: 10 * f <= p < 10 * f + 110), key=lambda r: r[0]))

    assert not found.stops.any()
    assert "steady" in found.note


def test_a_lamp_that_is_lit_in_view_counts_little():
    told = rows(np.zeros((FRAMES, 3)), lambda f, p: p < 100)
    lit = [(f, p, rgb * (2.5 if p < 15 and f > 9 else 1)) for f, p, rgb in told]

    assert np.abs(follow_exposure(FRAMES, lit).stops).max() < 0.02


def test_frames_without_points_take_their_neighbours():
    ramp = np.linspace(0, 0.8, FRAMES)[:, None] * np.ones(3)

    found = follow_exposure(FRAMES, rows(ramp, lambda f, p: p < 60 and f not in (7, 8)))

    assert found.stops[8, 1] - found.stops[7, 1] == pytest.approx(0.8 / 19, abs=0.01)


def test_too_few_points_say_so():
    found = follow_exposure(FRAMES, rows(np.zeros((FRAMES, 3)), lambda f, p: p < 5))

    assert "need 12" in found.note
    assert found.stops.shape == (FRAMES, 3)
