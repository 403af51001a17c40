"""Shadows of cards lie where the sun puts them."""

import numpy as np
import pytest

from pipeline.kernels.shadow import cast_shadows, contact_shadows
from pipeline.kernels.splat import Cards, pyramid

SIZE, FOCAL, HORIZON = (80, 120), 100.0, 10.0
UP = np.array([0, -1, 0], np.float32)


def rays():
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]] + 0.5
    return np.stack([(x - SIZE[1] / 2) / FOCAL, (y - HORIZON) / FOCAL], -1).astype(np.float32)


def on_screen(point):
    return np.array(point[:2]) / point[2] * FOCAL + [SIZE[1] / 2, HORIZON]


def facing_sun(root, to_sun, count=1):
    flat = np.array([to_sun[0], 0, to_sun[2]]) / np.hypot(to_sun[0], to_sun[2])
    right = np.cross(-UP, flat)  # as the sun sees it
    whole = np.array([0, SIZE[1], 0, SIZE[0]], np.int32)
    return Cards(
        roots=np.array([root] * count, np.float32),
        rights=np.tile(right.astype(np.float32), (count, 1)),
        ups=np.tile(UP, (count, 1)),
        normals=np.tile(flat.astype(np.float32), (count, 1)),
        metres_per_px=np.full(count, 2.0 / 32, np.float32),
        sprites=np.zeros(count, np.int32),
        boxes=np.tile(whole, (count, 1)),
        tints=np.ones((count, 3), np.float32),
        dims=np.zeros(count, np.float32),
        leans=np.zeros((count, 2), np.float32),
        ids=np.ones(count, np.int32),
        motions=np.zeros((count, 6), np.float32),
    )


def pole():
    """Two metres tall, a quarter wide, standing on the root at (16, 32)."""
    sprite = np.zeros((1, 32, 32, 4), np.float32)
    sprite[0, :, 14:18] = 1
    return pyramid(sprite, sprite[..., 0])


@pytest.mark.parametrize("to_sun", [(0.6, -0.5, 0.3), (-0.5, -0.8, -0.4)])
def test_shadow_of_a_pole_reaches_where_the_suns_ray_over_its_top_meets_the_ground(to_sun):
    sun = (np.array(to_sun) / np.linalg.norm(to_sun)).astype(np.float32)
    root = np.array([0.0, 1.7, 6.0])
    shade = np.zeros(SIZE, np.float32)

    cast_shadows(rays(), facing_sun(root, sun), pole(), (16.0, 32.0), UP[None], sun, 0.0, shade)

    along = sun / sun[1] * [1, 0, 1]  # of the shadow, per metre of height, on level ground
    for height, dark in ((0.5, True), (1.6, True), (2.5, False)):
        x, y = on_screen(root + height * along).astype(int)
        if 0 <= x < SIZE[1] and 0 <= y < SIZE[0]:
            assert (shade[y, x] > 0.5) == dark
    side = on_screen(root + 1.5 * along[[2, 1, 0]] * [1, 0, -1]).astype(int)
    assert shade[np.clip(side[1], 0, 79), np.clip(side[0], 0, 119)] == 0
    assert shade.max() <= 1


def test_two_shadows_in_one_place_are_one_shadow():
    """One sun is covered only once."""
    sun = (np.array([0.6, -0.6, 0.2]) / np.linalg.norm([0.6, -0.6, 0.2])).astype(np.float32)
    one, two = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)

    cast_shadows(rays(), facing_sun((0, 1.7, 6), sun), pole(), (16.0, 32.0), UP[None], sun, 0.05, one)
    cast_shadows(rays(), facing_sun((0, 1.7, 6), sun, 2), pole(), (16.0, 32.0), np.tile(UP, (2, 1)), sun, 0.05, two)

    assert one.max() > 0.5
    np.testing.assert_array_equal(one, two)


def test_contact_is_darkest_under_the_feet_and_ends_at_its_radius():
    roots = np.array([[0.2, 1.7, 5.0]], np.float32)
    shade = np.zeros(SIZE, np.float32)

    contact_shadows(rays(), roots, UP[None], np.array([0.5], np.float32), np.array([[0, 120, 0, 80]], np.int32), shade)

    x, y = on_screen(roots[0]).astype(int)
    assert shade[y, x] > 0.9
    assert shade[y, x] == shade.max()
    edge = on_screen(roots[0] + [0.55, 0, 0]).astype(int)
    assert shade[edge[1], edge[0]] == 0
    assert not shade[: int(HORIZON)].any()
