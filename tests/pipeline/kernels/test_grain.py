"""Grain is the profile's in size, colour and correlation, new every frame, and the same however the work is cut."""

from dataclasses import replace

import cv2
import numba
import numpy as np
import pytest

from pipeline.kernels import grain, grainrows
from pipeline.kernels.grain import Grain


def film(sigmas=(0.02, 0.04)):
    """Bound before the filter, white noise over it."""
    plain, over = profile(sigmas), np.float32([0.01, 0, 0.1])
    return Grain(
        plain.levels, plain.sigmas, plain.kernels, np.eye(3, dtype=np.float32), blend=plain.mix, white_share=over
    )


def wide():
    """film, with what an 11 x 11 filter alone reaches."""
    plain = film()
    kernels = np.pad(plain.kernels, ((0, 0), (1, 1), (1, 1)))
    kernels[:, 0, 2], kernels[:, -1, -1] = 0.2, -0.3
    return replace(plain, kernels=kernels)


def four(mix=((0.8, 0, 0, 0.6), (0, 0.8, 0, 0.6), (0.6, 0, 0.8, 0))):
    """A fourth source, wider than the others, and white noise over some."""
    plain = profile()
    wider = np.ones((1, grain.TAPS, grain.TAPS), np.float32) / np.float32(grain.TAPS)
    kernels, over = np.concatenate([plain.kernels, wider]), np.float32([0.1, 0, 0.04, 0.2])
    return replace(plain, kernels=kernels, mix=np.float32(mix), white_share=over)


def profile(sigmas=(0.02, 0.04)):
    taps = np.pad(np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]), (grain.TAPS - 5) // 2).astype(np.float32)
    taps /= np.sqrt((taps**2).sum())
    mix = np.linalg.cholesky(np.array([[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]])).astype(np.float32)
    levels = np.tile(np.float32([0, 1]), (3, 1))
    return Grain(levels, np.tile(np.float32(sigmas), (3, 1)), np.tile(taps, (3, 1, 1)), mix)


def test_noise_has_the_wanted_statistics():
    made = grain.noise(256, 256, profile(), seed=3, frame=1001)

    flat = made.reshape(-1, 3)
    assert np.abs(flat.mean(0)).max() < 0.03
    assert flat.std(0) == pytest.approx([1, 1, 1], abs=0.03)
    wanted = profile().mix @ profile().mix.T
    np.testing.assert_allclose(np.corrcoef(flat.T), wanted, atol=0.03)
    neighbour = (made[:, 1:] * made[:, :-1]).mean()
    assert neighbour == pytest.approx(56 / 70, abs=0.03)  # of the binomial kernel


