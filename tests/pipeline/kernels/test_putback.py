"""Colours laid back onto a body's samples: against plain NumPy, at the picture's edges, where nothing is."""

import numpy as np
import pytest

from pipeline.kernels.putback import put_back
from pipeline.kernels.raster import empty_buffers, rasterize

SS = 3
MATRIX = np.array([[20.0, 1.0, 8.0], [-0.5, 22.0, 6.0], [0.05, 0.1, 1.0]])


@pytest.fixture
def drawn():
    """Two triangles, one before the other, over 7 x 5 pixels."""
    rng = np.random.default_rng(4)
    x, y = (np.arange(5 * SS) + 0.5) / SS - 2.5, (np.arange(7 * SS) + 0.5) / SS - 3.5
    rays = (np.stack(np.meshgrid(x, y), axis=-1) * 0.1).astype(np.float32)
    points = np.array(
        [[-0.4, -0.6, 2], [0.5, -0.5, 2], [0, 0.7, 2.4], [-0.1, -0.1, 1], [0.3, 0, 1], [0, 0.3, 1.2]], np.float32
    )
    triangles = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    samples = empty_buffers(*rays.shape[:2])
    pixels = points[:, :2] / points[:, 2:] / np.float32(0.1) * SS + np.array([2.5 * SS, 3.5 * SS], np.float32)
    rasterize(points, triangles, rays, pixels, *samples)
    moves = rng.normal(size=(6, 2)).astype(np.float32)
    picture = rng.uniform(0, 3, (13, 17, 3)).astype(np.float32)
    return samples, rays, triangles, moves, picture


def twin(samples, rays, triangles, moves, picture):
    """The same, sample by sample in NumPy."""
    depth, hit, weights = samples
    flat = np.concatenate([rays.astype(float), np.ones((*rays.shape[:2], 1))], axis=-1) @ MATRIX.T
    x, y = (flat[..., k] / flat[..., 2] - 0.5 for k in (0, 1))
    x, y = np.clip(x, 0, picture.shape[1] - 1), np.clip(y, 0, picture.shape[0] - 1)
    i, j = np.minimum(x.astype(int), picture.shape[1] - 2), np.minimum(y.astype(int), picture.shape[0] - 2)
    ax, ay = (x - i)[..., None], (y - j)[..., None]
    colour = (1 - ay) * ((1 - ax) * picture[j, i] + ax * picture[j, i + 1])
    colour = colour + ay * ((1 - ax) * picture[j + 1, i] + ax * picture[j + 1, i + 1])
    shares = np.concatenate([weights, 1 - weights.sum(-1, keepdims=True)], axis=-1)
    moved = (shares[..., None] * moves[triangles[np.maximum(hit, 0)]]).sum(axis=2)
    there = (hit >= 0)[..., None]
    blocks = lambda a: a.reshape(a.shape[0] // SS, SS, a.shape[1] // SS, SS, -1)  # noqa: E731
    rgba = blocks(np.concatenate([colour, np.ones_like(ax)], axis=-1) * there).mean(axis=(1, 3))
    count = np.maximum(blocks(there.astype(float)).sum(axis=(1, 3)), 1)
    return rgba, blocks(depth[..., None]).min(axis=(1, 3))[..., 0], blocks(moved * there).sum(axis=(1, 3)) / count


def test_it_agrees_with_plain_numpy(drawn):
    samples, rays, triangles, moves, picture = drawn

    rgba, depth, motion = put_back(samples, rays, triangles, moves, MATRIX, picture, SS)

    expected = twin(samples, rays, triangles, moves, picture)
    assert 0.1 < (rgba[..., 3] > 0).mean() < 1
    assert ((rgba[..., 3] > 0) & (rgba[..., 3] < 1)).any()
    np.testing.assert_allclose(rgba, expected[0], atol=2e-6)
    np.testing.assert_array_equal(depth, expected[1])
    np.testing.assert_allclose(motion, expected[2], atol=2e-5)


def test_beyond_the_picture_its_outermost_colours_go_on(drawn):
    samples, rays, triangles, moves, _ = drawn
    picture = np.full((1, 1, 3), 2.0, np.float32)

    rgba = put_back(samples, rays, triangles, moves, MATRIX, picture, SS)[0]

    np.testing.assert_allclose(rgba[..., 0], 2 * rgba[..., 3], atol=1e-6)


def test_nothing_drawn_leaves_nothing(drawn):
    _, rays, triangles, moves, picture = drawn

    rgba, depth, motion = put_back(empty_buffers(*rays.shape[:2]), rays, triangles, moves, MATRIX, picture, SS)

    assert not rgba.any()
    assert np.isinf(depth).all()
    assert not motion.any()


def test_wrong_shapes_are_refused(drawn):
    samples, rays, triangles, moves, picture = drawn

    with pytest.raises(ValueError, match="rays"):
        put_back(samples, rays[1:], triangles, moves, MATRIX, picture, SS)
    with pytest.raises(ValueError, match="moves"):
        put_back(samples, rays, triangles, moves[:3], MATRIX, picture, SS)
    with pytest.raises(ValueError, match="picture"):
        put_back(samples, rays, triangles, moves, MATRIX, picture[..., :2], SS)
