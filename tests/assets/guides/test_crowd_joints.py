"""Where a crowd's joints and soles are: through the lens, in their silhouettes, in pose maps, on the slope."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assets.guides.crowd_drawn import Drawn
from assets.guides.crowd_guides import crowd_guides
from assets.guides.crowd_people import camera_from_people
from assets.guides.openpose import COLOURS, draw_pose, half_width_px
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from pipeline.kernels.crowdplace import to_pixels
from pipeline.kernels.raster import empty_buffers, rasterize
from tests.assets.guides.bentlens import FOCAL, H, W, guides, lens, only, people, pose, project, rays, view


def test_a_projected_joint_lies_within_a_tenth_of_a_pixel_of_the_raster():
    """A speck of a triangle at each joint, drawn by the raster on 40 times as many pixels, around the frame's corners."""
    random = np.random.default_rng(5)
    for _ in range(12):
        joint = np.array([random.uniform(-0.55, 0.55), random.uniform(-0.3, 0.3), 1.0]) * random.uniform(2, 20)
        at = project(joint[None])[0]
        told = to_pixels(joint[None].astype(np.float32), lens().table)[0]
        column, row = int(at[0]) - 2, int(at[1]) - 2
        if not (0 <= column < W - 5 and 0 <= row < H - 5):
            continue
        # The ray table between pixels, as straight lines: 40 x 40 samples around the joint.
        offset = (np.arange(200) + 0.5) / 40
        x, y = np.meshgrid(column + offset, row + offset)
        u, v = x - 0.5, y - 0.5
        i, j = u.astype(int), v.astype(int)
        a, b = (u - i)[..., None], (v - j)[..., None]
        r = rays().astype(np.float64)
        fine = (
            (1 - a) * (1 - b) * r[j, i]
            + a * (1 - b) * r[j, i + 1]
            + (1 - a) * b * r[j + 1, i]
            + a * b * r[j + 1, i + 1]
        )
        size = 0.5 * joint[2] / FOCAL
        speck = (joint + size * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])).astype(np.float32)
        depth, triangle_id, weights = empty_buffers(200, 200)
        corners = ((project(speck.astype(float)) - (column, row)) * 40).astype(np.float32)
        rasterize(
            speck,
            np.array([[0, 1, 2], [0, 2, 3]], np.int32),
            fine.astype(np.float32),
            corners,
            depth,
            triangle_id,
            weights,
        )
        drawn = triangle_id >= 0
        centre = np.array([x[drawn].mean(), y[drawn].mean()])
        assert np.abs(told - centre).max() < 0.1
        assert np.abs(told - at).max() < 0.01


def test_joints_lie_in_their_own_silhouette():
    crowd, hits, total = people(), 0, 0
    for row in range(len(crowd.ids)):
        alone = crowd_guides(only(crowd, np.array([row])), view(), lens(), (), ())
        inside = alone.joints_px[0, :14]
        x, y = inside.astype(int).T
        shown = (x >= 1) & (x < W - 1) & (y >= 1) & (y < H - 1)
        hits += sum(
            bool(alone.ids[j - 1 : j + 2, i - 1 : i + 2].any()) for i, j in zip(x[shown], y[shown], strict=True)
        )
        total += int(shown.sum())
    assert hits == total > 100


def test_the_pose_map_is_the_readable_drawing_nearest_last():
    g, crowd = guides(), people()
    far_first = np.argsort(-(crowd.now.positions[:, 2]), kind="stable")
    for family in ("controlnet", "xinsir", "wan"):
        canvas = np.zeros((H, W, 3), np.uint8)
        for row in far_first:
            if g.joints_seen[row].any():
                draw_pose(canvas, g.joints_px[row].astype(np.float64), g.joints_seen[row], half_width_px(family, H, W))
        found = crowd_guides(people(), view(), lens(), (), (family,)).poses[family]
        assert np.array_equal(found, canvas), family
    assert (g.poses["controlnet"] == COLOURS[0]).all(axis=2).any()


def test_feet_stand_on_the_slope():
    """Both soles of a man on a slope touch it, not only the point between his feet."""
    crowd = only(people(), np.array([0]))
    on = replace(crowd.now, positions=np.array([[0.0, 0.0, 6.0]]), slopes=np.array([[0.3, 0.2]]), phases=np.zeros(1))
    drawn = Drawn(crowd, np.zeros(1, np.int64))
    placed = drawn.placed(on, camera_from_people(crowd, on, pose()), "vertices")
    world = (placed - pose()[:3, 3]) @ pose()[:3, :3]
    above = world[:, 1] - 0.3 * world[:, 0] - 0.2 * (world[:, 2] - 6)

    mesh = posed_mesh(load_character("peasant"), "march", 0.0)
    soles = np.argsort(mesh.vertices[:, 1])[:40]
    assert np.abs(above[soles] - mesh.vertices[soles, 1]).max() < 0.005
    assert abs(above[mesh.vertices[:, 1].argmax()] - mesh.vertices[:, 1].max()) < 0.1  # the head stays over the feet
