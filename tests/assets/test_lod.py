"""Facts of detail by distance: a change of mesh is under half a pixel, and shared poses are near the true ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from assets import lod
from assets.characters import load_character
from assets.people import posed_mesh

METRES_PER_PX = 0.01


def picture(vertices: np.ndarray, triangles: np.ndarray, yaw: float) -> np.ndarray:
    return lod._silhouette(vertices, triangles, (yaw, 0.15))


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
            outline += lod._outline_px(true)
        assert wrong / outline * METRES_PER_PX < 1.7 * level.strays_m + 0.002


def test_nobody_wears_a_mesh_that_strays_half_a_pixel():
    strays = np.array([[0, 0.002, 0.004, 0.02]] * 5)
    tall, size = np.full(5, 1.75), np.array([0.001, 0.006, 0.0087, 0.039, 0.041])  # metres per pixel

    levels = lod.allowed(strays, tall, size)

    assert levels.tolist() == [0, 1, 1, 2, 3]  # 1,750, 292, 201, 45 and 43 px tall
    assert (np.take_along_axis(strays, levels[:, None], 1)[:, 0] < lod.HALF_PX * size).all()


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
