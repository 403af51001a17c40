"""Shading kernels against plain NumPy."""

import numpy as np
import pytest

from pipeline.kernels.raster import empty_buffers, rasterize_orthographic
from pipeline.kernels.shade import along_light, interpolate, light_map, lit, see, vertex_normals


def octahedron():
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
    faces = [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
    return vertices, np.array(faces, np.int32)


def test_normals_point_outward_and_a_lone_vertex_has_none():
    vertices, triangles = octahedron()
    lone = np.concatenate([vertices, [[5, 5, 5]]]).astype(np.float32)

    normals = vertex_normals(lone, triangles)

    np.testing.assert_allclose(normals[:6], vertices, atol=1e-6)
    assert not normals[6].any()


def test_light_map_holds_the_same_depth_as_the_orthographic_raster():
    rng = np.random.default_rng(3)
    points = (rng.uniform(0, 1, (150, 3)) * [50, 50, 9]).astype(np.float32)
    triangles = np.arange(150, dtype=np.int32).reshape(-1, 3)
    depth, ids, weights = empty_buffers(50, 50)

    rasterize_orthographic(points, triangles, depth, ids, weights)

    np.testing.assert_allclose(light_map(points, triangles, 50), depth, rtol=1e-5)


def test_a_roof_hides_the_light_below_it_and_not_beside_or_above():
    roof = np.array([[10, 10, 2], [30, 10, 2], [30, 30, 2], [10, 30, 2]], np.float32)
    depth = light_map(roof, np.array([[0, 1, 2], [0, 2, 3]], np.int32), 40)
    points = np.array([[20, 20, 5], [20, 20, 1], [5, 20, 5], [20, 20, 2], [200, 20, 5], [10, 20, 5]], np.float32)
    visible = np.ones(6, np.float32)

    lit(points, depth, 0.1, visible)

    np.testing.assert_allclose(visible, [0, 1, 1, 1, 1, 0.5])


def test_along_light_is_the_affine_map_of_the_lifted_points():
    rng = np.random.default_rng(1)
    points, normals = rng.normal(size=(2, 20, 3)).astype(np.float32)
    matrix = rng.normal(size=(3, 4))

    moved = along_light(points, matrix, normals, 0.5)

    np.testing.assert_allclose(moved, (points + 0.5 * normals) @ matrix[:, :3].T + matrix[:, 3], rtol=1e-4, atol=1e-5)


def test_see_projects_through_the_distorted_lens():
    rng = np.random.default_rng(5)
    points = rng.uniform([-3, -2, 4], [3, 2, 9], (50, 3)).astype(np.float32)
    pose = np.eye(4)
    pose[:3, :3] = np.linalg.qr(np.eye(3) + 0.1 * rng.normal(size=(3, 3)))[0]
    pose[:3, :3] *= np.sign(np.diag(pose[:3, :3]))
    pose[:3, 3] = 0.1, 0.2, 0.3

    camera, pixels = see(points, pose, (90.0, 91.0, 48.0, 27.0, -0.1, 0.02))

    local = points @ pose[:3, :3].T + pose[:3, 3]
    flat = local[:, :2] / local[:, 2:]
    r2 = (flat**2).sum(1, keepdims=True)
    flat = flat * (1 - 0.1 * r2 + 0.02 * r2**2)
    np.testing.assert_allclose(camera, local, atol=1e-5)
    np.testing.assert_allclose(pixels, flat * [90, 91] + [48, 27], atol=1e-3)


def test_interpolate_weighs_the_three_corners_and_leaves_empty_pixels_at_zero():
    triangles = np.array([[0, 1, 2]], np.int32)
    ids = np.array([[0, -1]], np.int32)
    weights = np.array([[[0.5, 0.2], [0, 0]]], np.float32)
    values = np.array([[1, 0], [0, 1], [10, 10]], np.float32)

    out = interpolate(triangles, ids, weights, values)

    np.testing.assert_allclose(out, [[[3.5, 3.2], [0, 0]]], rtol=1e-6)


def test_a_wrong_array_is_refused_by_name():
    vertices, triangles = octahedron()

    with pytest.raises(ValueError, match="vertices"):
        vertex_normals(vertices[:, :2], triangles)
    with pytest.raises(ValueError, match="points"):
        light_map(vertices.astype(np.float64), triangles, 8)
    with pytest.raises(ValueError, match="visible"):
        lit(vertices, np.zeros((4, 4), np.float32), 0.1, np.ones(3, np.float32))
    with pytest.raises(ValueError, match="values"):
        interpolate(triangles, np.zeros((2, 2), np.int32), np.zeros((2, 2, 2), np.float32), vertices[:, 0])
