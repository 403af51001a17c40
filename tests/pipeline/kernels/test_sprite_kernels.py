"""Guides and sky visibility against slow NumPy twins."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.kernels.raster import empty_buffers, rasterize_orthographic
from pipeline.kernels.sprites import resolve, sky_visibility

SS = 3


def soup(count: int = 40, seed: int = 1):
    """Random triangles over a picture of 8 x 6 pixels, as samples."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform([0, 0, -1], [6 * SS, 8 * SS, 1], (count, 1, 3))
    vertices = (centres + rng.normal(0, 3, (count, 3, 3)) * (1, 1, 0.1)).reshape(-1, 3).astype(np.float32)
    triangles = np.arange(count * 3, dtype=np.int32).reshape(-1, 3)
    normals = rng.normal(size=vertices.shape)
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    parts = rng.integers(1, 5, count).astype(np.int32)
    buffers = empty_buffers(8 * SS, 6 * SS)
    rasterize_orthographic(vertices, triangles, *buffers)
    return (*buffers, triangles, normals, parts)


def resolve_twin(depth, ids, weights, triangles, normals, parts, ss):
    height, width = depth.shape[0] // ss, depth.shape[1] // ss
    relief, facing = np.zeros((height, width)), np.zeros((height, width, 3))
    part, coverage = np.zeros((height, width), np.uint8), np.zeros((height, width))
    for y, x in np.ndindex(height, width):
        block = np.s_[y * ss : y * ss + ss, x * ss : x * ss + ss]
        hit = ids[block].ravel() >= 0
        if not hit.any():
            continue
        t = ids[block].ravel()[hit]
        uv = weights[block].reshape(-1, 2)[hit]
        shares = np.column_stack([uv, 1 - uv.sum(axis=1)])
        inside = np.einsum("nk,nkj->nj", shares, normals[triangles[t]].astype(float))
        inside /= np.linalg.norm(inside, axis=1, keepdims=True)
        inside[inside[:, 2] < 0] *= -1
        votes = np.bincount(parts[t])
        coverage[y, x] = hit.mean()
        chosen = [p for p in np.flatnonzero(votes == votes.max())]
        part[y, x] = chosen[0] if len(chosen) == 1 else 255  # a tie: any of the winners will do
        if len(chosen) == 1:
            mine = parts[t] == chosen[0]
            relief[y, x] = -depth[block].ravel()[hit][mine].mean()
            mean = inside[mine].sum(axis=0)
            facing[y, x] = mean / np.linalg.norm(mean)
    return relief, facing, part, coverage


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_resolve_agrees_with_its_twin(seed: int):
    samples = soup(seed=seed)

    relief, facing, part, coverage = resolve(*samples, SS)

    relief_t, facing_t, part_t, coverage_t = resolve_twin(*samples, SS)
    clear = part_t != 255
    assert np.allclose(coverage, coverage_t)
    assert (part[clear] == part_t[clear]).all()
    assert np.allclose(relief[clear], relief_t[clear], atol=1e-5)
    assert np.allclose(facing[clear], facing_t[clear], atol=1e-4)


def test_resolve_of_nothing_is_nothing():
    _, _, _, triangles, normals, parts = soup()

    relief, facing, part, coverage = resolve(*empty_buffers(6, 6), triangles, normals, parts, SS)

    for array in (relief, facing, part, coverage):
        assert not array.any()


def test_a_broken_depth_stays_visible():
    depth, *rest = soup()
    covered = np.argwhere(rest[0] >= 0)[0]
    depth[tuple(covered)] = np.nan

    relief, *_ = resolve(depth, *rest, SS)

    assert np.isnan(relief).sum() <= 1  # only its own pixel, and only when its part won the vote


def test_resolve_refuses_buffers_that_do_not_belong_together():
    depth, ids, weights, triangles, normals, parts = soup()

    with pytest.raises(ValueError, match="buffers differ"):
        resolve(depth[:-1], ids, weights, triangles, normals, parts, SS)
    with pytest.raises(ValueError, match="whole number of pixels"):
        resolve(depth, ids, weights, triangles, normals, parts, 5)
    with pytest.raises(ValueError, match="must match"):
        resolve(depth, ids, weights, triangles, normals, parts[:3], SS)


def scene(seed: int = 4):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (50, 3)).astype(np.float32)
    normals = rng.normal(size=(50, 3))
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    directions = rng.normal(size=(6, 3))
    directions = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)
    maps = rng.uniform(-1, 1, (6, 9, 9)).astype(np.float32)
    maps[rng.random(maps.shape) < 0.3] = np.inf
    frames = rng.normal(0, 2, (6, 3, 4)).astype(np.float32)
    frames[:, :2, 3] = 4.5
    return points, normals, directions, maps, frames


def test_sky_visibility_agrees_with_its_twin():
    points, normals, directions, maps, frames = scene()
    bias = 0.02

    measured = sky_visibility(points, normals, directions, maps, frames, bias)

    expected = np.ones(len(points))
    for i, (point, normal) in enumerate(zip(points.astype(float), normals.astype(float), strict=True)):
        total = seen = 0.0
        for direction, depths, frame in zip(directions, maps, frames, strict=True):
            cosine = normal @ direction
            if cosine <= 0.02:
                continue
            total += cosine
            x, y, z = frame @ np.append(point + normal * bias, 1.0)
            inside = 0 <= np.floor(x) < 9 and 0 <= np.floor(y) < 9
            seen += cosine if not inside or depths[int(np.floor(y)), int(np.floor(x))] > z - bias else 0.0
        if total:
            expected[i] = seen / total
    assert np.allclose(measured, expected, atol=1e-4)


def test_an_empty_sky_is_wholly_seen():
    points, normals, directions, maps, frames = scene()

    visible = sky_visibility(points, normals, directions, np.full_like(maps, np.inf), frames, 0.02)

    assert (visible == 1).all()


def test_sky_visibility_refuses_maps_that_do_not_match():
    points, normals, directions, maps, frames = scene()

    with pytest.raises(ValueError, match="6 directions need as many maps"):
        sky_visibility(points, normals, directions, maps[:2], frames, 0.02)
