"""Layers merge as the algebra says: against NumPy twins, at the ends of the range, with NaN, in place, at odd sizes."""

import itertools

import numpy as np
import pytest

from pipeline.kernels import merge

SIZES = [(1, 1), (3, 5), (17, 33)]


def rgba(seed, size=(9, 13)):
    """A premultiplied picture with light above 1."""
    picture = np.random.default_rng(seed).random((*size, 4), dtype=np.float32)
    picture[..., :3] *= 3 * picture[..., 3:]
    return picture


def plane(seed, size=(9, 13)):
    return np.random.default_rng(seed).random(size, dtype=np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_hold_out_scales_alpha_too(size):
    layer, visible = rgba(1, size), plane(2, size) * 3 - 1
    out = np.empty_like(layer)

    merge.hold_out(layer, visible, out)

    np.testing.assert_allclose(out, layer * np.clip(visible, 0, 1)[..., None], rtol=1e-6)


def test_hold_out_keeps_nan_visible():
    layer, visible = rgba(1), plane(2)
    visible[1, 1] = np.nan

    merge.hold_out(layer, visible, layer)

    assert np.isnan(layer[1, 1]).all()


def seen(layer_z, plate_z, confidence=1.0):
    arrays = [np.full((1, 1), v, np.float32) for v in (layer_z, plate_z, confidence)]
    out = np.empty((1, 1), np.float32)
    merge.visible_by_depth(*arrays, out, tolerance_m=0.5, tolerance=0.02, doubt=0.1)
    return float(out[0, 0])


def test_depth_hides_what_stands_behind():
    assert seen(50, 60) == 1  # the plate lies behind
    assert seen(50, 49) == 1  # within the tolerance: feet on the ground are not cut
    assert seen(50, 47.75) == pytest.approx(0.5)  # half way through the soft run of 0.5 m + 2%
    assert seen(50, 40) == 0
    assert seen(50, 46.5, confidence=1) == 0
    assert seen(50, 46.5, confidence=0) == 1  # a doubtful depth must be much nearer


def test_sky_hides_nothing_and_nan_stays():
    assert seen(50, np.inf) == 1
    assert seen(np.inf, 10) == 1
    assert np.isnan(seen(50, np.nan))


def test_depth_visibility_falls_monotonically():
    values = [seen(50, z) for z in np.linspace(55, 40, 60)]

    assert all(a >= b for a, b in itertools.pairwise(values))


def test_shadow_leaves_haze_and_untouched_bits():
    plate = np.random.default_rng(1).random((5, 7, 3), dtype=np.float32)
    veil = np.full_like(plate, 0.1)
    shadow = plane(2, (5, 7)).astype(np.float32)
    shadow[0] = 1
    shadow[1] = 0
    out = np.empty_like(plate)

    merge.multiply_shadow(plate, shadow, veil, out)

    air = np.minimum(veil, plate)
    np.testing.assert_array_equal(out[0], plate[0])
    np.testing.assert_allclose(out[1], air[1])
    np.testing.assert_allclose(out[2:], (air + (plate - air) * shadow[..., None])[2:], rtol=1e-5)
    assert (out <= plate).all()


def test_a_coloured_shadow_leaves_what_its_powers_say():
    plate, shadow = np.random.default_rng(1).random((5, 7, 3), dtype=np.float32), plane(2, (5, 7)).astype(np.float32)
    shadow[0] = 1
    out = np.empty_like(plate)

    merge.multiply_shadow(plate, shadow, np.zeros_like(plate), out, (1.2, 1.0, 0.7))

    np.testing.assert_array_equal(out[0], plate[0])
    np.testing.assert_allclose(out, plate * np.clip(shadow, 0, 1)[..., None] ** np.array([1.2, 1.0, 0.7]), rtol=1e-4)
    with pytest.raises(ValueError, match="takes light from every channel"):
        merge.multiply_shadow(plate, shadow, np.zeros_like(plate), out, (1.0, 0.0, 1.0))


def beside(share: np.ndarray, light: float) -> np.ndarray:
    """What merge.light_wrap takes: `share` (H, W) of a grey light."""
    return np.dstack([share * light] * 3 + [share]).astype(np.float32)


def test_light_wrap_only_brightens_and_only_where_light_gets_to():
    layer, share = rgba(1), np.clip(plane(3), 0, 1)
    share[:, :6] = 0
    out = np.empty_like(layer)

    merge.light_wrap(layer, beside(share, 0.7), 0.5, 1.4, out)

    edge, lack = 0.5 * share * 0.5, np.maximum(0, layer[..., 3:] * 0.7 - layer[..., :3])
    np.testing.assert_array_equal(out[:, :6], layer[:, :6])
    reached = share > 1e-3
    np.testing.assert_allclose(out[reached][:, :3], (layer[..., :3] + edge[..., None] * lack)[reached], rtol=1e-5)
    np.testing.assert_array_equal(out[..., 3], layer[..., 3])


def test_light_wrap_keeps_nan_visible_and_works_in_place():
    layer = rgba(1)
    layer[2, 3, 1] = np.nan

    merge.light_wrap(layer, beside(np.ones((9, 13), np.float32), 9), 1.0, 1.0, layer)

    assert np.isnan(layer[2, 3, 1])
    assert np.isnan(layer).sum() == 1
