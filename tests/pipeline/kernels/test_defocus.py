"""Depth of field against a thin lens by brute force, and what it must never do: leak, darken, lose light."""

import numba
import numpy as np
import pytest

from pipeline.kernels.defocus import defocus
from tests.thinlens import Card, ThinLens, disc

CARDS = (
    Card(4, (-0.6, 0.0), (0.3, 0.55), (0.6, 0.2, 0.1), 12),
    Card(12, (0.4, 0.0), (0.7, 1.4), (0.2, 0.5, 0.2), 9),
    Card(12, (2.3, 0.0), (0.4, 1.4), (0.5, 0.5, 0.2), 9),
    Card(30, (3.7, 0.4), (1.6, 2.8), (0.7, 0.6, 0.5), 2),
    Card(60, (0, 9), (60, 9), (0.3, 0.3, 0.35), 0.8),
)
LENS = ThinLens(CARDS, 144, 80, 172.0, 12.0, 0.1675)  # radii -4.8, 0, 1.4 and 1.9 px


def defocused(layer, depth, radius, **iris):
    out, out_depth = np.empty_like(layer), np.empty_like(depth)
    defocus(layer, depth, radius, out, out_depth, **iris)
    return out, out_depth


def flat(size=(40, 60), depth_m=9.0, radius_px=6.0):
    """An opaque picture at one depth, of one radius."""
    layer = np.random.default_rng(2).random((*size, 4), dtype=np.float32)
    layer[..., 3] = 1
    return layer, np.full(size, depth_m, np.float32), np.full(size, radius_px, np.float32)


@pytest.fixture(scope="module")
def seen():
    layer, depth = LENS.pinhole()
    return layer, depth, LENS.truth(disc, 90)


def test_the_thin_lens_within_a_third_of_a_percent(seen):
    """Most of what is left lies where the near figure hides what only the wide iris sees."""
    layer, depth, truth = seen

    out, _ = defocused(layer, depth, LENS.radius_px(depth))

    off, before = np.abs(out - truth), np.abs(layer - truth)
    assert off.mean() < 0.0033
    assert off.mean() < 0.35 * before.mean()
    assert np.quantile(off, 0.99) < 0.35 * np.quantile(before, 0.99)


def test_gathering_every_pixel_by_its_own_radius_is_twice_as_far_off(seen):
    """The peer: the usual gather, blind to occlusion."""
    layer, depth, truth = seen
    radius = LENS.radius_px(depth)
    blind, weight = np.zeros_like(layer), np.zeros((*depth.shape, 1), np.float32)
    for down, aside in np.ndindex(11, 11):
        taken = (np.abs(radius) >= np.hypot(down - 5, aside - 5)) | (down == aside == 5)
        weight += taken[..., None]
        blind += taken[..., None] * np.roll(layer, (5 - down, 5 - aside), axis=(0, 1))
    blind /= weight

    out, _ = defocused(layer, depth, radius)

    assert np.abs(blind - truth).mean() > 2 * np.abs(out - truth).mean()


@pytest.mark.parametrize("radius_px", [0.6, 1.0, 2.5, 7.3])
def test_one_distance_is_convolution_with_a_disc(radius_px):
    """NumPy twin: the disc sampled 64 times per pixel; spread as the square of the radius over four."""
    point = np.zeros((31, 31, 4), np.float32)
    point[15, 15] = (4, 2, 1, 1)
    y, x = (np.mgrid[0 : 31 * 8, 0 : 31 * 8] + 0.5) / 8 - 15.5
    inside = (y**2 + x**2 <= radius_px**2).astype(np.float64)
    wanted = inside.reshape(31, 8, 31, 8).mean(axis=(1, 3))
    wanted /= wanted.sum()

    out, _ = defocused(point, np.full((31, 31), 9, np.float32), np.full((31, 31), radius_px, np.float32))

    pixel = np.arange(31) - 15.0
    light = out[..., 0].astype(np.float64)
    assert light.sum() == pytest.approx(4, rel=1e-4)
    np.testing.assert_allclose(out[..., :3], out[..., 3:] * np.float32([4, 2, 1]), atol=1e-5)
    spread = (light.sum(axis=0) * pixel**2).sum() / 4, (light.sum(axis=1) * pixel**2).sum() / 4
    assert np.mean(spread) == pytest.approx(radius_px**2 / 4, rel=0.1)
    if radius_px > 2:
        assert np.abs(light / 4 - wanted).sum() < 0.12


