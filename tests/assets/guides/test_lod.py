"""Facts of detail by distance: a change of mesh is under half a pixel, and shared poses are near the true ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from assets.guides import lod, mesh_chain
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh

METRES_PER_PX = 0.01


def picture(vertices: np.ndarray, triangles: np.ndarray, yaw: float) -> np.ndarray:
    return mesh_chain._silhouette(vertices, triangles, (yaw, 0.15))


@pytest.mark.parametrize("name", ["peasant", "legionary"])
def test_chains_get_coarser_and_say_how_far_they_stray(name: str):
    levels = lod.chain(load_character(name))

    assert levels[0].strays_m == 0
    assert all(len(a.triangles) > 1.4 * len(b.triangles) for a, b in pairwise(levels))
    assert all(a.strays_m < b.strays_m for a, b in pairwise(levels))
    assert len(levels[-1].triangles) < 300
    for level in levels:
        assert len(level.parts) == len(level.triangles)
        assert level.triangles.max() < level.vertices


def test_coarse_meshes_cover_in_other_poses_and_views_what_the_full_one_covers():
    """They were fitted to a man at rest; marching, from sides that were not measured, they stray about as little."""
    character = load_character("spearman")
    mesh = posed_mesh(character, "march", 0.3)
    for level in lod.chain(character)[1:]:
        wrong = outline = 0
        for yaw in (0.4, 2.0, 4.0):
            true = picture(mesh.vertices, mesh.triangles, yaw)
            wrong += (picture(lod.merged(level, mesh), level.triangles, yaw) != true).sum()
            outline += mesh_chain._outline_px(true)
        assert wrong / outline * METRES_PER_PX < 1.7 * level.strays_m + 0.002


def test_nobody_wears_a_mesh_that_strays_a_third_of_a_pixel():
    strays = np.array([[0, 0.002, 0.004, 0.02]] * 5)
    tall, size = np.full(5, 1.75), np.array([0.001, 0.0063, 0.013, 0.055, 0.065])  # metres per pixel

    levels, _ = lod.allowed(strays, tall, size)

    assert levels.tolist() == [0, 1, 2, 2, 3]  # 1,750, 278, 135, 32 and 27 px tall
    assert (np.take_along_axis(strays, levels[:, None], 1)[:, 0] < lod.STRAY_PX * size).all()


def test_detail_changes_without_a_jump_with_the_size_on_screen():
    """Level and share together are one number that never falls, and never leaps by more than the size changes."""
    sizes = np.geomspace(0.001, 0.2, 4000)
    strays = np.tile([0, 0.001, 0.0026, 0.0044, 0.02, np.inf], (4000, 1))

    levels, shares = lod.allowed(strays, np.full(4000, 1.75), sizes)

    detail = levels + shares.astype(float)
    assert (np.diff(detail) >= 0).all()
    assert np.diff(detail).max() < 0.03  # 4,000 sizes over 5.3 natural logarithms, MORPH is 0.26 of one
    assert sorted(set(levels)) == [0, 1, 2, 3, 4]
    assert shares[-1] == 0


@pytest.mark.parametrize("name", ["peasant", "legionary"])
def test_a_mesh_that_has_turned_wholly_is_the_next_one(name: str):
    """Every triangle of it is then without area, or one of the next mesh (or hidden under clothes): of the same part."""
    levels = lod.chain(load_character(name))
    for finer, coarser in pairwise(levels):
        turned = np.sort(finer.parents[finer.triangles], axis=1)
        whole = (turned[:, 0] != turned[:, 1]) & (turned[:, 1] != turned[:, 2])
        there = {tuple(t) for t in turned[whole].tolist()}
        parts = {(*t, int(p)) for t, p in zip(turned[whole].tolist(), finer.parts[whole], strict=True)}
        faces = np.sort(coarser.triangles, axis=1).tolist()
        assert {tuple(t) for t in faces} <= there
        assert {(*t, int(p)) for t, p in zip(faces, coarser.parts, strict=True)} <= parts


def test_a_chain_of_any_length_is_read_back_as_it_was_written():
    levels = lod.chain(load_character("peasant"))
    levels = levels + levels[1:5]  # 13: names of the first end in 0, and so do names of the eleventh

    back = lod._unpacked(lod._packed(levels))

    assert len(back) == len(levels) > 10
    for mine, theirs in zip(levels, back, strict=True):
        for name in ("push", "triangles", "parts", "parents", "fronts"):
            assert np.array_equal(getattr(mine, name), getattr(theirs, name)), name
        for name in ("ends", "corner_ends", "corners", "orders"):
            assert np.array_equal(getattr(mine.chunks, name), getattr(theirs.chunks, name)), name
        assert mine.strays_m == theirs.strays_m
        assert mine.merge is theirs.merge is None or (mine.merge != theirs.merge).nnz == 0


def test_chunks_hold_every_triangle_once_and_know_its_vertices():
    for level in lod.chain(load_character("peasant")):
        begins = np.concatenate([[0], level.chunks.ends[:-1]])
        corners = np.split(level.chunks.corners, level.chunks.corner_ends[:-1])
        assert level.chunks.ends[-1] == len(level.triangles)
        for begin, end, mine in zip(begins, level.chunks.ends, corners, strict=True):
            assert set(level.triangles[begin:end].ravel().tolist()) == set(mine.tolist())
        assert (np.sort(level.chunks.orders, axis=1) == np.arange(len(begins))).all()


def test_between_shared_poses_joints_are_within_2_mm_of_the_true_ones():
    """But for the knee at a heel strike, which turns sharply."""
    character = load_character("peasant")
    kept, away = lod.joints(character, "march"), []

    for phase in np.arange(0.01, 1, 0.06):
        bins, shares = lod.moments("march", np.array([phase]))
        mixed = (1 - shares[0]) * kept[bins[0, 0]] + shares[0] * kept[bins[0, 1]]
        away.append(np.linalg.norm(mixed - posed_mesh(character, "march", phase).joints, axis=1))

    assert np.quantile(away, 0.95) < 0.003
    assert np.max(away) < 0.015


def test_moments_go_round():
    bins, shares = lod.moments("march", np.array([0.0, 1 / 64, 63 / 64, 1.0, -1 / 64]))

    assert bins.tolist() == [[0, 1], [0, 1], [31, 0], [0, 1], [31, 0]]
    assert shares.tolist() == [0, 0.5, 0.5, 0, 0.5]


def test_moments_of_a_motion_that_runs_once_end_at_its_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lod, "held", lambda motion: True)

    bins, shares = lod.moments("fall", np.array([0.0, 0.999, 0.4995]))

    assert bins.tolist() == [[0, 1], [30, 31], [15, 16]]
    assert shares.tolist() == [0, 1, 0.5]
