"""People as the sun sees them: outlines in a map, against rays to the very cards."""

import numpy as np

from assets.near.shades import Shades, facing
from assets.sprites.cards import UP, stance
from assets.sunlight.maps import SunMaps
from assets.sunlight.people import Everybody, people_before
from pipeline.kernels.sunmap import add_hidden
from tests.boxes import box, sun

TO_SUN = sun(20, 40)
WALL = box((-6, -1, -8), (6, 5, -7.5))
MPP, ROOT = 0.05, (8.0, 38.0)


class Painted:
    """Agents and an atlas as far as they are asked for: everybody shows a figure with a spear at its right."""

    def __init__(self, places, scale=1.0):
        count = len(places)
        self.positions = np.asarray(places, np.float32)[None]
        self.ids, self.scales = np.arange(count) + 11, np.full(count, scale)
        self.metres_per_px, self.root_px = MPP, ROOT
        self.sprites = np.zeros((1, 40, 16, 4), np.float16)
        self.sprites[0, 4:38, 5:11, 3] = 1
        self.sprites[0, 0:30, 13:15, 3] = 1


def before(monkeypatch, painted, shades=None):
    monkeypatch.setattr("assets.sunlight.people.shadow_sprites", lambda agents, *_: np.zeros(len(agents.ids), np.int32))
    everybody = Everybody.of(TO_SUN, painted, painted, 0, None, shades)
    return people_before(SunMaps.of([WALL], TO_SUN, 1e-6), everybody)


def dark(map_, points):
    out, none = np.zeros(len(points), np.float32), np.zeros((len(points), 3), np.float32)
    add_hidden(np.float32(points), none, none, map_, 1e-6, out)
    return out > 0.5


def on_the_wall():
    x, y = (each.ravel() for each in np.meshgrid(np.arange(-6, 6, 0.037), np.arange(0, 4, 0.031)))
    return np.column_stack([x, y, np.full(len(x), -7.5)])


def test_a_figure_with_a_spear_is_dark_on_the_wall_where_its_card_stops_the_sun(monkeypatch):
    painted = Painted([[1.0, 0.0, -5.0]], scale=1.1)

    found = before(monkeypatch, painted)

    points = on_the_wall()
    cards = stance(painted.positions[0].astype(float), painted.positions[0] + 1e4 * TO_SUN, 0.0)
    root, right, normal = cards.roots[0], cards.rights[0], cards.normals[0]
    way = (root - points) @ normal / (TO_SUN @ normal)
    met = points + way[:, None] * TO_SUN - root
    u, v = met @ right / (MPP * 1.1) + ROOT[0], ROOT[1] - met @ UP / (MPP * 1.1)
    inside = (way > 0) & (u > 0) & (u < 16) & (v > 0) & (v < 40)
    true = inside & (painted.sprites[0, np.clip(v.astype(int), 0, 39), np.clip(u.astype(int), 0, 15), 3] > 0)
    assert true.sum() > 300
    assert list(found) == [1]
    assert (dark(found[1], points) != true).sum() < 0.12 * true.sum()  # cells of 2.5 cm along the outline


def test_who_stands_behind_the_wall_or_beside_it_throws_nothing_on_it(monkeypatch):
    behind = before(monkeypatch, Painted([[0.0, 0.0, -14.0]]))
    assert not any(dark(map_, on_the_wall()).any() for map_ in behind.values())
    assert before(monkeypatch, Painted([[0.0, 0.0, -40.0], [40.0, 0.0, -5.0]])) == {}
    assert before(monkeypatch, Painted(np.zeros((0, 3)))) == {}


def test_cells_lie_where_they_lay_when_somebody_else_comes(monkeypatch):
    one = before(monkeypatch, Painted([[1.0, 0.0, -5.0]]))[1]
    two = before(monkeypatch, Painted([[1.0, 0.0, -5.0], [-3.0, 0.0, -4.0]]))[1]

    shift = two.to_map[:2, 3] - one.to_map[:2, 3]
    np.testing.assert_array_equal(shift, np.rint(shift))
    x, y = shift.astype(int)
    height, width = one.depth.shape
    np.testing.assert_array_equal(two.depth[y : y + height, x : x + width][np.isfinite(one.depth)],
                                  one.depth[np.isfinite(one.depth)])  # fmt: skip


def test_near_people_are_told_by_their_meshes_and_not_by_their_sprites(monkeypatch):
    """A square plate of 1 m, square to the sun, 2 m before the root."""
    right, up, towards = facing(TO_SUN)
    root = np.array([1.0, 0.0, -5.0])
    shades = Shades(
        ids=np.array([11]),
        roots=root[None],
        normals=UP[None],
        sun=np.full((1, 50, 50), 255, np.uint8),
        sun_relief=np.full((1, 50, 50), 2.0, np.float16),
        sun_corners=np.array([[-0.5, 1.5]]),
        contact=np.zeros((1, 32, 32), np.uint8),
        contact_corners=np.zeros((1, 2)),
    )

    found = before(monkeypatch, Painted([root]), shades)[1]

    points = on_the_wall()
    flat = (points - root) @ np.stack([right, up], axis=1)
    true = (np.abs(flat[:, 0]) < 0.5) & (flat[:, 1] > 0.5) & (flat[:, 1] < 1.5)
    assert (dark(found, points) != true).sum() < 0.12 * true.sum()
    just = root + 1.0 * up + np.array([[1.9], [2.1]]) * towards
    np.testing.assert_array_equal(dark(found, just), [True, False])
