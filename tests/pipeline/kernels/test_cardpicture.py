"""What a sample shows of a card's picture, against a slow NumPy twin."""

import numpy as np
import pytest

from pipeline.kernels.cardpicture import LEAST_FACING, wear
from pipeline.kernels.splat import LEVELS, pyramid

FOCAL_PX = 20.0


def scene(seed=3):
    """A window of 11 x 9 in a picture of 16 x 12 whose samples lie anywhere on two triangles and beyond their picture."""
    rng = np.random.default_rng(seed)
    triangles = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    world, places = rng.normal(0, 5, (4, 3)), rng.uniform((-6, -6), (70, 38), (4, 2))
    facing = rng.normal(size=(2, 3))
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    weights = rng.dirichlet((1, 1, 1), (9, 11))[..., :2].astype(np.float32)
    triangle = rng.integers(-1, 2, (9, 11)).astype(np.int32)
    depth = np.where(triangle >= 0, rng.uniform(0.5, 400, (9, 11)), np.inf).astype(np.float32)
    rays = rng.uniform(-1, 1, (9, 11, 2)).astype(np.float32)
    texels = rng.random((1, 32, 64, 4), np.float32)
    texels[..., :3] *= texels[..., 3:]
    texels[:, :, 20:30] = 0
    levels = pyramid(texels, np.zeros((1, 32, 64), np.float32))
    return levels, triangles, places, world, facing, (depth, triangle, weights), rays


def buffers():
    rgba = np.full((12, 16, 4), 0.125, np.float32)
    return rgba, np.full((12, 16), 100, np.float32), np.zeros((12, 16, 3))


def twin(levels, triangles, places, world, facing, drawn, rays, texels_per_m, corner, share, rgba, nearest, where):
    depth, triangle, weights = drawn
    for v, u in np.argwhere(triangle >= 0):
        t = triangle[v, u]
        three = np.array([*weights[v, u], 0], np.float64)
        three[2] = 1 - three.sum()
        ray = np.array([*rays[v, u], 1], np.float64)
        towards = max(abs(facing[t] @ ray) / np.linalg.norm(ray), LEAST_FACING)
        lod = np.clip(np.log2(0.5 * depth[v, u] / FOCAL_PX * texels_per_m / towards), 0, LEVELS - 1)
        level = min(int(lod), LEVELS - 2)
        x, y = three @ places[triangles[t]]
        near, far = (bilinear(levels, k, x, y) for k in (level, level + 1))
        colour = near * (level + 1 - lod) + far * (lod - level)
        at = corner[0] + v, corner[1] + u
        rgba[at] += share * colour
        if colour[3] > 0 and depth[v, u] < nearest[at]:
            nearest[at], where[at] = depth[v, u], three @ world[triangles[t]]


def bilinear(levels, level, x, y):
    first, rows, columns = levels.shapes[level]
    picture = levels.texels[0, first : first + rows * columns].reshape(rows, columns, -1)[..., :4].astype(np.float64)
    x, y = x / 2**level - 0.5, y / 2**level - 0.5
    total = np.zeros(4)
    for row in (int(np.floor(y)), int(np.floor(y)) + 1):
        for column in (int(np.floor(x)), int(np.floor(x)) + 1):
            if 0 <= row < rows and 0 <= column < columns:
                total += (1 - abs(x - column)) * (1 - abs(y - row)) * picture[row, column]
    return total


@pytest.mark.parametrize("texels_per_m", [0.02, 0.5, 8.0])
def test_samples_agree_with_their_twin(texels_per_m):
    levels, triangles, places, world, facing, drawn, rays = scene()
    ours, wanted = buffers(), buffers()

    wear(levels, triangles, places, world, facing, texels_per_m, FOCAL_PX, drawn, rays, (2, 4), 0.25, *ours)
    twin(levels, triangles, places, world, facing, drawn, rays, texels_per_m, (2, 4), 0.25, *wanted)

    assert (ours[1] < 100).sum() > 5
    for have, want in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(have, want, rtol=2e-6, atol=2e-6)


def test_what_compiled_code_could_not_read_is_refused():
    levels, triangles, places, world, facing, drawn, rays = scene()
    for corner, told in (((4, 4), "reaches outside"), ((-1, 0), "reaches outside")):
        with pytest.raises(ValueError, match=told):
            wear(levels, triangles, places, world, facing, 1.0, FOCAL_PX, drawn, rays, corner, 0.25, *buffers())
    with pytest.raises(ValueError, match="triangles outside"):
        wear(levels, triangles[:1], places, world, facing[:1], 1.0, FOCAL_PX, drawn, rays, (0, 0), 0.25, *buffers())
    with pytest.raises(ValueError, match="places"):
        wear(levels, triangles, places[:3], world, facing, 1.0, FOCAL_PX, drawn, rays, (0, 0), 0.25, *buffers())