def test_a_sharp_figure_in_front_neither_blurs_nor_leaks():
    layer, depth, radius = flat()
    layer[:, :30] = (0, 0, 0, 1)
    layer[:, 30:] = (5, 0, 0, 1)
    depth[:, 30:], radius[:, 30:] = 4, 0

    out, out_depth = defocused(layer, depth, radius)

    np.testing.assert_array_equal(out[:, 30:], layer[:, 30:])
    np.testing.assert_allclose(out[:, :30], layer[:, :30], atol=1e-5)
    assert (out_depth[:, 30:] == 4).all()


def test_a_soft_figure_in_front_covers_what_is_sharp_behind():
    layer, depth, radius = flat(radius_px=0.0)
    layer[...] = (0, 1, 0, 1)
    layer[:, :30] = (1, 0, 0, 1)
    depth[:, :30], radius[:, :30] = 3, -6

    out, out_depth = defocused(layer, depth, radius)

    assert out[20, 29:31, 0] == pytest.approx(0.5, abs=0.1)
    assert (out[20, 31:35, 0] > 0.02).all()
    np.testing.assert_allclose(out[..., 3], 1, atol=1e-3)  # what it hides is guessed, no hole
    assert out_depth[20, 25] == pytest.approx(3, rel=1e-4)
    assert out_depth[20, 38] == 9


@pytest.mark.parametrize("radius_px", [-9.0, -1.0, 0.7, 9.0])
def test_borders_do_not_darken(radius_px):
    layer, depth, radius = flat(radius_px=radius_px)
    layer[...] = (0.3, 0.6, 0.9, 1)

    out, out_depth = defocused(layer, depth, radius)

    np.testing.assert_allclose(out, layer, atol=1e-5)
    np.testing.assert_allclose(out_depth, depth, rtol=1e-5)


def test_a_plane_that_runs_away_shows_no_seam_where_slices_meet():
    layer, depth, _ = flat((60, 90))
    layer[...] = (0.3, 0.6, 0.9, 1)
    depth[...] = np.geomspace(3, 80, 60)[:, None]
    radius = (40 * (1 / 9 - 1 / depth)).astype(np.float32)

    out, _ = defocused(layer, depth, radius)

    np.testing.assert_allclose(out, layer, atol=2e-3)


def test_in_focus_the_bits_stay():
    layer, depth, radius = flat(radius_px=0.24)
    layer[:8] = 0
    depth[:8] = np.inf

    out, out_depth = defocused(layer, depth, radius)

    assert out.tobytes() == layer.tobytes()
    assert out_depth.tobytes() == depth.tobytes()


def test_light_of_an_isolated_figure_is_kept():
    layer, depth, radius = flat()
    layer[:12], layer[-12:], layer[:, :14], layer[:, -14:] = 0, 0, 0, 0

    for sign in (-1, 1):
        out, _ = defocused(layer, depth, np.float32(sign) * radius)
        np.testing.assert_allclose(out.sum(axis=(0, 1)), layer.sum(axis=(0, 1)), rtol=2e-2)


def test_an_odd_iris_turns_round_with_the_side_of_the_focus():
    point = np.zeros((41, 41, 4), np.float32)
    point[20, 20] = 1
    depth = np.full((41, 41), 9, np.float32)

    far, near = (
        defocused(point, depth, np.full((41, 41), r, np.float32), blades=5, rotation_deg=12.0)[0] for r in (9, -9)
    )

    np.testing.assert_allclose(far, near[::-1, ::-1], atol=1e-7)
    assert np.abs(far - far[::-1, ::-1]).max() > 1e-3
    assert (far[..., 3] > 0).sum() == pytest.approx(np.pi * 81, rel=0.2)


def test_threads_give_equal_bytes(seen):
    layer, depth, _ = seen
    radius = LENS.radius_px(depth)
    many, _ = defocused(layer, depth, radius)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one, _ = defocused(layer, depth, radius)
    finally:
        numba.set_num_threads(before)

    assert one.tobytes() == many.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3)])
def test_small_and_odd_sizes(size):
    layer, depth, radius = flat(size, radius_px=30.0)
    layer[...] = (0.2, 0.3, 0.4, 1)

    out, _ = defocused(layer, depth, radius)

    np.testing.assert_allclose(out, layer, atol=1e-5)


def test_nan_stays_visible_and_wrong_arrays_are_refused():
    layer, depth, radius = flat()
    layer[20, 30, 1] = np.nan

    out, out_depth = defocused(layer, depth, radius)

    assert np.isnan(out[20, 30]).any()
    assert np.isfinite(out[:8]).all()
    with pytest.raises(ValueError, match="itself"):
        defocus(layer, depth, radius, layer, out_depth)
    with pytest.raises(ValueError, match="radius_px"):
        defocus(layer, depth, radius[:-1], out, out_depth)
