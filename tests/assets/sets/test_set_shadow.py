"""The shadow of set pieces against rays cast one by one, and against lengths that can be told by hand."""

import numpy as np
import pytest

from assets.sets.shadow import SetShadow
from assets.sprites.layer import Taken
from assets.sunlight.maps import SunMaps
from assets.view import View
from calibration.ground.heightfield import Heightfield
from tests.boxes import box, hit, sun

LOOK_DOWN = np.array(
    [[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 40], [0, 0, 0, 1]]
)  # from 40 m up, the picture's top is -z
SIZE, FOCAL_PX = (240, 320), 320.0
SOFT, CONTACT_M = 0.05, 0.5


def seen_from_above() -> View:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32) + np.float32(0.5)
    rays = np.stack([(x - SIZE[1] / 2) / FOCAL_PX, (y - SIZE[0] / 2) / FOCAL_PX], axis=-1).astype(np.float32)

    def project(points):
        with np.errstate(divide="ignore", invalid="ignore"):
            px = points[:, :2] / points[:, 2:] * FOCAL_PX + (SIZE[1] / 2, SIZE[0] / 2)
        return np.where(points[:, 2:] > 0, px, np.nan)

    return View(rays, project, LOOK_DOWN, LOOK_DOWN, 0)


def taken_by(pieces, ground, to_sun, soft=SOFT) -> tuple[Taken, np.ndarray]:
    """What is taken, and the ground (H, W, 3) that each pixel sees."""
    view, taken = seen_from_above(), Taken.nothing(SIZE)
    shadow = SetShadow.of(pieces, ground.stand, SunMaps.of(pieces, to_sun, soft), CONTACT_M)
    shadow.take(view, ground.meet_rays, taken)
    ways = np.concatenate([view.rays.astype(float), np.ones((*SIZE, 1))], axis=-1) @ view.pose[:3, :3]
    return taken, ground.meet_rays(view.centre, ways)


def sloped() -> Heightfield:
    x = np.arange(-30.0, 31)
    return Heightfield(np.broadcast_to(0.15 * x, (61, 61)).astype(np.float32), -30.0, -30.0, 1.0)


@pytest.mark.parametrize("ground", [Heightfield.flat(), sloped()], ids=["level", "slope"])
@pytest.mark.parametrize("elevation_deg", [25, 60])
def test_the_shadow_is_where_rays_to_the_sun_are_stopped(ground, elevation_deg):
    pieces = [box((-1, -4, -1), (1, 5, 1)), box((3, -4, -6), (6, 2.5, -5.5), 2), box((-7, 2.2, 2), (-5, 2.5, 4), 3)]
    to_sun = sun(elevation_deg)

    taken, points = taken_by(pieces, ground, to_sun, soft=1e-6)

    some = np.random.default_rng(1).choice(SIZE[0] * SIZE[1], 3000, replace=False)
    true = hit(pieces, points.reshape(-1, 3)[some], to_sun)
    told = taken.sun.reshape(-1)[some] > 0.5
    assert 40 < true.sum() < 1500
    inside = hit(
        pieces, points.reshape(-1, 3)[some] + (0, 1e-3, 0), np.array([1e-9, -1.0, 1e-9])
    )  # under a box or in it
    wrong = (told != true) & ~inside
    assert wrong.mean() < 0.006


def test_the_edge_is_softer_the_farther_it_falls():
    to_sun = sun(45, 0)  # towards +z: shadows fall to -z, as long as things are high

    taken, points = taken_by([box((-6, -1, -1), (6, 8, 1))], Heightfield.flat(), to_sun)

    row = taken.sun[:, SIZE[1] // 2]
    z = points[:, SIZE[1] // 2, 2]
    far_edge = np.abs(z + 9) < 3
    assert np.interp(0.5, row[far_edge], z[far_edge]) == pytest.approx(-9, abs=0.15)
    wide = np.abs(np.interp(0.84, row[far_edge], z[far_edge]) - np.interp(0.16, row[far_edge], z[far_edge]))
    way = 8 * np.sqrt(2)
    assert wide == pytest.approx(SOFT * way * np.sqrt(2), rel=0.35)  # of a sigma each way, seen at 45 degrees
    assert row[np.abs(z + 3) < 1].min() > 0.97


def test_the_foot_is_dark_where_walls_go_into_the_ground_and_not_under_what_hangs():
    stands, hangs = box((-4, -1, -2), (-2, 0.85, 2)), box((3, 1, -2), (5, 2, 2), 2)

    taken, points = taken_by([stands, hangs], Heightfield.flat(), sun(80))

    x, row = points[SIZE[0] // 2, :, 0], taken.contact[SIZE[0] // 2]
    assert row[np.abs(x + 1.93) < 0.06].max() > 0.6
    assert np.interp(-2 + CONTACT_M / 2, x, row) == pytest.approx(0.25, abs=0.1)
    assert row[np.abs(x) < 1.3].max() == 0
    assert row[x > 2].max() == 0


@pytest.mark.parametrize("height_m", [0.3, 0.85, 6.0])
def test_the_dark_at_the_foot_fades_out_on_every_side(height_m):
    """Nothing cuts it: it is that of the distance to the foot, all around."""
    half = 2.0
    taken, points = taken_by([box((-half, -1, -half), (half, height_m, half))], Heightfield.flat(), sun(80))

    away = np.linalg.norm(np.maximum(np.abs(points[..., [0, 2]]) - half, 0), axis=-1)
    reach = CONTACT_M * np.clip(height_m / 0.85, 0.5, 4)
    beside = away > 0.1
    np.testing.assert_allclose(taken.contact[beside], (np.clip(1 - away / reach, 0, 1) ** 2)[beside], atol=0.1)


def test_a_low_sun_throws_none_and_no_piece_takes_nothing():
    taken, _ = taken_by([box((-1, -1, -1), (1, 3, 1))], Heightfield.flat(), sun(0.5))

    assert taken.sun.max() == 0
    assert taken.contact.max() > 0
    assert SetShadow.of([], Heightfield.flat().stand, SunMaps.of([], sun(40), SOFT), CONTACT_M) is None
