"""Colour difference and despill against NumPy, at the ends of their range."""

import numpy as np
import pytest

from pipeline.kernels import key

SCREEN = np.float32([0.17, 0.40, 0.11])


def pictures(seed: int = 1, size: tuple[int, int] = (7, 5)) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    screen = np.float32(0.5) * SCREEN * random.uniform(0.6, 1.4, (*size, 1)).astype(np.float32)
    return random.random((*size, 3), np.float32), screen


@pytest.mark.parametrize("primary", [1, 2])
def test_what_remains_is_the_colour_difference_over_the_screens(primary):
    picture, screen = pictures()
    screen = np.ascontiguousarray(screen[..., [0, 1, 2] if primary == 1 else [0, 2, 1]])
    out = np.empty(picture.shape[:2], np.float32)

    key.remaining(picture, screen, primary, out)

    rest = [c for c in range(3) if c != primary]
    ahead = [i[..., primary] - i[..., rest].max(axis=2) for i in (picture, screen)]
    np.testing.assert_allclose(out, ahead[0] / ahead[1], rtol=1e-5)


def test_the_bare_screen_remains_whole_and_grey_leaves_nothing():
    _, screen = pictures()
    out = np.empty(screen.shape[:2], np.float32)

    key.remaining(screen, screen, 1, out)
    np.testing.assert_array_equal(out, 1)
    key.remaining(np.full_like(screen, 0.3), screen, 1, out)
    np.testing.assert_array_equal(out, 0)
    key.remaining(screen, np.full_like(screen, 0.3), 1, out)  # no screen at all
    np.testing.assert_array_equal(out, 0)


def test_light_of_the_screen_on_grey_comes_off_whole():
    _, screen = pictures()
    lit = np.float32(0.2) + np.float32(0.15) * screen
    out, taken = np.empty_like(screen), np.empty(screen.shape[:2], np.float32)

    key.despill(lit, screen, 1, 0.5, out, taken)

    np.testing.assert_allclose(out, 0.2, atol=1e-6)
    np.testing.assert_allclose(taken, 0.15, rtol=1e-4)


def test_yellow_keeps_its_green_at_the_larger_and_loses_it_at_the_mean():
    screen = np.broadcast_to(SCREEN, (2, 2, 3)).copy()
    yellow = np.broadcast_to(np.float32([0.5, 0.48, 0.1]), screen.shape).copy()
    out, taken = np.empty_like(screen), np.empty(screen.shape[:2], np.float32)

    key.despill(yellow, screen, 1, 0.0, out, taken)
    np.testing.assert_array_equal(out, yellow)
    key.despill(yellow, screen, 1, 1.0, out, taken)
    np.testing.assert_allclose(out[..., 1], out[..., [0, 2]].mean(axis=2), rtol=1e-5)


def test_no_channel_falls_below_nothing_and_nan_stays():
    picture, screen = pictures(3)
    picture[..., 0] *= 0.02
    picture[2, 3] = np.nan
    out, taken = np.empty_like(screen), np.empty(screen.shape[:2], np.float32)

    key.despill(picture, screen, 1, 1.0, out, taken)

    assert np.isnan(out[2, 3]).all()
    assert np.nanmin(out) >= -1e-7


def test_a_wrong_primary_and_shape_are_refused():
    picture, screen = pictures()
    with pytest.raises(ValueError, match="primary is 3"):
        key.remaining(picture, screen, 3, np.empty(picture.shape[:2], np.float32))
    with pytest.raises(ValueError, match="out is"):
        key.remaining(picture, screen, 1, np.empty((2, 2), np.float32))
