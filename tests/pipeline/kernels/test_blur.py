"""Blur keeps light, follows motion and depth, and leaves still things sharp."""

import cv2
import numpy as np
import pytest

from pipeline.kernels import blur


def disc(size=(40, 60), centre=(30, 20), radius=8):
    y, x = np.mgrid[: size[0], : size[1]]
    inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2
    layer = np.zeros((*size, 4), np.float32)
    layer[inside] = (0.5, 0.3, 0.2, 1)
    depth = np.where(inside, 30, np.inf).astype(np.float32)
    return layer, depth, inside


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (31, 18)])
@pytest.mark.parametrize("channels", [1, 4])
def test_gaussian_is_separable_convolution_with_held_borders(size, channels):
    image = np.random.default_rng(1).random((*size, channels), dtype=np.float32)
    out = np.empty_like(image)

    blur.gaussian(image, 1.3, out)

    taps = blur.gaussian_taps(1.3)
    wanted = cv2.sepFilter2D(image, -1, taps, taps, borderType=cv2.BORDER_REPLICATE).reshape(image.shape)
    np.testing.assert_allclose(out, wanted, rtol=1e-4, atol=1e-6)


def test_gaussian_at_its_ends():
    image = np.random.default_rng(1).random((5, 6, 3), dtype=np.float32)
    out = np.empty_like(image)

    blur.gaussian(image, 0.0, out)
    np.testing.assert_array_equal(out, image)
    blur.gaussian(np.ones_like(image), 3.0, out)
    np.testing.assert_allclose(out, 1, rtol=1e-5)


def test_gaussian_in_place_equals_apart_and_nan_spreads():
    image = np.random.default_rng(1).random((9, 9, 4), dtype=np.float32)
    out = np.empty_like(image)
    blur.gaussian(image, 0.8, out)
    blur.gaussian(image, 0.8, image)
    np.testing.assert_array_equal(image, out)

    image[4, 4, 0] = np.nan
    blur.gaussian(image, 0.8, out)
    assert np.isnan(out[4, 4, 0])
    assert np.isfinite(out[..., 1:]).all()


def test_motion_blur_is_the_mean_of_moved_pictures():
    """Truth: the disc drawn at many moments of the open shutter."""
    layer, depth, inside = disc()
    motion = np.zeros((40, 60, 2), np.float32)
    motion[inside] = (12, 4)
    out, out_depth = np.empty_like(layer), np.empty_like(depth)

    blur.motion_blur(layer, depth, motion, 0.5, out, out_depth)

    moments = [disc(centre=(30 + t * 6, 20 + t * 2))[0] for t in (np.arange(200) + 0.5) / 200 - 0.5]
    wanted = np.mean(moments, axis=0)
    assert np.abs(out[..., 3] - wanted[..., 3]).mean() < 0.006
    assert out[..., 3].sum() == pytest.approx(layer[..., 3].sum(), rel=0.02)
    assert (out_depth[out[..., 3] > 0] == 30).all()
    assert np.isinf(out_depth[out[..., 3] == 0]).all()


def test_premultiplication_survives_motion_blur():
    layer, depth, inside = disc()
    motion = np.zeros((40, 60, 2), np.float32)
    motion[inside] = (9, 0)
    out, out_depth = np.empty_like(layer), np.empty_like(depth)

    blur.motion_blur(layer, depth, motion, 0.5, out, out_depth)

    np.testing.assert_allclose(out[..., :3], out[..., 3:] * np.float32([0.5, 0.3, 0.2]), atol=1e-6)


def test_what_stands_still_beside_motion_stays_sharp():
    layer, depth, mover = disc(centre=(15, 20))
    still, still_depth, inside = disc(centre=(34, 20))
    layer[inside], depth[inside] = still[inside], still_depth[inside]
    motion = np.zeros((40, 60, 2), np.float32)
    motion[mover] = (0, 10)
    out, out_depth = np.empty_like(layer), np.empty_like(depth)

    blur.motion_blur(layer, depth, motion, 0.5, out, out_depth)

    np.testing.assert_allclose(out[inside], layer[inside], rtol=1e-5)


def test_no_motion_keeps_the_bits():
    layer, depth, _ = disc()
    out, out_depth = np.empty_like(layer), np.empty_like(depth)

    blur.motion_blur(layer, depth, np.zeros((40, 60, 2), np.float32), 0.5, out, out_depth)

    assert out.tobytes() == layer.tobytes()
    assert out_depth.tobytes() == depth.tobytes()


def test_motion_blur_keeps_nan_visible_and_refuses_itself():
    layer, depth, inside = disc()
    motion = np.zeros((40, 60, 2), np.float32)
    motion[inside] = (6, 0)
    layer[20, 30, 2] = np.nan
    out, out_depth = np.empty_like(layer), np.empty_like(depth)

    blur.motion_blur(layer, depth, motion, 0.5, out, out_depth)

    assert np.isnan(out[20, 30, 2])
    with pytest.raises(ValueError, match="itself"):
        blur.motion_blur(layer, depth, motion, 0.5, layer, out_depth)
