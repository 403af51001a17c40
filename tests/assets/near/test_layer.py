"""Paintings of near people back in the plate: on their bodies, before and behind one another."""

from dataclasses import replace

import numpy as np
import pytest

from assets.near.layer import Near, finer, lay_back, merge, parts_shown, unveiled
from assets.near.requests import own_camera, own_guides
from assets.people.parts import Part
from assets.view import Buffers
from calibration.lens import project, rays
from pipeline.kernels.raster import empty_buffers, rasterize
from tests.assets.near.nearpeople import LENS, agents_at, bodies_of, view_from


@pytest.mark.parametrize("eye", [(0.4, 1.6, 3.2), (-2.5, 2.6, 4.0)])
def test_what_is_painted_on_a_joint_lands_where_the_lens_projects_the_joint(eye):
    """A dot painted at a joint's place in the picture must be seen within half a pixel of the joint's own projection."""
    bodies, view = bodies_of(agents_at([[0.0, 0.0, 0.0]])), view_from(eye)
    placed = bodies.placed(0, 0)
    frame = placed.world_from_person
    joints = view.to_camera(placed.mesh.joints.astype(float) @ frame[:, :3].T + frame[:, 3])
    own = own_camera(view.to_camera(np.zeros(3)), view.pose[:3, 1], 1.0, (256, 160))
    middle = np.array([0.0, 0.0])
    misses = []
    for joint in (1, 8, 11):  # neck and hips lie under a broad surface
        flat = own.matrix @ joints[joint]
        middle = flat[:2] / flat[2]
        y, x = np.mgrid[:256, :160] + 0.5
        dot = np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / 18).astype(np.float32)
        near = Near.empty(*view.size)
        lay_back(near, view, placed, placed, own.matrix, np.dstack([dot, dot, dot, np.ones_like(dot)]), 7)
        light = near.pixels.rgba[..., 0].astype(float)
        rows, columns = np.mgrid[: view.size[0], : view.size[1]] + 0.5
        found = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
        misses.append(np.linalg.norm(found - project(joints[joint][None], LENS)[0]))

    assert max(misses) < 0.5


def test_edges_are_the_bodys_own_and_ids_exact():
    """Against every vertex's own projection: all lie in covered pixels, and what is covered hides nothing else."""
    bodies, view = bodies_of(agents_at([[0.0, 0.0, 0.0]])), view_from((0.4, 1.6, 3.2))
    placed, near = bodies.placed(0, 0), Near.empty(*view.size)
    own = own_camera(view.to_camera(np.zeros(3)), view.pose[:3, 1], 1.0, (256, 160))

    lay_back(near, view, placed, placed, own.matrix, np.ones((256, 160, 4), np.float32), 100_007)

    used = placed.world()[np.unique(placed.mesh.triangles)]
    pixels = view.pixels(used)
    inside = ((pixels > 1) & (pixels < [LENS.width - 1, LENS.height - 1])).all(axis=1)
    x, y = np.floor(pixels[inside]).astype(int).T
    around = np.max([near.pixels.rgba[y + j, x + i, 3] for j in (-1, 0, 1) for i in (-1, 0, 1)], axis=0)
    alpha = near.pixels.rgba[..., 3]
    assert (around > 0).all()
    assert (near.pixels.rgba[y, x, 3] > 0).mean() > 0.98
    assert set(np.unique(near.pixels.ids)) == {0, 100_007}
    np.testing.assert_array_equal(near.pixels.ids > 0, alpha > 0.5)
    np.testing.assert_array_equal(near.owner > 0, alpha > 0)
    assert ((alpha > 0) & (alpha < 1)).sum() > 100
    depths = view.to_camera(used)[:, 2]
    told = near.pixels.depth[alpha > 0]
    assert depths.min() - 1e-3 < told.min()
    assert told.max() < depths.max() + 1e-3


def test_a_coarse_painting_of_flat_parts_is_the_body_itself_in_the_plate():
    """Painted a third as fine as the plate, each part in one colour, against the body's own parts in the plate."""
    bodies, view = bodies_of(agents_at([[0.0, 0.0, 0.0]])), view_from((0.3, 1.2, 2.2))
    placed, near = bodies.placed(0, 0), Near.empty(*view.size)
    own = own_camera(view.to_camera(np.zeros(3)), view.pose[:3, 1], 1.0, (80, 50))
    colours = np.random.default_rng(3).uniform(0.05, 1, (64, 3)).astype(np.float32)
    colours[Part.EYES] = colours[Part.SKIN]
    told = own_guides(placed, view.pose, own)
    painting = np.dstack([colours[told.parts[0]], np.ones((80, 50), np.float32)]) * told.coverage[0][..., None]

    lay_back(near, view, placed, placed, own.matrix, painting, 1)

    points, fine = view.to_camera(placed.world()).astype(np.float32), finer(view.rays, slice(0, 136), slice(0, 240))
    samples = empty_buffers(*fine.shape[:2])
    rasterize(points, placed.mesh.triangles, fine, (view.pixels(placed.world()) * 3).astype(np.float32), *samples)
    flat = colours[placed.mesh.parts[samples[1]]] * (samples[1] >= 0)[..., None]
    away = np.abs(near.pixels.rgba[..., :3] - flat.reshape(136, 3, 240, 3, 3).mean(axis=(1, 3))).max(axis=-1)
    body = near.pixels.rgba[..., 3] > 0
    assert body.sum() > 3000
    assert (
        away[body] > 0.1
    ).mean() < 0.05  # parts too thin for the painting; looked up among all its pixels: a quarter


