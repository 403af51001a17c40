"""Facts of a crowd's guides, through a bent lens, on a slope."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from assets.guides import crowd_guides as module
from assets.guides import lod
from assets.guides.crowd_drawn import Drawn
from assets.guides.crowd_guides import CrowdGuides, _mattes, crowd_guides
from assets.guides.crowd_people import Moment, People, camera_from_people
from assets.guides.openpose import COLOURS, draw_pose, half_width_px
from assets.guides.optics import Optics, optics
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from assets.view import View
from pipeline.errors import AssetError
from pipeline.kernels import crowdraster
from pipeline.kernels.crowdplace import to_pixels
from pipeline.kernels.raster import empty_buffers, rasterize

H, W, FOCAL = 180, 320, 260.0
K1 = -0.2
CHARACTERS = ("peasant", "spearman")


def project(points: np.ndarray) -> np.ndarray:
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    grow = 1 + K1 * (x * x + y * y)
    pixels = np.stack([W / 2 + 3 + FOCAL * x * grow, H / 2 - 2 + FOCAL * y * grow], axis=1)
    return np.where(points[:, 2:] > 1e-9, pixels, np.nan)


@lru_cache(maxsize=2)
def rays(fine: int = 1) -> np.ndarray:
    """Inverse of `project`, by fixed point."""
    px, py = np.meshgrid((np.arange(W * fine) + 0.5) / fine, (np.arange(H * fine) + 0.5) / fine)
    x, y = (px - W / 2 - 3) / FOCAL, (py - H / 2 + 2) / FOCAL
    at_x, at_y = x, y
    for _ in range(80):
        grow = 1 + K1 * (at_x**2 + at_y**2)
        at_x, at_y = x / grow, y / grow
    return np.stack([at_x, at_y], axis=-1).astype(np.float32)


@lru_cache(maxsize=1)
def lens() -> Optics:
    return optics(rays(), project)


def pose(x: float = 0.0, z: float = 0.0) -> np.ndarray:
    """A camera 2 m up that looks along +Z: the world's +X is on its left."""
    matrix = np.diag([-1.0, -1.0, 1.0, 1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ (x, 2.0, z)
    return matrix


def view(ahead: int = 1) -> View:
    return View(rays(), project, pose(), pose(0.1, 0.05), ahead)


def people(count: int = 14, seed: int = 2) -> People:
    random = np.random.default_rng(seed)
    plan = np.stack([random.uniform(-2.5, 2.5, count), random.uniform(3.5, 16, count)], axis=1)
    phases, yaws = random.random(count), np.pi + random.normal(0, 0.5, count)

    def moment(step: float) -> Moment:
        x, z = plan[:, 0], plan[:, 1] - step
        slopes = np.broadcast_to([0.1, 0.06], (count, 2))
        return Moment(
            np.stack([x, 0.1 * x + 0.06 * z, z], 1), yaws, phases + step / 1.4, np.zeros(count, np.intp), slopes
        )

    ids = (100_001 + random.permutation(count)).astype(np.uint32)
    return People(ids, CHARACTERS, np.arange(count) % 2, ("march",), np.full(count, 1.0), moment(0), moment(0.05))


def only(crowd: People, rows: np.ndarray) -> People:
    moments = {
        name: Moment(
            *(getattr(getattr(crowd, name), part)[rows] for part in ("positions", "yaws", "phases", "doing", "slopes"))
        )
        for name in ("now", "there")
    }
    return replace(crowd, ids=crowd.ids[rows], wears=crowd.wears[rows], scales=crowd.scales[rows], **moments)


def moved(crowd: People, row: int, way: tuple[float, float, float]) -> People:
    shift = np.zeros((len(crowd.ids), 3))
    shift[row] = way
    now, there = (replace(m, positions=m.positions + shift) for m in (crowd.now, crowd.there))
    return replace(crowd, now=now, there=there)


@lru_cache(maxsize=1)
def guides() -> CrowdGuides:
    return crowd_guides(people(), view(), lens())


def test_one_person_is_what_the_raster_of_single_meshes_draws():
    """At a kept phase, near enough for the full mesh."""
    crowd = only(people(), np.array([1]))
    near = Moment(
        np.array([[0.05, 0.3, 0.7]]), np.array([2.8]), np.array([5 / 16]), np.zeros(1, np.intp), np.zeros((1, 2))
    )
    crowd = replace(crowd, now=near, there=near)
    mesh = posed_mesh(load_character("spearman"), "march", 5 / 16)
    c, s = np.cos(2.8), np.sin(2.8)
    world = mesh.vertices @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + near.positions[0]
    camera = (world @ pose()[:3, :3].T + pose()[:3, 3]).astype(np.float32)
    depth, triangle_id, weights = empty_buffers(H, W)
    pixels = np.nan_to_num(project(camera.astype(float))).astype(np.float32)
    rasterize(camera, mesh.triangles, rays(), pixels, depth, triangle_id, weights)

    found = crowd_guides(crowd, view(), lens())

    assert found.levels.tolist() == [0]
    assert (np.isfinite(found.depth) == np.isfinite(depth)).mean() > 0.9999
    both = np.isfinite(found.depth) & np.isfinite(depth)
    assert np.quantile(np.abs(found.depth[both] - depth[both]), 0.999) < 1e-4
    assert (found.parts[both] == mesh.parts[triangle_id[both]]).mean() > 0.999
    assert both.mean() > 0.02


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


def test_moving_one_agent_changes_no_pixel_outside_its_own_footprint_and_no_other_id():
    crowd, row = people(), 4
    before, after_crowd = guides(), moved(people(), 4, (0.4, 0.0, 0.3))

    after = crowd_guides(after_crowd, view(), lens())

    footprint = np.zeros((H, W), bool)
    soft = np.zeros((H, W), bool)
    for state in (crowd, after_crowd):
        alone = crowd_guides(only(state, np.array([row])), view(), lens())
        footprint |= alone.ids > 0
        soft |= alone.matte_coverage.sum(axis=2) > 0
    for name in ("depth", "ids", "normals", "parts", "motion"):
        changed = getattr(before, name) != getattr(after, name)
        changed = changed.any(axis=2) if changed.ndim == 3 else changed
        assert changed.any(), name
        assert not (changed & ~footprint).any(), name
    for name in ("matte_ids", "matte_coverage"):
        assert not ((getattr(before, name) != getattr(after, name)).any(axis=2) & ~soft).any(), name
    assert set(np.unique(after.ids)) <= {0, *crowd.ids.tolist()}
    mine = crowd.ids[row]
    both = (before.ids != mine) & (after.ids != mine)
    assert np.array_equal(before.ids[both], after.ids[both])


def test_the_order_of_agents_changes_nothing():
    turned = crowd_guides(only(people(), np.arange(13, -1, -1)), view(), lens())

    for name in ("depth", "ids", "normals", "parts", "motion", "matte_ids", "matte_coverage"):
        assert np.array_equal(getattr(guides(), name), getattr(turned, name)), name
    assert np.array_equal(guides().poses["controlnet"], turned.poses["controlnet"])


def test_equal_requests_give_equal_bytes():
    again = crowd_guides(people(), view(), lens())

    assert again.motion.tobytes() == guides().motion.tobytes()
    assert again.poses["controlnet"].tobytes() == guides().poses["controlnet"].tobytes()


def test_guides_agree_with_each_other():
    g = guides()
    covered = g.ids > 0

    assert np.array_equal(covered, np.isfinite(g.depth))
    assert np.array_equal(covered, g.parts > 0)
    lengths = np.linalg.norm(g.normals, axis=2)
    assert np.allclose(lengths[covered], 1, atol=1e-4)
    assert not lengths[~covered].any()
    towards = (g.normals * np.concatenate([rays(), np.ones((H, W, 1), np.float32)], axis=2)).sum(axis=2)
    assert towards.max() < 1e-5
    assert g.ids.dtype == np.uint32
    assert g.depth.dtype == np.float32


def test_soft_mattes_are_the_pictures_of_finer_rays():
    """Against a picture that the true lens gives with four samples in every pixel."""
    fine = optics(rays(2), lambda points: 2 * project(points))
    large = crowd_guides(people(), replace(view(), rays=rays(2)), replace(fine, angle_px=lens().angle_px), (), ())
    samples = large.ids.reshape(H, 2, W, 2)
    g = guides()

    assert np.allclose(g.matte_coverage.sum(axis=2), (samples > 0).mean(axis=(1, 3)), atol=0.26)
    assert (g.matte_coverage.sum(axis=2) == (samples > 0).mean(axis=(1, 3))).mean() > 0.999
    first = (samples == g.matte_ids[:, None, :, None, 0]).mean(axis=(1, 3))
    some = g.matte_ids[..., 0] > 0
    assert (first == g.matte_coverage[..., 0])[some].mean() > 0.99
    assert (np.diff(g.matte_coverage, axis=2) <= 0).all()


def test_no_row_of_a_soft_matte_is_lost_right_before_the_lens():
    """A person 1 m away, and a triangle as wide as the picture, which the lens bends over its corners' box."""
    near = Moment(np.array([[0, 0.9, 1.0]]), np.array([3.0]), np.zeros(1), np.zeros(1, np.intp), np.zeros((1, 2)))
    person = replace(only(people(), np.array([1])), now=near, there=near)
    body = Drawn(person, np.zeros(1, np.int64)).scene(camera_from_people(person, near, pose()), lens().table)
    corners = np.array([[-0.6, -0.25, 1], [0.6, -0.25, 1], [0, -0.2, 1]], np.float32)
    flat = replace(
        body, vertices=corners, pixels=to_pixels(corners, lens().table), triangles=np.array([[0, 1, 2]], np.int32),
        fronts=np.zeros(1, np.int8),
        chunks=np.array([[0, 1, 0, 3]], np.int32), corners=np.arange(3, dtype=np.int32), orders=np.zeros(1, np.int32),
        triangle_counts=np.ones(1, np.int32), chunk_counts=np.ones(1, np.int32), first_chunks=np.zeros(1, np.int32),
    )  # fmt: skip
    order = np.zeros(1, np.int32)

    for scene in (body, flat):
        fine, ranges = lens().fine
        depth, slot = np.full((2 * H, 2 * W), np.inf, np.float32), np.full((2 * H, 2 * W), -1, np.int32)
        doubled = replace(scene, pixels=2 * scene.pixels)
        crowdraster.draw(doubled, fine, ranges, order, depth, slot, np.empty_like(slot))
        _, coverage = _mattes(scene, lens(), order)

        assert np.array_equal(coverage[..., 0], (slot >= 0).reshape(H, 2, W, 2).mean(axis=(1, 3)))
    assert np.flatnonzero((slot >= 0).any(axis=1))[0] / 2 < flat.pixels[:, 1].min() - 2


class Whole(Drawn):
    """Everybody, backs and all."""

    def scene(self, frames, table):
        found = super().scene(frames, table)
        return replace(found, fronts=np.zeros_like(found.fronts))


def far_people(seed: int) -> People:
    """60 people between 12 and 110 px tall in two motions, who look anywhere."""
    random = np.random.default_rng(seed)
    away = 1.75 * FOCAL / np.geomspace(12, 110, 60)
    at = np.stack([random.uniform(-0.5, 0.5, 60) * away, np.zeros(60), away], axis=1)
    yaws, phases = random.uniform(0, 2 * np.pi, 60), random.random(60)
    now = Moment(at, yaws, phases, random.integers(0, 2, 60), np.zeros((60, 2)))
    ids = np.arange(101, 161).astype(np.uint32)
    return People(ids, (*CHARACTERS, "legionary"), np.arange(60) % 3, ("march", "brace"), np.ones(60), now, now)


def test_backs_that_nobody_sees_change_no_picture(monkeypatch: pytest.MonkeyPatch):
    """A twin that draws them all agrees but for 1 pixel in 5,000, and 1 in 2,000 of the soft mattes' four samples each."""
    other, deeper, covered, soft, flagged = 0, 0, 0, 0, []
    for seed in range(8):
        crowd = far_people(seed)
        found = crowd_guides(crowd, view(), lens(), ("mattes",), ())
        with monkeypatch.context() as patch:
            patch.setattr(module, "Drawn", Whole)
            twin = crowd_guides(crowd, view(), lens(), ("mattes",), ())
        shown = twin.ids > 0
        covered += int(shown.sum())
        other += int((found.ids != twin.ids).sum())
        same = shown & (found.ids == twin.ids)
        assert (found.depth[same] >= twin.depth[same]).all()
        deeper += int((found.depth[same] > twin.depth[same] + twin.depth[same] / FOCAL).sum())  # by a pixel's width
        unlike = (found.matte_ids != twin.matte_ids) | (found.matte_coverage != twin.matte_coverage)
        soft += int(unlike.any(axis=2).sum())
        flagged += [(level.fronts != 0).mean() for worn in range(3) for level in crowd.chain(worn)[3:]]

    assert covered > 30_000
    assert other < covered / 5_000
    assert deeper < covered / 5_000
    assert soft < covered / 2_000
    assert min(flagged) > 0.35


def test_in_a_mirror_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch):
    mirrored = np.diag([1.0, -1.0, 1.0, 1.0])
    mirrored[:3, 3] = -mirrored[:3, :3] @ (0, 2.0, 0)
    looking = replace(view(), pose=mirrored)
    found = crowd_guides(far_people(1), looking, lens(), (), ())
    monkeypatch.setattr(module, "Drawn", Whole)

    twin = crowd_guides(far_people(1), looking, lens(), (), ())

    assert np.array_equal(found.depth, twin.depth)
    assert (found.ids > 0).any()


@pytest.mark.parametrize("ahead", [1, -1])
def test_motion_leads_to_where_the_same_person_is_on_the_other_frame(ahead: int):
    """Draw the other frame too: at the pixel that motion points to, the same id is seen at the depth it should have."""
    crowd = people()
    now = crowd_guides(crowd, view(ahead), lens(), ("motion",), ())
    then = crowd_guides(replace(crowd, now=crowd.there), replace(view(), pose=view().other), lens(), (), ())

    y, x = np.nonzero(now.ids)
    to = np.stack([x, y], axis=1) + 0.5 + ahead * now.motion[y, x]
    i, j = np.floor(to).astype(int).T
    inside = (i >= 0) & (i < W) & (j >= 0) & (j < H)

    agree = then.ids[j[inside], i[inside]] == now.ids[y[inside], x[inside]]
    assert agree.mean() > 0.93  # but for outlines and what comes to be hidden
    assert np.abs(now.motion).max() > 2


def test_a_shot_of_one_frame_has_no_motion():
    assert not crowd_guides(people(3), view(0), lens(), ("motion",), ()).motion.any()


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
    from assets.guides.crowd_drawn import Drawn

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


def test_who_is_out_of_the_picture_costs_nothing_and_who_crosses_the_lens_does_no_harm():
    crowd = people(6)
    behind = moved(moved(crowd, 0, (0, 0, -60)), 1, (80, 0, 0))
    at_lens = moved(behind, 2, tuple(np.array([0.1, 0.3, 0.05]) - crowd.now.positions[2]))

    found = crowd_guides(at_lens, view(), lens())

    assert found.levels[0] == found.levels[1] == -1
    assert not np.isin(found.ids, crowd.ids[:2]).any()
    assert np.isfinite(found.normals).all()
    assert np.isfinite(found.motion).all()


def test_nobody_gives_empty_guides():
    found = crowd_guides(only(people(), np.zeros(0, np.intp)), view(), lens())

    assert not found.ids.any()
    assert not found.poses["controlnet"].any()
    assert found.matte_coverage.shape == (H, W, 4)


def test_an_unknown_guide_is_named():
    with pytest.raises(AssetError, match=r"crowd guide 'smell' is not known. Take any of: mattes, motion"):
        crowd_guides(people(2), view(), lens(), ("smell",))


def test_detail_follows_size():
    g, crowd = guides(), people()
    near = np.argsort(crowd.now.positions[:, 2])

    assert (np.diff(g.levels[near].astype(int)) >= -1).all()
    assert g.levels[near[0]] < g.levels[near[-1]] < len(lod.chain(load_character("peasant")))
