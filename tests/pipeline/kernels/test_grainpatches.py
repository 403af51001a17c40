"""Patches of grain: as spread as the profile says, of mean square 1, slow in time, the same however the work is cut."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.kernels import fused, grain
from pipeline.kernels.grainpatches import shift_of
from tests.pipeline.kernels.test_grain import film, profile, scene

SPREAD, SIDE = 0.4, 12


def patchy(stock, spread=SPREAD, side=SIDE):
    return replace(stock, patchiness=np.float32([spread, side]))


def gain(size, frame, origin=(0, 0), stock=None):
    """What the noise of a patchy profile is of an even one's."""
    stock = stock or profile()
    made, plain = (grain.noise(*size, s, 5, frame, origin) for s in (patchy(stock), stock))
    return made / plain


def test_an_even_profile_has_no_patches():
    assert (grain.swells(profile(), 1, 1001, (20, 30))[0][0]).size == 0


def test_gain_is_one_for_all_channels_with_the_spread_that_was_told():
    found = gain((600, 600), 1001).astype(np.float64)

    grey = np.zeros((600, 600, 3), np.float32)
    some = np.abs(grain.noise(600, 600, profile(), 5, 1001)).min(axis=2) > 0.05  # sources that cancel leave roundings
    assert some.mean() > 0.8
    np.testing.assert_allclose(grain.gain(patchy(profile()), 5, 1001, grey)[some], found[some], rtol=1e-5)
    assert np.ptp(found[some], axis=1).max() < 1e-3 * found.max()
    assert (found**2).mean() == pytest.approx(1, abs=0.03)
    assert np.log(found[..., 0]).std() == pytest.approx(SPREAD, rel=0.05)
    for cut in (np.s_[::SIDE, ::SIDE], np.s_[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE], np.s_[::SIDE, SIDE // 2 :: SIDE]):
        assert np.log(found[cut]).std() == pytest.approx(SPREAD, rel=0.1)  # between points as at them


def test_patches_outlast_frames_and_pass():
    first, next_one, later = (np.log(gain((240, 240), f)[..., 0])[::SIDE, ::SIDE].ravel() for f in (1001, 1002, 1061))

    assert np.corrcoef(first, next_one)[0, 1] > 0.95
    assert abs(np.corrcoef(first, later)[0, 1]) < 0.2
    assert (
        abs(
            float(
                (grain.noise(200, 200, patchy(profile()), 1, 1) * grain.noise(200, 200, patchy(profile()), 1, 2)).mean()
            )
        )
        < 0.02
    )


def test_gain_is_the_twin_of_its_hash():
    """In plain Python, at and between points, left of and above the picture's corner too."""

    def mixed(v):
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            v = ((v ^ (v >> shift)) * factor) & 0xFFFFFFFF
        return v ^ (v >> 16)

    normal = grain.quantiles().astype(float)

    def point(row, column, frame):
        key = (5 * 0x9E3779B1 - 0x85EBCA77) & 0xFFFFFFFF
        seen = mixed(mixed((key + row) & 0xFFFFFFFF) ^ (column & 0xFFFFFFFF))
        turn, at = divmod(frame + seen % 24, 24)
        share = at / 24
        one, other = (normal[mixed((seen + (turn + k) * 0x9E3779B1) & 0xFFFFFFFF) >> 20] for k in (0, 1))
        return ((1 - share) * one + share * other) / np.hypot(1 - share, share)

    found = gain((30, 40), 1007, (-17, 5))[..., 1]
    for y in range(0, 30, 7):
        for x in range(0, 40, 7):
            (row, down), (column, right) = divmod(y + 5, SIDE), divmod(x - 17, SIDE)
            weights = np.outer([1 - down / SIDE, down / SIDE], [1 - right / SIDE, right / SIDE])
            around = np.array([[point(row + i, column + j, 1007) for j in (0, 1)] for i in (0, 1)])
            value = (weights * around).sum() / np.sqrt((weights**2).sum())
            wanted = min(np.exp(SPREAD * value + shift_of(SPREAD) * np.log(2)), 2.5)
            assert found[y, x] == pytest.approx(wanted, rel=1e-4)
    assert np.exp(-(SPREAD**2)) < 2 ** float(shift_of(SPREAD)) < 1.03 * np.exp(-(SPREAD**2))


@pytest.mark.parametrize("spreads", [(0.2, 0), (0.4, 0), (0.65, 0.5), (1, 1)])
def test_gains_have_a_mean_square_of_one_though_the_strongest_are_held(spreads):
    drawn = np.random.default_rng(1).standard_normal(1_000_000) * np.hypot(*spreads)

    gains = np.minimum(np.exp(drawn + shift_of(*spreads) * np.log(2)), 2.5)

    assert (gains**2).mean() == pytest.approx(1, abs=0.005)
    assert shift_of(0, 0) == 0


def test_no_gain_is_beyond_what_a_codec_would_leave():
    wild = replace(patchy(profile(), 1.0), flecks=np.float32([0.6, 4]))
    found = grain.gain(wild, 5, 1001, np.zeros((800, 800, 3), np.float32))

    assert found.max() == pytest.approx(2.5, rel=1e-4)
    assert (found.astype(float) ** 2).mean() == pytest.approx(1, abs=0.1)


def in_tiles(plate, picture, kept, stock, cells=None):
    """What add_grain makes of a scene tile by tile, seed 7, frame 1010."""
    tiled = np.empty_like(picture)
    for y in range(0, 40, 13):
        for x in range(0, 53, 17):
            cut = (slice(y, y + 13), slice(x, x + 17))
            out = np.empty_like(picture[cut])
            parts = (np.ascontiguousarray(a[cut]) for a in (plate, picture, kept))
            grain.add_grain(*parts, stock, 7, 1010, out, (x, y), cells)
            tiled[cut] = out
    return tiled


@pytest.mark.parametrize("stock", [profile(), film()], ids=["mixed", "film"])
def test_tiles_give_the_same_bytes_and_so_does_a_frame_that_is_finished(stock):
    stock = patchy(stock)
    plate, picture, kept = scene()
    plate = plate.astype(np.float16).astype(np.float32)
    whole = np.empty_like(picture)
    grain.add_grain(plate, picture, kept, stock, 7, 1010, whole)

    assert whole.tobytes() == in_tiles(plate, picture, kept, stock).tobytes()
    assert (
        fused.finish(plate.astype(np.float16), picture, kept.astype(np.float16), stock, 7, 1010)[0].tobytes()
        == whole.tobytes()
    )
    even = np.empty_like(picture)
    grain.add_grain(plate, picture, kept, patchy(stock, 0.0), 7, 1010, even)
    assert (even != whole).any()


def test_wrong_patches_are_refused():
    for wrong in ((-0.1, 16), (0.3, 2), (0.3, 12.5), (2, 16)):
        with pytest.raises(ValueError, match="patchiness"):
            patchy(profile(), *wrong)
