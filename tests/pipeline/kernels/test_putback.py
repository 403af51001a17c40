"""Colours laid back onto a body's samples: against plain NumPy, along painted edges, at the picture's own, where nothing is."""

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
    parts = np.array([1, 2], np.int32), rng.integers(0, 4, (13, 17)).astype(np.int32)
    return samples, rays, triangles, moves, picture, parts


def tent(away, reach):
    return np.maximum(reach - np.abs(away), 0)


def twin(samples, rays, triangles, moves, picture, parts):
    """The same, in NumPy: each sample over the whole picture."""
    depth, hit, weights = samples
    flat = np.concatenate([rays.astype(float), np.ones((*rays.shape[:2], 1))], axis=-1) @ MATRIX.T
    x, y = (flat[..., k] / flat[..., 2] - 0.5 for k in (0, 1))
    x, y = np.clip(x, 0, picture.shape[1] - 1), np.clip(y, 0, picture.shape[0] - 1)
    rows, columns = np.arange(picture.shape[0]), np.arange(picture.shape[1])
    close = tent(y[..., None] - rows, 1)[..., None] * tent(x[..., None] - columns, 1)[..., None, :]
    wide = tent(y[..., None] - rows, 2)[..., None] * tent(x[..., None] - columns, 2)[..., None, :]
    same = parts[0][np.maximum(hit, 0)][..., None, None] == parts[1]
    counts = same * (close + 0.01 * wide) + 1e-4 * close
    down, across = (np.isin(away, (0, 1)) for away in (rows - np.floor(y)[..., None], columns - np.floor(x)[..., None]))
    among = (same | ~(down[..., None] & across[..., None, :])).all(axis=(2, 3))
    counts[among] = close[among]
    colour = np.einsum("yxij,ijk->yxk", counts / counts.sum(axis=(2, 3), keepdims=True), picture)
    shares = np.concatenate([weights, 1 - weights.sum(-1, keepdims=True)], axis=-1)
    moved = (shares[..., None] * moves[triangles[np.maximum(hit, 0)]]).sum(axis=2)
    there = (hit >= 0)[..., None]
    blocks = lambda a: a.reshape(a.shape[0] // SS, SS, a.shape[1] // SS, SS, -1)  # noqa: E731
    rgba = blocks(np.concatenate([colour, np.ones_like(x)[..., None]], axis=-1) * there).mean(axis=(1, 3))
    count = np.maximum(blocks(there.astype(float)).sum(axis=(1, 3)), 1)
    return rgba, blocks(depth[..., None]).min(axis=(1, 3))[..., 0], blocks(moved * there).sum(axis=(1, 3)) / count


def test_it_agrees_with_plain_numpy(drawn):
    samples, rays, triangles, moves, picture, parts = drawn

    rgba, depth, motion = put_back(samples, rays, triangles, moves, MATRIX, picture, parts, SS)

    expected = twin(samples, rays, triangles, moves, picture, parts)
    assert 0.1 < (rgba[..., 3] > 0).mean() < 1
    assert ((rgba[..., 3] > 0) & (rgba[..., 3] < 1)).any()
    np.testing.assert_allclose(rgba, expected[0], atol=2e-6)
    np.testing.assert_array_equal(depth, expected[1])
    np.testing.assert_allclose(motion, expected[2], atol=2e-5)


@pytest.mark.parametrize("slope", [0.15, 0.6, 1.4])
def test_a_painted_edge_is_as_clean_as_the_geometry_in_a_picture_a_quarter_as_fine(slope):
    """A slanted stripe of its own part, three pixels of the picture wide, against the same at 12 samples a pixel."""
    size, coarse = 48, 4

    def stripe(x, y):
        return np.abs(y - 24 - slope * (x - 24)) < 6.0 * np.hypot(1, slope)

    def seen(ss):
        at = (np.arange(size * ss) + 0.5) / ss
        return np.stack(np.meshgrid(at, at), axis=-1)

    def mean(a, ss):
        return a.reshape(size, ss, size, ss, *a.shape[2:]).mean(axis=(1, 3))

    at = seen(SS)
    hit = stripe(at[..., 0], at[..., 1]).astype(np.int32)
    samples = np.ones(hit.shape, np.float32), hit, np.full((*hit.shape, 2), 1 / 3, np.float32)
    pixels = seen(12)[..., 0], seen(12)[..., 1]
    most = stripe(*pixels).reshape(size // coarse, 12 * coarse, size // coarse, 12 * coarse).mean(axis=(1, 3)) > 0.5
    colours = np.array([[0.3, 0.05, 0.04], [0.5, 0.42, 0.12]], np.float32)
    triangles, shown = np.array([[0, 1, 2], [0, 1, 2]], np.int32), most.astype(np.int32) + 1
    matrix = np.diag([1 / coarse, 1 / coarse, 1.0])

    rgba, _, _ = put_back(samples, at.astype(np.float32), triangles, np.zeros((3, 2), np.float32), matrix,
                          colours[most.astype(int)], (np.array([1, 2], np.int32), shown), SS)  # fmt: skip

    off = (rgba[..., 1] - colours[0, 1]) / (colours[1, 1] - colours[0, 1]) - mean(stripe(*pixels).astype(float), 12)
    inner = off[4:-4, 4:-4]
    assert np.abs(inner).max() < 0.2  # of the step, where the lookup among all pixels is 0.6 to 0.8 off
    assert np.abs(inner).mean() < 0.02


def test_a_part_that_the_picture_does_not_show_has_the_colours_that_are_there(drawn):
    samples, rays, triangles, moves, picture, parts = drawn

    told = put_back(samples, rays, triangles, moves, MATRIX, picture, (parts[0], np.zeros_like(parts[1])), SS)[0]

    alike = np.zeros(2, np.int32), np.zeros_like(parts[1])
    np.testing.assert_allclose(
        told, put_back(samples, rays, triangles, moves, MATRIX, picture, alike, SS)[0], atol=1e-5
    )


def test_beyond_the_picture_its_outermost_colours_go_on(drawn):
    samples, rays, triangles, moves, _, parts = drawn
    picture = np.full((1, 1, 3), 2.0, np.float32)

    rgba = put_back(samples, rays, triangles, moves, MATRIX, picture, (parts[0], np.ones((1, 1), np.int32)), SS)[0]

    np.testing.assert_allclose(rgba[..., 0], 2 * rgba[..., 3], atol=1e-6)


def test_nothing_drawn_leaves_nothing(drawn):
    _, rays, triangles, moves, picture, parts = drawn

    rgba, depth, motion = put_back(empty_buffers(*rays.shape[:2]), rays, triangles, moves, MATRIX, picture, parts, SS)

    assert not rgba.any()
    assert np.isinf(depth).all()
    assert not motion.any()


def test_wrong_shapes_are_refused(drawn):
    samples, rays, triangles, moves, picture, parts = drawn

    with pytest.raises(ValueError, match="rays"):
        put_back(samples, rays[1:], triangles, moves, MATRIX, picture, parts, SS)
    with pytest.raises(ValueError, match="moves"):
        put_back(samples, rays, triangles, moves[:3], MATRIX, picture, parts, SS)
    with pytest.raises(ValueError, match="picture"):
        put_back(samples, rays, triangles, moves, MATRIX, picture[..., :2], parts, SS)
    with pytest.raises(ValueError, match="parts are told"):
        put_back(samples, rays, triangles, moves, MATRIX, picture, (parts[0], parts[1][1:]), SS)
    with pytest.raises(ValueError, match="2 triangles, 1 parts"):
        put_back(samples, rays, triangles, moves, MATRIX, picture, (parts[0][:1], parts[1]), SS)