def test_white_noise_is_the_twin_of_its_hash():
    """A slow, plain-Python hash gives the same values."""

    def mixed(v):
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            v = ((v ^ (v >> shift)) * factor) & 0xFFFFFFFF
        return v ^ (v >> 16)

    point = np.zeros((3, grain.TAPS, grain.TAPS), np.float32)
    point[:, grain.TAPS // 2, grain.TAPS // 2] = 1
    one, over = np.eye(3, dtype=np.float32), np.float32([0.25, 0.25, 0.25])
    plain = Grain(profile().levels, profile().sigmas, point, one)
    scanned = Grain(profile().levels, profile().sigmas, point, one, white_share=over)
    more = grain.noise(4, 6, scanned, seed=5, frame=1003, origin=(100, 200))
    made = grain.noise(4, 6, plain, seed=5, frame=1003, origin=(100, 200))

    key = (5 * 0x9E3779B1 + 1003 * 0x85EBCA77) & 0xFFFFFFFF
    table = grain.quantiles()
    for y in range(4):
        for x in range(6):
            first = mixed(mixed((key + 200 + y) & 0xFFFFFFFF) ^ (100 + x))
            second = mixed((first + 0x9E3779B9) & 0xFFFFFFFF)
            wanted = [table[first >> 20], table[(first >> 8) & 4095], table[second >> 20]]
            assert made[y, x].tolist() == wanted
            third = mixed((second + 0x9E3779B9) & 0xFFFFFFFF)
            white = [table[(second >> 8) & 4095], table[third >> 20], table[(third >> 8) & 4095]]
            np.testing.assert_allclose(more[y, x], np.sqrt(0.75) * np.array(wanted) + 0.5 * np.array(white), atol=1e-6)


def test_a_fourth_source_is_the_twin_of_its_hash_and_filter():
    """Source by source, in plain Python; the first three filter the same noise as without a fourth."""
    stock, y0, x0, reach = four(), 200, 100, grain.TAPS // 2

    def mixed(v):
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            v = ((v ^ (v >> shift)) * factor) & 0xFFFFFFFF
        return v ^ (v >> 16)

    def drawn(y, x):
        """Eight values of four hashes."""
        seen, found = mixed(mixed((5 * 0x9E3779B1 + 1003 * 0x85EBCA77 + y) & 0xFFFFFFFF) ^ x), []
        for _ in range(4):
            found += [grain.quantiles()[seen >> 20], grain.quantiles()[(seen >> 8) & 4095]]
            seen = mixed((seen + 0x9E3779B9) & 0xFFFFFFFF)
        return found

    white = np.array([[drawn(y0 + y, x0 + x) for x in range(-reach, 40 + reach)] for y in range(-reach, 6 + reach)])
    filtered = np.stack([cv2.filter2D(white[..., c], -1, stock.kernels[c].astype(float)) for c in range(4)], axis=-1)
    share = stock.white_share.astype(float)
    sources = (np.sqrt(1 - share) * filtered + np.sqrt(share) * white[..., 4:])[reach:-reach, reach:-reach]

    made = grain.noise(6, 40, stock, 5, 1003, (x0, y0))

    np.testing.assert_allclose(made, sources @ stock.mix.T, atol=1e-5)
    alone = replace(stock, white_share=np.zeros(4, np.float32), mix=np.pad(profile().mix, ((0, 0), (0, 1))))
    np.testing.assert_array_equal(grain.noise(6, 40, alone, 5, 1003), grain.noise(6, 40, profile(), 5, 1003))
    many = grain.noise(400, 400, stock, 5, 1).reshape(-1, 3)
    np.testing.assert_allclose(np.cov(many.T), stock.correlation, atol=0.03)


def test_a_wide_filter_is_a_small_one_with_more_beside_it():
    """The same white noise at the same places: zeros around 9 x 9 taps change nothing, taps there are added."""
    small = replace(film(), white_share=np.zeros(3, np.float32))
    more = np.pad(small.kernels, ((0, 0), (1, 1), (1, 1)))
    point = np.zeros_like(small.kernels)
    point[:, grain.TAPS // 2, grain.TAPS // 2] = 1
    made = grain.noise(40, 70, small, 5, 1003, (100, 200))
    np.testing.assert_allclose(grain.noise(40, 70, replace(small, kernels=more), 5, 1003, (100, 200)), made, atol=1e-6)
    more[:, 0, 10], more[:, 10, 3] = 0.5, -0.25

    wider = grain.noise(40, 70, replace(small, kernels=more), 5, 1003, (100, 200))

    right, below = (grain.noise(40, 70, replace(small, kernels=point), 5, 1003, o) for o in ((105, 195), (98, 205)))
    np.testing.assert_allclose(wider, made + 0.5 * right - 0.25 * below, atol=2e-6)


def test_frames_do_not_repeat():
    one, two = (grain.noise(200, 200, profile(), 1, f) for f in (1001, 1002))

    assert abs(float((one * two).mean())) < 0.02


def scene(size=(40, 53)):
    generator = np.random.default_rng(1)
    plate = generator.random((*size, 3), dtype=np.float32)
    picture = plate.copy()
    kept = np.ones(size, np.float32)
    picture[10:30, 10:40] = 0.5
    kept[10:30, 10:40] = generator.random((20, 30), dtype=np.float32).astype(np.float16)  # a comp holds it so
    return plate, picture, kept


@pytest.mark.parametrize("stock", [profile(), film(), wide(), four()], ids=["mixed", "film", "wide", "four"])
def test_tiles_and_threads_give_the_same_bytes(stock):
    plate, picture, kept = scene()
    whole, tiled = np.empty_like(picture), np.empty_like(picture)
    grain.add_grain(plate, picture, kept, stock, 7, 1010, whole)

    for y in range(0, 40, 13):
        for x in range(0, 53, 17):
            cut = (slice(y, y + 13), slice(x, x + 17))
            parts = [np.ascontiguousarray(a[cut]) for a in (plate, picture, kept)]
            out = np.empty_like(parts[1])
            grain.add_grain(*parts, stock, 7, 1010, out, origin=(x, y))
            tiled[cut] = out

    assert whole.tobytes() == tiled.tobytes()
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    grain.add_grain(plate, picture, kept, stock, 7, 1010, tiled)
    numba.set_num_threads(before)
    assert whole.tobytes() == tiled.tobytes()


def test_the_plate_is_never_touched():
    plate, picture, kept = scene()
    out = np.empty_like(picture)

    grain.add_grain(plate, picture, kept, profile(), 7, 1010, out)

    assert out[kept == 1].tobytes() == plate[kept == 1].tobytes()
    assert (out[kept < 0.99] != picture[kept < 0.99]).any(axis=1).mean() > 0.99


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_edges_are_not_grained_twice(share):
    """What is left of the plate's grain and what is added make up the profile's sigma, at any alpha."""
    size = (200, 200)
    level = np.float32(0.5)
    plate = level + np.float32(0.03) * grain.noise(*size, profile(), 99, 1)
    picture = (share * plate + (1 - share) * level).astype(np.float32)
    out = np.empty_like(picture)

    grain.add_grain(plate, picture, np.full(size, share, np.float32), profile(), 7, 1, out)

    assert out.reshape(-1, 3).std(0) == pytest.approx([0.03] * 3, rel=0.05)


def test_sigma_follows_the_level():
    size = (150, 150)
    for level, wanted in ((-1, 0.02), (0, 0.02), (0.5, 0.03), (1, 0.04), (5, 0.04)):
        picture = np.full((*size, 3), level, np.float32)
        out = np.empty_like(picture)
        grain.add_grain(picture, picture, np.zeros(size, np.float32), profile(), 7, 1, out)
        assert (out - picture).std() == pytest.approx(wanted, rel=0.06)
        assert grain.sigma_at(np.array([level]), 0, profile())[0] == pytest.approx(wanted)


def test_nan_stays_visible_in_place():
    plate, picture, kept = scene()
    picture[12, 12, 1] = np.nan
    grain.add_grain(plate, picture, kept, profile(), 7, 1010, picture)

    assert np.isnan(picture[12, 12, 1])
    assert np.isnan(picture).sum() == 1


def test_wrong_profiles_are_refused():
    good = profile()
    with pytest.raises(ValueError, match="kernels"):
        Grain(good.levels, good.sigmas, good.kernels[:, :3], good.mix)
    with pytest.raises(ValueError, match="kernels"):
        Grain(good.levels, good.sigmas, np.zeros((3, 7, 7), np.float32), good.mix)
    with pytest.raises(ValueError, match="rise"):
        Grain(good.levels[:, ::-1].copy(), good.sigmas, good.kernels, good.mix)


def test_a_measured_curve_is_followed_from_black_to_white():
    """Knots as a measurement sets them, dense and steep near black: within a thousandth of the interpolation."""
    levels = np.r_[0, np.geomspace(2.5e-5, 2, 31)].astype(np.float32)
    shake = np.random.default_rng(5).uniform(0.97, 1.03, (3, 32))
    sigmas = (np.sqrt(1e-6 + 6e-4 * levels) * shake).astype(np.float32)
    steep = Grain(np.tile(levels, (3, 1)), sigmas, profile().kernels, profile().mix)
    light = np.r_[-1, 0, np.geomspace(1e-5, 9, 501)].astype(np.float32)

    for c in range(3):
        made = np.empty_like(light)
        grainrows.sigma_row(light.copy(), grain.curves(steep), c, made)
        np.testing.assert_allclose(made, grain.sigma_at(light, c, steep), rtol=1e-3)


def test_added_grain_is_noise_times_the_curve():
    """At every level of a bent curve, beyond its ends too, and whatever the blocks of rows and columns are."""
    levels = np.tile(np.float32([0, 0.01, 0.02, 0.1, 0.5, 2, 8]), (3, 1))
    sigmas = np.float32([[0.001, 0.004, 0.003, 0.01, 0.02, 0.03, 0.03]] * 3) * np.float32([[1], [2], [0.5]])
    bent = Grain(levels, sigmas, profile().kernels, profile().mix)
    size = (37, 531)
    picture = np.broadcast_to(np.geomspace(1e-3, 20, 531, dtype=np.float32)[None, :, None] - 0.002, (*size, 3)).copy()
    kept = np.random.default_rng(3).choice(np.float32([0, 0.5]), size)
    plate, out = picture[:, ::-1].copy(), np.empty_like(picture)

    grain.add_grain(plate, picture, kept, bent, 7, 1010, out, origin=(40, 50))

    made = grain.noise(*size, bent, 7, 1010, origin=(40, 50))
    has, wants = (np.stack([grain.sigma_at(p[..., c], c, bent) for c in range(3)], axis=2) for p in (plate, picture))
    lacks = np.sqrt(np.maximum(wants**2 - (kept[..., None] * has) ** 2, 0))
    np.testing.assert_allclose(out, picture + made * lacks, rtol=1e-4, atol=1e-5)
