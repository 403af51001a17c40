"""The crowd's shadow on people of the plate, against rays to the very cards."""

import numpy as np
import pytest

from assets.sprites.cards import UP, stance
from assets.sunlight.by_crowd import hidden_by_crowd
from assets.sunlight.maps import seen_points
from assets.sunlight.people import Everybody
from assets.view import View
from tests.assets.sunlight.test_people import MPP, ROOT, Painted
from tests.boxes import sun

TO_SUN = sun(30, 80)
AWAY_M, SIZE, FOCAL_PX = 12.0, (180, 240), 200.0


def view():
    """From 1.6 m above the ground along -z."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32) + np.float32(0.5)
    rays = np.stack([(x - SIZE[1] / 2) / FOCAL_PX, (y - SIZE[0] / 2) / FOCAL_PX], axis=-1).astype(np.float32)
    pose = np.array([[1.0, 0, 0, 0], [0, -1, 0, 1.6], [0, 0, -1, 0], [0, 0, 0, 1]])
    return View(rays, lambda points: points[:, :2] / points[:, 2:] * FOCAL_PX, pose, pose, 0)


def person():
    """A matte, and how far away he stands."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    matte = ((np.abs(x - 120) < 9) & (y > 86) & (y < 117)).astype(np.float32)
    return matte, np.where(matte > 0, np.float32(AWAY_M), np.float32(np.inf))


def found(monkeypatch, painted):
    monkeypatch.setattr("assets.sunlight.people.shadow_sprites", lambda agents, *_: np.zeros(len(agents.ids), np.int32))
    return hidden_by_crowd(view(), *person(), Everybody.of(TO_SUN, painted, painted, 0, None), 1e-6)


def true(painted, points):
    """(K,) where a ray to the sun meets somebody's figure."""
    cards = stance(painted.positions[0].astype(float), painted.positions[0] + 1e4 * TO_SUN, 0.0)
    met = np.zeros(len(points), bool)
    for root, right, normal in zip(cards.roots, cards.rights, cards.normals, strict=True):
        way = (root - points) @ normal / (TO_SUN @ normal)
        at = points + way[:, None] * TO_SUN - root
        u, v = at @ right / MPP + ROOT[0], ROOT[1] - at @ UP / MPP
        inside = (way > 0.1) & (u > 0) & (u < 16) & (v > 0) & (v < 40)
        met |= inside & (painted.sprites[0, np.clip(v.astype(int), 0, 39), np.clip(u.astype(int), 0, 15), 3] > 0)
    return met


def test_people_lose_the_sun_where_a_ray_to_it_meets_somebody(monkeypatch):
    painted = Painted([[1.6, 0.0, -AWAY_M + 0.3], [30.0, 0.0, -40.0], [-2.0, 0.0, -AWAY_M]])

    hidden = found(monkeypatch, painted)

    matte, away_m = person()
    dark = true(painted, seen_points(view(), away_m, matte > 0)[0])
    told = hidden[matte > 0] > 0.5
    assert 60 < dark.sum() < 0.9 * len(dark)
    assert (told != dark).mean() < 0.06
    assert not hidden[matte == 0].any()


@pytest.mark.parametrize(
    "place",
    [[-1.6, 0.0, -AWAY_M], [12.0, 0.0, -AWAY_M], [1.6, 0.0, -AWAY_M - 6]],
    ids=["beyond", "too far", "beside"],
)
def test_whose_shadow_falls_elsewhere_takes_nothing(monkeypatch, place):
    assert found(monkeypatch, Painted([place])) is None


def test_nobody_throws_and_nobody_is_hit(monkeypatch):
    assert found(monkeypatch, Painted(np.zeros((0, 3)))) is None
    monkeypatch.setattr("tests.assets.sunlight.test_by_crowd.person", lambda: [np.zeros(SIZE, np.float32)] * 2)
    assert found(monkeypatch, Painted([[1.6, 0.0, -AWAY_M]])) is None
