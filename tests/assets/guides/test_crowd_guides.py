"""A crowd's guides, through a bent lens, on a slope: who is seen where, the same however asked, and in agreement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assets.guides import lod
from assets.guides.crowd_guides import crowd_guides
from assets.guides.crowd_people import Moment
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from pipeline.errors import AssetError
from pipeline.kernels.raster import empty_buffers, rasterize
from tests.assets.guides.bentlens import H, W, guides, lens, moved, only, people, pose, project, rays, view


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
