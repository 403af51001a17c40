"""A card's shadow against rays that are cast through its picture one by one."""

import numpy as np
import pytest

from assets.sets.cards import place_card
from assets.sunlight.maps import SunMaps
from pipeline.far_sections import SetCard
from pipeline.io import exr
from tests.boxes import box

WIDE, HIGH = 64, 32
EYE, AHEAD = np.array([0.0, 1.7, 0.0]), np.array([0.0, 0.0, -1.0])
TO_SUN = np.array([0.25, 0.3, -0.92]) / np.linalg.norm([0.25, 0.3, -0.92])  # behind the card


def trees():
    """(H, W) alpha: a thicket with gaps, free above."""
    x, y = np.meshgrid(np.arange(WIDE), np.arange(HIGH))
    return ((y > 12 + 6 * np.sin(x / 5)) & (x // 4 % 4 > 0)).astype(np.float32)


@pytest.fixture
def picture(tmp_path):
    alpha = trees()
    exr.write(tmp_path / "trees.exr", {c: exr.half(0.3 * alpha) for c in "RGB"} | {"A": exr.half(alpha)})
    return tmp_path / "trees.exr"


def placed(picture, **said):
    card = SetCard("trees", picture, 60.0, bearing_deg=0.0, rise_deg=-2.0, width_m=80.0, **said)
    return place_card(card, 1, EYE, AHEAD, None)


def on_ground(count=3000):
    rng = np.random.default_rng(3)
    return np.column_stack([rng.uniform(-40, 40, count), rng.uniform(0, 2, count), rng.uniform(-59, 10, count)])


def shaded(points, alpha):
    """Where rays meet the plane at z = -60: what the picture has there; NaN within a texel of an edge."""
    way = (-60.0 - points[:, 2]) / TO_SUN[2]
    at = points + way[:, None] * TO_SUN
    base = EYE[1] + 60 * np.tan(np.radians(-2.0))
    i, j = (at[:, 0] + 40) / 80 * WIDE, HIGH - (at[:, 1] - base) / 40 * HIGH
    padded = np.pad(alpha, 2)
    whole = np.full(len(points), np.nan)
    for n in range(len(points)):
        x, y = int(np.floor(i[n])), int(np.floor(j[n]))
        if -1 <= x <= WIDE and -1 <= y <= HIGH:
            around = padded[y + 1 : y + 4, x + 1 : x + 4]
            whole[n] = around[1, 1] if around.min() == around.max() else np.nan
        else:
            whole[n] = 0.0
    return whole


def hidden(maps, points, **some):
    return maps.hidden(points, np.zeros_like(points), np.zeros_like(points), **some)


def test_a_card_hides_the_sun_where_rays_meet_its_picture(picture):
    points = on_ground()
    maps = SunMaps.of([], TO_SUN, 1e-6, cards=[placed(picture)])

    found, true = hidden(maps, points), shaded(points, trees())

    sure = np.isfinite(true)
    assert (true[sure] == 1).sum() > 200
    assert (true[sure] == 0).sum() > 200
    assert (np.abs(found - true)[sure] > 0.5).mean() < 0.005
    assert maps.pieces == ()
    assert maps.added == maps.numbers


def test_a_card_without_a_shadow_throws_none(picture):
    points, piece = on_ground(200), [box((-9, 0, -4), (-8, 4, 4), 7)]
    alone = SunMaps.of(piece, TO_SUN, 0.03)

    none = SunMaps.of(piece, TO_SUN, 0.03, cards=[placed(picture, shadow=False)])

    assert none.numbers == alone.numbers == (7,)
    np.testing.assert_array_equal(hidden(none, points), hidden(alone, points))
    both = SunMaps.of(piece, TO_SUN, 0.03, cards=[placed(picture)])
    np.testing.assert_array_equal(hidden(both, points, only=both.pieces), hidden(alone, points))


def test_a_cylinder_throws_one_too(picture):
    """Within its arc, near its middle, it is as good as the plane."""
    points = np.column_stack([np.linspace(-4, 4, 200), np.full(200, 0.5), np.full(200, -30.0)])
    flat = hidden(SunMaps.of([], TO_SUN, 0.02, cards=[placed(picture)]), points)
    bent = hidden(SunMaps.of([], TO_SUN, 0.02, cards=[placed(picture, shape="cylinder")]), points)

    assert bent.max() > 0.9
    assert np.abs(bent.mean() - flat.mean()) < 0.2
