"""The rasterisers against a slow twin that meets every ray with every triangle."""

import numpy as np
import pytest

from pipeline.kernels import bands
from pipeline.kernels.raster import empty_buffers, rasterize, rasterize_orthographic
from pipeline.kernels.triangles import NEAR_M

FOCAL, K1 = 40.0, -0.12


def lens_rays(height, width):
    """A barrel-distorted lens by fixed-point inversion."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64) + 0.5
    distorted = np.stack([(x - width / 2) / FOCAL, (y - height / 2) / FOCAL], -1)
    rays = distorted.copy()
    for _ in range(50):
        rays = distorted / (1 + K1 * (rays**2).sum(-1, keepdims=True))
    return rays.astype(np.float32)


def lens_pixels(vertices, height, width):
    flat = vertices[:, :2] / vertices[:, 2:]
    flat = flat * (1 + K1 * (flat**2).sum(-1, keepdims=True))
    return (flat * FOCAL + [width / 2, height / 2]).astype(np.float32)


def nearest_by_every_ray(vertices, triangles, rays):
    """Möller-Trumbore for each pair, in NumPy: depth and id."""
    directions = np.concatenate([rays, np.ones_like(rays[..., :1])], -1).astype(np.float64)
    depth, ids = np.full(rays.shape[:2], np.inf), np.full(rays.shape[:2], -1)
    for t, (a, b, c) in enumerate(vertices[triangles].astype(np.float64)):
        normal_p = np.cross(directions, c - a)
        det = normal_p @ (b - a)
        with np.errstate(all="ignore"):
            u = (normal_p @ -a) / det
            q = np.cross(-a, b - a)
            v = (directions @ q) / det
            z = ((c - a) @ q) / det
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (z >= NEAR_M) & (z < depth)
        depth[hit], ids[hit] = z[hit], t
    return depth, ids


def soup(count, seed, near=0.5):
    rng = np.random.default_rng(seed)
    centres = rng.uniform([-2, -1.5, near], [2, 1.5, 6], (count, 1, 3))
    corners = centres + rng.normal(0, 0.5, (count, 3, 3))
    return corners.reshape(-1, 3).astype(np.float32), np.arange(count * 3, dtype=np.int32).reshape(-1, 3)


def draw(vertices, triangles, height, width):
    buffers = empty_buffers(height, width)
    rasterize(vertices, triangles, lens_rays(height, width), lens_pixels(vertices, height, width), *buffers)
    return buffers


@pytest.mark.parametrize(("height", "width"), [(37, 61), (1, 9), (8, 1), (24, 32)])
def test_rasterize_agrees_with_every_ray_against_every_triangle(height, width):
    vertices, triangles = soup(60, seed=3, near=1.5)

    depth, ids, _ = draw(vertices, triangles, height, width)

    true_depth, true_ids = nearest_by_every_ray(vertices, triangles, lens_rays(height, width))
    assert (ids != true_ids).mean() < 0.003  # a ray through an edge may fall either way
    same = (ids == true_ids) & (ids >= 0)
    np.testing.assert_allclose(depth[same], true_depth[same], rtol=1e-5)


def test_triangles_through_the_near_plane_are_cut_and_not_lost():
    """Their corners behind the camera have no pixel; the part in front must still be drawn."""
    vertices, triangles = soup(40, seed=5, near=-1.0)
    floor = np.array([[-50, 1, -10], [50, 1, -10], [0, 1, 400]], np.float32)
    vertices, triangles = np.concatenate([vertices, floor]), np.concatenate([triangles, [[120, 121, 122]]]).astype("i4")
    vertices[:, 2] += (vertices[:, 2] == 0) * 1e-3

    depth, ids, _ = draw(vertices, triangles, 45, 70)

    true_depth, true_ids = nearest_by_every_ray(vertices, triangles, lens_rays(45, 70))
    assert (ids == 40).sum() > 50
    assert (ids != true_ids).mean() < 0.003
    same = (ids == true_ids) & (ids >= 0)
    np.testing.assert_allclose(depth[same], true_depth[same], rtol=1e-5)


def test_weights_give_back_the_point_that_the_ray_meets():
    vertices, triangles = soup(30, seed=8, near=1.5)
    rays = lens_rays(33, 47)

    depth, ids, weights = draw(vertices, triangles, 33, 47)

    hit = ids >= 0
    corners = vertices[triangles[ids[hit]]]
    w0, w1 = weights[hit][:, :1], weights[hit][:, 1:]
    points = w0 * corners[:, 0] + w1 * corners[:, 1] + (1 - w0 - w1) * corners[:, 2]
    np.testing.assert_allclose(points[:, 2], depth[hit], rtol=1e-4)
    np.testing.assert_allclose(points[:, :2] / points[:, 2:], rays[hit], atol=1e-4)


def test_a_closed_surface_has_no_cracks():
    """A fine grid that fills the frame leaves no pixel empty, at any sub-pixel triangle size."""
    y, x = np.mgrid[0:90, 0:90]
    rng = np.random.default_rng(1)
    vertices = np.stack([(x - 45) * 0.07, (y - 45) * 0.07, 2 + rng.uniform(0, 0.3, x.shape)], -1)
    vertices = vertices.reshape(-1, 3).astype(np.float32)
    a = (y * 90 + x)[:-1, :-1].reshape(-1, 1)
    triangles = np.concatenate([a + np.array([0, 1, 90]), a + np.array([1, 91, 90])]).astype(np.int32)

    depth, ids, _ = draw(vertices, triangles, 50, 64)

    assert np.isfinite(depth).all()
    assert (ids >= 0).all()


def test_drawing_in_two_goes_equals_drawing_at_once():
    vertices, triangles = soup(50, seed=4, near=1.5)
    rays, pixels = lens_rays(31, 40), lens_pixels(vertices, 31, 40)
    at_once, in_two = empty_buffers(31, 40), empty_buffers(31, 40)

    rasterize(vertices, triangles, rays, pixels, *at_once)
    rasterize(vertices, triangles[:20].copy(), rays, pixels, *in_two)
    rasterize(vertices, triangles[20:].copy(), rays, pixels, *in_two, first_id=20)

    assert at_once[0].tobytes() == in_two[0].tobytes()
    assert at_once[1].tobytes() == in_two[1].tobytes()
    assert at_once[2].tobytes() == in_two[2].tobytes()


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    """Fine triangles beyond one run of them, large ones across many bands, and twins of equal depth."""
    vertices, triangles = soup(150, seed=6, near=1.0)
    fine, fine_triangles = country(side=130)
    vertices = np.concatenate([vertices, fine])
    triangles = np.concatenate([triangles, fine_triangles + np.int32(450), triangles])
    height, width = 4 * bands.ROWS + 7, 200
    drawn = []

    for threads in (1, 2, 7):
        monkeypatch.setattr(bands.numba, "get_num_threads", lambda threads=threads: threads)
        drawn.append([buffer.tobytes() for buffer in draw(vertices, triangles, height, width)])

    assert drawn[1] == drawn[0]
    assert drawn[2] == drawn[0]


def test_of_equal_depths_the_first_drawn_wins_however_far_apart_they_come():
    vertices, triangles = soup(20, seed=9, near=1.5)
    nothing = np.zeros((40_000, 3), np.int32)

    once = draw(vertices, triangles, 31, 40)
    twice = draw(vertices, np.concatenate([triangles, nothing, triangles]), 31, 40)

    assert (once[1] >= 0).any()
    np.testing.assert_array_equal(twice[1], once[1])


def country(side):
    """Rolling ground of 2 (side - 1)^2 triangles before the lens."""
    x, z = np.meshgrid(np.linspace(-3, 3, side), np.linspace(1, 9, side))
    vertices = np.stack([x, 0.8 + 0.2 * np.sin(3 * x) * np.sin(2 * z), z], -1).reshape(-1, 3).astype(np.float32)
    a = np.arange(side * side, dtype=np.int32).reshape(side, side)[:-1, :-1].reshape(-1, 1)
    return vertices, np.concatenate([a + np.array([0, 1, side]), a + np.array([1, side + 1, side])]).astype(np.int32)


@pytest.mark.parametrize("fault", [0.0, np.nan, np.inf])
def test_degenerate_triangles_draw_nothing(fault):
    vertices = np.array([[0, 0, 2], [1, 1, 2], [2, 2, 2], [fault, 0, 0], [0, fault, 0], [0, 0, fault]], np.float32)
    triangles = np.array([[0, 0, 0], [0, 1, 0], [3, 4, 5]], np.int32)

    buffers = empty_buffers(20, 20)
    rasterize(vertices, triangles, lens_rays(20, 20), np.full((6, 2), 10, np.float32), *buffers)

    assert (buffers[1] == -1).all()


def test_nothing_to_draw_leaves_the_buffers_alone():
    nothing = np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)

    depth, ids, weights = draw(*nothing, 5, 7)
    rasterize_orthographic(*nothing, depth, ids, weights)

    assert np.isinf(depth).all()
    assert (ids == -1).all()
    assert not weights.any()


def test_orthographic_agrees_with_the_plane_of_each_triangle():
    rng = np.random.default_rng(2)
    vertices = (rng.uniform(0, 1, (90, 3)) * [41, 29, 5]).astype(np.float32)
    triangles = np.arange(90, dtype=np.int32).reshape(-1, 3)
    depth, ids, weights = empty_buffers(29, 41)

    rasterize_orthographic(vertices, triangles, depth, ids, weights)

    true_depth = np.full((29, 41), np.inf)
    y, x = np.mgrid[0:29, 0:41] + 0.5
    for a, b, c in vertices[triangles].astype(np.float64):
        sides = np.stack([(b - a)[:2], (c - a)[:2]], axis=1)
        u, v = np.linalg.solve(sides, np.stack([x - a[0], y - a[1]]).reshape(2, -1)).reshape(2, *x.shape)
        z = a[2] + u * (b - a)[2] + v * (c - a)[2]
        inside = (u >= 0) & (v >= 0) & (u + v <= 1)
        true_depth = np.where(inside & (z < true_depth), z, true_depth)
    both = np.isfinite(depth) & np.isfinite(true_depth)
    assert (np.isfinite(depth) != np.isfinite(true_depth)).mean() < 0.003
    assert (np.abs(depth[both] - true_depth[both]) > 1e-4).mean() < 0.003
    hit = ids >= 0
    corners = vertices[triangles[ids[hit]]]
    w0, w1 = weights[hit][:, :1], weights[hit][:, 1:]
    points = w0 * corners[:, 0] + w1 * corners[:, 1] + (1 - w0 - w1) * corners[:, 2]
    np.testing.assert_allclose(points[:, 0], x[hit], atol=1e-3)
    np.testing.assert_allclose(points[:, 1], y[hit], atol=1e-3)


def test_a_wrong_array_is_refused_by_name():
    vertices, triangles = soup(2, seed=1)
    rays, pixels = lens_rays(6, 8), lens_pixels(vertices, 6, 8)
    depth, ids, weights = empty_buffers(6, 8)

    with pytest.raises(ValueError, match="vertices_camera"):
        rasterize(vertices.astype(np.float64), triangles, rays, pixels, depth, ids, weights)
    with pytest.raises(ValueError, match="triangles name"):
        rasterize(vertices, triangles + np.int32(4), rays, pixels, depth, ids, weights)
    with pytest.raises(ValueError, match="pixels"):
        rasterize(vertices, triangles, rays, pixels[:-1], depth, ids, weights)
    with pytest.raises(ValueError, match="depth"):
        rasterize(vertices, triangles, rays, pixels, depth[:, ::2], ids, weights)
    with pytest.raises(ValueError, match="weights"):
        rasterize_orthographic(vertices, triangles, depth, ids, weights[:3])
