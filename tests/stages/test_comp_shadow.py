"""A shadow on the ground ends where what stands before the ground begins in the picture, however rough the depth map is."""

import numpy as np
import pytest

from stages.comp_inputs import Holdout, Shot
from stages.comp_shadow import light_left

H, W = 120, 200
HOLDOUT = Holdout(0.5, 0.05, 0.15, 4)
GROUND_M, WALL_M, DARK = 40.0, 16.0, 0.7
EARTH, STONE = (0.42, 0.36, 0.27), (0.12, 0.11, 0.10)


def true_wall():
    """(H, W) 0..1: how much of each pixel a wall with a slanting top covers."""
    y, x = np.mgrid[:H, :W] + 0.5
    return np.clip(y - (70 - 0.15 * x) + 0.5, 0, 1).astype(np.float32)


def filmed(rough, seed=1):
    """The wall before sunlit earth, and a depth map in which its top lies `rough` (W,) rows too high."""
    wall, chance = true_wall(), np.random.default_rng(seed)
    rgb = wall[..., None] * np.array(STONE) + (1 - wall[..., None]) * np.array(EARTH)
    rgb = (rgb * chance.normal(1, 0.03, (H, W, 1))).astype(np.float32)
    top = 70 - 0.15 * np.arange(W) - rough
    near = np.arange(H)[:, None] + 0.5 > top
    depth = np.where(near, np.float32(WALL_M), np.float32(GROUND_M))
    edge = np.abs(np.arange(H)[:, None] - top) < 6
    half, nobody = rgb.astype(np.float16), np.zeros((H, W), np.float32)
    sure = np.where(edge, np.float32(0), np.float32(1))
    return Shot(half, half.astype(np.float32), depth, sure, nobody, nobody + np.inf, {})


def taken(shot):
    light, ground = np.full((H, W), 1 - DARK, np.float32), np.full((H, W), GROUND_M, np.float32)
    return 1 - light_left(light, ground, shot, HOLDOUT, 1.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_shadow_reaches_the_wall_that_hides_its_ground_and_no_further(seed):
    chance = np.random.default_rng(seed)
    steps = np.repeat(chance.uniform(0, 3, W // 10), 10)

    found = taken(filmed(steps, seed))

    wrong = np.abs(found - DARK * (1 - true_wall()))
    assert wrong.sum() / W < 0.35 * DARK  # pixels of the column: the depth map alone is 1.5 off
    assert np.mean(wrong > 0.3) < 5e-3


def test_a_shadows_edge_does_not_jump_with_the_depth_map():
    chance, seen = np.random.default_rng(5), []
    for seed in (1, 2, 3, 4):
        seen.append(taken(filmed(np.repeat(chance.uniform(0, 3, W // 10), 10), seed)))

    jumps = np.abs(np.diff(seen, axis=0)).sum(axis=1)

    assert jumps.mean() < 0.25 * DARK


def test_shadow_lies_on_no_sky_and_takes_nothing_where_nothing_is_thrown():
    shot = filmed(np.zeros(W))
    shot.depth_m[:20] = np.inf
    light, ground = np.ones((H, W), np.float32), np.full((H, W), np.inf, np.float32)
    light[:40, 50:90], ground[:40, 50:90] = 1 - DARK, GROUND_M

    found = light_left(light, ground, shot, HOLDOUT, 1.0)

    assert (found[:20] == 1).all()
    assert (found[:, :50] == 1).all()
    np.testing.assert_allclose(found[26:40, 50:90], 1 - DARK, atol=1e-6)