def test_parts_of_a_painting_are_those_that_its_painter_was_told():
    bodies, view = bodies_of(agents_at([[0.3, 0.0, 0.2]])), view_from((0.4, 1.6, 3.2))
    placed = bodies.placed(0, 0)
    own = own_camera(view.to_camera(np.array([0.3, 0.0, 0.2])), view.pose[:3, 1], 1.0, (128, 80))

    shown = parts_shown(placed.mesh, view.to_camera(placed.world()), own.matrix, (128, 80))

    told = own_guides(placed, view.pose, own).parts[0]
    assert len(np.unique(told)) > 8
    assert (shown != told).mean() < 1e-3


def test_who_stands_before_another_hides_him_whoever_comes_first():
    view = view_from((0.2, 1.6, 4.0))
    bodies = bodies_of(agents_at([[0.0, 0.0, 0.0], [0.25, 0.0, -1.2]]))
    made = []
    for order in ((0, 1), (1, 0)):
        near = Near.empty(*view.size)
        for agent in order:
            root = view.to_camera(bodies.agents.positions[0, agent].astype(float))
            own = own_camera(root, view.pose[:3, 1], 1.0, (256, 160))
            painting = np.zeros((256, 160, 4), np.float32) + np.array([agent, 1 - agent, 0, 1], np.float32)
            placed = bodies.placed(agent, 0)
            lay_back(near, view, placed, placed, own.matrix, painting, agent + 1)
        made.append(near)

    first, second = made
    np.testing.assert_array_equal(first.pixels.ids, second.pixels.ids)
    np.testing.assert_array_equal(first.pixels.depth, second.pixels.depth)
    np.testing.assert_allclose(first.pixels.rgba, second.pixels.rgba, atol=1e-6)
    assert set(np.unique(first.pixels.ids)) == {0, 1, 2}
    solid = first.pixels.rgba[..., 3] == 1
    np.testing.assert_array_equal(first.pixels.rgba[..., 0][solid & (first.pixels.ids == 1)] < 0.5, True)


def test_motion_is_the_bodys_own():
    """He stands, the camera moves: a pixel moves as the world point that it shows."""
    view, bodies = view_from((0.4, 1.6, 3.2)), bodies_of(agents_at([[0.0, 0.0, 0.0]]))
    placed, near = bodies.placed(0, 0), Near.empty(*view.size)
    own = own_camera(view.to_camera(np.zeros(3)), view.pose[:3, 1], 1.0, (128, 80))

    lay_back(near, view, placed, placed, own.matrix, np.ones((128, 80, 4), np.float32), 1)

    whole = near.pixels.rgba[..., 3] == 1
    z = near.pixels.depth[whole].astype(float)[:, None]
    points = (np.concatenate([view.rays[whole] * z, z], axis=1) - view.pose[:3, 3]) @ view.pose[:3, :3]
    away = np.linalg.norm(near.pixels.motion[whole] - view.motion(points, points), axis=1)
    # Depth is the nearest of nine samples', motion their mean: on a slanted surface they are not one point.
    assert np.median(away) < 0.05
    assert np.quantile(away, 0.95) < 0.2
    assert np.abs(near.pixels.motion[whole]).mean() > 0.5


def test_rays_between_pixels_are_the_lenss_own():
    whole = rays(LENS)

    fine = finer(whole, slice(20, 60), slice(0, 50))

    off = 1 / 3
    moved = rays(replace(LENS, centre_x_px=LENS.centre_x_px - off, centre_y_px=LENS.centre_y_px + off))
    np.testing.assert_allclose(fine[1::3, 1::3], whole[20:60, 0:50], atol=1e-7)
    np.testing.assert_allclose(fine[0::3, 2::3], moved[20:60, 0:50], atol=2e-5)


def test_colours_go_on_over_the_edges_of_a_painting():
    painting = np.zeros((40, 30, 4), np.float32)
    painting[10:30, 10:20] = (0.4, 0.2, 0.1, 1)
    painting[10:30, 9] = (0.02, 0.01, 0.005, 0.05)

    np.testing.assert_allclose(unveiled(painting), np.broadcast_to([0.4, 0.2, 0.1], (40, 30, 3)), atol=1e-5)


def test_a_thin_edge_takes_no_pixel_from_one_who_fills_it():
    def pixel(alpha, z, number):
        return Buffers(np.full((1, 1, 4), alpha, np.float32), np.full((1, 1), z, np.float32),
                       np.full((1, 1), number, np.int32), np.zeros((1, 1, 2), np.float32))  # fmt: skip

    into, cover = pixel(1.0, 9.0, 1), np.ones((1, 1), np.float32)
    wins = merge(into, cover, pixel(0.25, 4.0, 2), np.full((1, 1), 0.25, np.float32))

    assert not wins.any()
    assert into.ids[0, 0] == 1
    assert into.depth[0, 0] == 9
    assert into.rgba[0, 0, 3] == 1
