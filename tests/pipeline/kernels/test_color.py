"""Colour changes are monotone, right on premultiplied edges, and honest about what they cannot do."""

import numpy as np
import pytest

from pipeline.kernels import color
from pipeline.kernels.color import Grade


def layer(seed=1, size=(7, 11)):
    picture = np.random.default_rng(seed).random((*size, 4), dtype=np.float32)
    picture[..., :3] *= 2 * picture[..., 3:]
    return picture


def grade_twin(picture, by):
    alpha = picture[..., 3:]
    rgb = picture[..., :3] / alpha * 2.0**by.exposure_ev * by.slope + by.offset
    rgb = np.where(rgb > 0, np.abs(rgb) ** np.array(by.power), rgb)
    grey = rgb @ color.LUMINANCE.astype(np.float64)
    rgb = grey[..., None] * (1 - by.saturation) + rgb * by.saturation
    return np.concatenate([rgb * alpha, alpha], axis=2)


GRADES = [
    Grade(),
    Grade(exposure_ev=-1.5),
    Grade(slope=(1.1, 0.9, 1.2), offset=(0.01, -0.02, 0), power=(0.9, 1, 1.2), saturation=0.8),
]


@pytest.mark.parametrize("by", GRADES)
@pytest.mark.parametrize("size", [(1, 1), (7, 11)])
def test_grade_is_cdl_on_unpremultiplied_colour(by, size):
    picture = layer(1, size)
    out = np.empty_like(picture)

    color.grade(picture, by, out)

    np.testing.assert_allclose(out, grade_twin(picture, by), rtol=2e-5, atol=1e-6)


def test_grade_of_an_edge_is_the_edge_of_the_grade():
    """A soft edge has the colour of what it belongs to: no fringe after any grade."""
    solid = np.tile(np.float32([0.4, 0.2, 0.6, 1]), (1, 8, 1))
    share = np.linspace(0.1, 1, 8, dtype=np.float32)[None, :, None]
    edge, whole = np.empty_like(solid), np.empty_like(solid)

    color.grade(solid * share, GRADES[2], edge)
    color.grade(solid, GRADES[2], whole)

    np.testing.assert_allclose(edge, whole * share, rtol=1e-5)


def test_every_channel_rises_with_its_input():
    ramp = np.ones((1, 200, 4), np.float32)
    ramp[0, :, :3] = np.linspace(-0.05, 8, 200, dtype=np.float32)[:, None]
    out = np.empty_like(ramp)

    color.grade(ramp, GRADES[2], out)

    assert (np.diff(out[0, :, :3], axis=0) > 0).all()


def test_grade_leaves_empty_pixels_empty_and_nan_visible_in_place():
    picture = layer()
    picture[0] = 0
    picture[2, 3, 1] = np.nan

    color.grade(picture, GRADES[2], picture)

    assert (picture[0] == 0).all()
    assert np.isnan(picture[2, 3]).any()
    assert np.isfinite(np.delete(picture.reshape(-1, 4), 2 * 11 + 3, axis=0)).all()


@pytest.mark.parametrize(
    "wrong", [{"slope": (1, 0, 1)}, {"power": (1, 1, -1)}, {"saturation": -1}, {"exposure_ev": 40}]
)
def test_grades_that_turn_tones_around_are_refused(wrong):
    with pytest.raises(ValueError, match="Grade"):
        Grade(**wrong)


def test_haze_follows_koschmieder():
    picture, depth = layer(), np.linspace(1, 5000, 77, dtype=np.float32).reshape(7, 11)
    air = np.array([0.5, 0.6, 0.8], np.float32)
    out = np.empty_like(picture)

    color.haze(picture, depth, air, 0.001, out)

    through = np.exp(-0.001 * depth)[..., None]
    wanted = picture[..., :3] * through + picture[..., 3:] * air * (1 - through)
    np.testing.assert_allclose(out[..., :3], wanted, rtol=1e-5)
    np.testing.assert_array_equal(out[..., 3], picture[..., 3])


