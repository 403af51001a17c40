"""Grass of the plate before who stands in it, on a scene whose every pixel's height over the ground is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from calibration.cameras import lens_at, pixel_rays_world, pose_at
from calibration.ground.heightfield import Heightfield
from pipeline.types import VEIL
from stages.comp_cover import in_cover
from stages.comp_inputs import Placed, Shot
from tests.layers import write_ground
from tests.scenes import GROUND, Scene, write_track

FRAME, COVER_M = 1001, 0.1
GRASS, EARTH = (0.06, 0.16, 0.04), (0.2, 0.15, 0.1)
SCENE = Scene(width=960, height=540, frames=1, actor=True, grain=0.0)


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("solved")
    return Heightfield.read(write_ground(SCENE, folder / "ground")), write_track(SCENE, folder / "track")


def plate(colour, bright=None):
    """The ground in one colour, as bright from pixel to pixel as grass; `bright`: (H, W) instead."""
    random = np.random.default_rng(2)
    blades = np.repeat(random.uniform(0.4, 1.6, (SCENE.height, SCENE.width // 4 + 1)), 4, axis=1)[:, : SCENE.width]
    picture = np.asarray(colour, np.float32) * np.float32(blades if bright is None else bright)[..., None]
    size = picture.shape[:2]
    far, nobody = np.full(size, 500, np.float32), np.zeros(size, np.float32)
    half = picture.astype(np.float16)
    return Shot(half, half.astype(np.float32), far, nobody + 1, nobody, nobody + np.inf, {})


def box(name="crowd"):
    """Who stands there: as the scene shows him, in front of nothing."""
    alpha = SCENE.matte(FRAME)
    stands = SCENE.surfaces(FRAME) > GROUND + 5
    z = np.where(alpha > 0, np.where(stands, SCENE.depth_m(FRAME), np.float32(5.8)), np.float32(np.inf)).astype(
        np.float32
    )
    rgba = np.dstack([alpha * c for c in (0.3, 0.1, 0.1)] + [alpha]).astype(np.float32)
    ids = np.where(alpha >= 0.5, np.uint32(7), np.uint32(0))
    nothing = np.zeros_like(alpha)
    return Placed(name, rgba, alpha, nothing + 1, z, ids, ids.copy(), np.zeros((*alpha.shape, 2), np.float32), nothing)


def over_ground_m(track):
    """(H, W) metres by which what is seen stands over the ground under it."""
    y, x = np.mgrid[: SCENE.height, : SCENE.width] + 0.5
    centre, rays = pixel_rays_world(np.stack([x, y], axis=-1), lens_at(track, FRAME), pose_at(track, FRAME))
    points = centre + np.where(np.isfinite(SCENE.depth_m(FRAME)), SCENE.depth_m(FRAME), 0)[..., None] * rays
    return points[..., 1] - SCENE.ground_height_m(points[..., 0].astype(np.float32), points[..., 2].astype(np.float32))


def test_grass_hides_the_lowest_of_who_stands_in_it_and_no_more(solved):
    heights, track = solved
    before, shot = box(), plate(GRASS)

    after = in_cover(before, shot, heights, track, FRAME, COVER_M)

    solid, high = before.alpha == 1, over_ground_m(track)
    left = after.rgba[..., 3]
    assert (left[solid & (high > 1.6 * COVER_M)] == 1).all()
    assert left[solid & (high < 0.1 * COVER_M)].mean() < 0.15
    front = solid & (np.abs(SCENE.depth_m(FRAME) - 5.8) < 0.1)
    columns = front.sum(axis=0) > 50
    per_px = 5.8 / track.lens.focal_y_px
    hidden_m = ((1 - left) * front).sum(axis=0)[columns] * per_px
    assert 0.35 * COVER_M < hidden_m.mean() < 0.9 * COVER_M
    assert hidden_m.std() > 0.05 * COVER_M  # blades, not a line
    np.testing.assert_allclose(after.rgba, before.rgba * after.visible[..., None], atol=2e-3)
    np.testing.assert_array_equal(after.depth_m, np.where(left > 0, before.depth_m, np.inf))
    np.testing.assert_array_equal(after.ids > 0, left >= 0.5)


def test_what_is_brighter_reaches_higher(solved):
    heights, track = solved
    stripes = np.where(np.arange(SCENE.width) // 3 % 2, 1.5, 0.5)
    shot = plate(GRASS, np.broadcast_to(stripes, (SCENE.height, SCENE.width)))

    left = in_cover(box(), shot, heights, track, FRAME, COVER_M).visible

    taken = (1 - left).sum(axis=0)
    middle = (taken > 1) & (np.arange(SCENE.width) % 3 == 1)
    assert middle.sum() > 20
    assert taken[middle & (stripes > 1)].mean() > 1.3 * taken[middle & (stripes < 1)].mean()


def test_half_as_high_grass_hides_half_as_much(solved):
    heights, track = solved
    low, high = (
        (1 - in_cover(box(), plate(GRASS), heights, track, FRAME, m).visible).sum() for m in (COVER_M, 2 * COVER_M)
    )
    assert 1.7 < high / low < 2.2


@pytest.mark.parametrize("case", ["bare", "none", "lifted", "screen", "dust"])
def test_nothing_is_hidden_where_nothing_grows_before_it(solved, case):
    heights, track = solved
    layer, shot, cover_m = box(VEIL if case == "dust" else "crowd"), plate(EARTH if case == "bare" else GRASS), COVER_M
    if case == "none":
        cover_m = 0.0
    if case == "lifted":
        heights = replace(heights, heights=heights.heights - np.float32(1.5 * COVER_M))
    if case == "screen":
        shot = replace(shot, pulled=SimpleNamespace(keyed=True))

    assert in_cover(layer, shot, heights, track, FRAME, cover_m) is layer


def test_a_lifted_foot_is_hidden_by_what_of_the_grass_is_left(solved):
    heights, track = solved
    lower = replace(heights, heights=heights.heights - np.float32(0.07))

    stands, lifted = (
        (1 - in_cover(box(), plate(GRASS), h, track, FRAME, COVER_M).visible).sum() for h in (heights, lower)
    )

    assert 0.3 < lifted / stands < 0.7
