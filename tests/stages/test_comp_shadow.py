"""A shadow on the ground ends where what stands before the ground begins in the picture, however rough the depth map is, and takes no sun
that the plate's own shade took."""

import numpy as np
import pytest
from scipy import ndimage

from calibration.ground.heightfield import Heightfield
from calibration.look.measured import read_look
from pipeline.io import exr
from pipeline.kernels.color import LUMINANCE
from stages.comp_inputs import Holdout, Shot
from stages.comp_shadow import light_left, once, shaded_ground
from tests.layers import write_ground
from tests.looks import write_hand_look
from tests.scenes import GROUND, Scene, write_plate, write_track

H, W = 120, 200
HOLDOUT = Holdout(0.5, 0.05, 0.15, 4)
GROUND_M, WALL_M, DARK = 40.0, 16.0, 0.7
LEFT = (0.24, 0.31, 0.42)
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


def test_what_the_plates_own_shade_took_is_not_taken_again():
    """Light of sky and sun, the sun hidden by the plate's own and by what is added, and what feet take: once each."""
    own, added, feet = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 5), np.linspace(0, 0.5, 3), indexing="ij")
    sky = float(np.dot(LEFT, LUMINANCE))
    sun_left = 1 - (1 - sky) * added
    rendered = sun_left * (1 - feet)

    found = once(*(part.astype(np.float32) for part in (rendered, sun_left, own)), LEFT)

    plate = sky + (1 - sky) * (1 - own)
    true = (sky + (1 - sky) * (1 - own) * (1 - added)) * (1 - feet)
    np.testing.assert_allclose(found * plate, true, atol=1e-5)


def test_a_strip_of_shade_on_the_plates_ground_is_found(tmp_path):
    scene = Scene(width=384, height=216, frames=2, grain=0.002)
    plate, track = write_plate(scene, tmp_path / "plate"), write_track(scene, tmp_path / "track")
    heights = Heightfield.read(write_ground(scene, tmp_path / "ground"))
    channels = exr.read(plate.files.path(1001)).channels
    rgb = np.stack([channels[c] for c in "RGB"], axis=2).astype(np.float32)
    ground = scene.surfaces(1001) == GROUND
    strip = ground & (np.abs(np.arange(216) - 150)[:, None] < 8) & (np.arange(384) > 60)
    rgb[strip] *= np.array(LEFT, np.float32)
    depth, nobody = scene.depth_m(1001).astype(np.float32), np.zeros(ground.shape, np.float32)
    shot = Shot(rgb.astype(np.float16), rgb, depth, nobody + 1, nobody, nobody + np.inf, {})
    thrown = ground & (np.arange(216) > 140)[:, None] & (np.arange(216) < 175)[:, None]
    ground_m = np.where(thrown, depth, np.float32(np.inf))
    look = read_look(write_hand_look(tmp_path / "look").figures)

    found = shaded_ground(ground_m, shot, look, heights, track, 1001, LEFT)

    inside, outside = (ndimage.binary_erosion(part & thrown, iterations=2) for part in (strip, ~strip & ground))
    assert inside.sum() > 500
    assert found[inside].mean() > 0.9
    assert found[outside].mean() < 0.03
    assert not found[~thrown].any()
