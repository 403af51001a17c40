"""Near people in the shade, against balls whose normals are known."""

from types import SimpleNamespace

import numpy as np

from assets.near.layer import Near
from assets.near.merge import add_near
from assets.near.shade import left_in_shade
from assets.sprites.layer import Looks
from assets.sunlight.maps import SunMaps
from assets.sunlight.share import Sunlight
from assets.view import Buffers, View
from tests.boxes import box, sun

SIZE, FOCAL_PX = (120, 160), 300.0
BALLS = {7: ((-0.6, 0.1, 5.0), 0.6), 9: ((0.7, -0.1, 5.6), 0.5)}


def seen():
    """The near layer of both balls, and their true normals."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    rays = np.stack([(x - SIZE[1] / 2) / FOCAL_PX, (y - SIZE[0] / 2) / FOCAL_PX], axis=-1)
    view = View(rays.astype(np.float32), lambda p: p[:, :2], np.eye(4), np.eye(4), 0)
    ways = np.concatenate([rays, np.ones((*SIZE, 1))], axis=-1)
    owner, depth, normals = np.zeros(SIZE, np.int32), np.full(SIZE, np.inf, np.float32), np.zeros((*SIZE, 3))
    for number, (middle, radius) in BALLS.items():
        along, square = ways @ np.array(middle), (ways**2).sum(axis=-1)
        inside = along**2 - square * (np.dot(middle, middle) - radius**2)
        z = (along - np.sqrt(np.maximum(inside, 0))) / square
        mine = (inside > 0) & (z < depth)
        owner[mine], depth[mine] = number, z[mine]
        normals[mine] = ((z[..., None] * ways - middle) / radius)[mine]
    empty = Buffers.empty(*SIZE)
    return view, Near(Buffers(empty.rgba, depth, owner, empty.motion), owner, (owner > 0).astype(np.float32)), normals


def test_balls_lose_what_the_sun_gives_them():
    view, near, normals = seen()
    light = Sunlight(SunMaps(np.array([0.6, 0.5, -0.6245]), 0.03, (), ()), (0.2, 0.3, 0.4))
    hidden = np.where(near.owner == 7, 1, np.where(near.owner == 9, 0.5, 0)).astype(np.float32)

    left = left_in_shade(near, view, hidden, light)

    true = 1 - hidden[..., None] * (1 - light.left(normals))
    well = (near.owner > 0) & (np.abs((normals * [0, 0, 1]).sum(axis=-1)) > 0.5)
    assert np.abs(left - true)[well].mean() < 0.03
    np.testing.assert_array_equal(left[near.owner == 0], 1)


def test_who_stands_in_the_light_keeps_it_to_the_bit():
    view, near, _ = seen()
    hidden = (near.owner == 7).astype(np.float32)

    left = left_in_shade(near, view, hidden, Sunlight(SunMaps.of([], sun(30), 0.03), (0.2, 0.3, 0.4)))

    np.testing.assert_array_equal(left[near.owner == 9], 1)
    assert left[near.owner == 7].min() < 0.5


def test_a_wall_before_the_sun_darkens_the_near_people_behind_it_alone():
    """One ball lies beside a wall, the other beyond its end; both are white."""
    view, near, _ = seen()
    near.pixels.rgba[near.owner > 0] = 1
    to_sun = np.array([-0.954, 0.3, 0.0])
    wall = [box((-3, -9, -9), (-2.9, 9, 4.8))]
    light = Sunlight(SunMaps.of(wall, to_sun, 0.03), (0.2, 0.3, 0.4))
    agents = SimpleNamespace(ids=np.array([9, 7]), seeds=np.array([1, 2]), positions=np.zeros((1, 2, 3), np.float32))
    agents.positions[0] = [middle for middle, _ in (BALLS[9], BALLS[7])]
    looks, drawn = Looks(brightness=0, hue=0, crowding=0), []
    for some in (None, light):
        drawn.append(Buffers.empty(*SIZE))
        add_near(drawn[-1], near, view, agents, 0, looks, some)

    plain, shaded = (each.rgba[..., :3] for each in drawn)
    np.testing.assert_array_equal(plain[near.owner > 0], 1)
    np.testing.assert_array_equal(shaded[near.owner == 9], 1)
    assert (shaded[near.owner == 7].min(axis=0) < (0.3, 0.4, 0.5)).all()
    np.testing.assert_array_equal(drawn[0].rgba[..., 3], drawn[1].rgba[..., 3])