def test_haze_at_its_ends():
    picture = layer()
    picture[0] = 0
    depth = np.full((7, 11), np.inf, np.float32)
    depth[1:3] = 0
    out = np.empty_like(picture)

    color.haze(picture, depth, np.ones(3, np.float32), 0.01, out)

    assert (out[0] == 0).all()  # empty stays empty
    np.testing.assert_array_equal(out[1:3], picture[1:3])  # no way, no haze
    np.testing.assert_allclose(out[3:, :, :3], np.repeat(picture[3:, :, 3:], 3, axis=2))  # endless way: all air
    color.haze(picture, depth, np.ones(3, np.float32), 0.0, out)
    np.testing.assert_array_equal(out, picture)
    with pytest.raises(ValueError, match="extinction"):
        color.haze(picture, depth, np.ones(3, np.float32), -1.0, out)


def lift_twin(picture, black, strength):
    alpha = picture[..., 3:].astype(np.float64)
    rgb = np.divide(picture[..., :3], alpha, out=np.zeros(picture[..., :3].shape), where=alpha > 0)
    level = np.dot(black, color.LUMINANCE.astype(np.float64))
    lack, bend = level - rgb @ color.LUMINANCE.astype(np.float64), level / 4
    lift = np.where(lack > bend, lack, np.where(lack > -bend, (lack + bend) ** 2 / (4 * bend), 0))
    return np.concatenate([(rgb + strength * 2 / 3 * lift[..., None] * np.array(black) / level) * alpha, alpha], axis=2)


@pytest.mark.parametrize("black", [(0.05, 0.045, 0.04), (0.2, 0.2, 0.2)])
@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
def test_blacks_are_lifted_as_the_twin_lifts_them(black, strength):
    picture = layer(3, (9, 40)) * np.float32([0.1, 0.1, 0.1, 1])
    out = np.empty_like(picture)

    color.lift_black(picture, black, strength, out)

    np.testing.assert_allclose(out, lift_twin(picture, black, strength), rtol=2e-5, atol=1e-6)
    color.lift_black(picture, black, strength, picture)
    np.testing.assert_array_equal(picture, out)


def test_a_lifted_black_comes_near_without_a_kink_and_no_tone_turns_around():
    black = 0.06
    ramp = np.linspace(0, 0.2, 4001, dtype=np.float32)
    picture = np.dstack([ramp, ramp, ramp, np.ones_like(ramp)])
    out = np.empty_like(picture)

    color.lift_black(picture, (black, black, black), 1.0, out)
    tone = out[0, :, 0].astype(np.float64)
    slopes = np.diff(tone) / np.diff(ramp)

    assert tone[0] == pytest.approx(0.04, abs=1e-5)
    assert slopes.min() > 0.33
    assert np.abs(np.diff(slopes)).max() < 0.01
    above = ramp > 1.25 * black
    np.testing.assert_array_equal(tone[above], ramp[above])


def test_where_nothing_is_nothing_is_lifted_and_nan_stays():
    picture, black = layer(), (0.1, 0.1, 0.1)
    picture[0, :, 3], picture[0, :, :3], picture[1, 1, 0] = 0, 0.01, np.nan
    out = np.empty_like(picture)

    color.lift_black(picture, black, 1.0, out)

    np.testing.assert_array_equal(out[0], picture[0])
    assert np.isnan(out[1, 1, 0])
    assert np.isfinite(np.delete(out.reshape(-1, 4), out.shape[1] + 1, axis=0)).all()
    for nothing in (black, 0.0), ((0.0, 0.0, 0.0), 1.0):
        color.lift_black(picture, *nothing, out)
        np.testing.assert_array_equal(out, picture)
    with pytest.raises(ValueError, match="must not be below 0"):
        color.lift_black(picture, (-0.1, 0.1, 0.1), 1.0, out)
