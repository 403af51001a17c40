"""The dust's layer: before whoever it veils, behind whoever hides it, in the light that is told."""

import dataclasses
import itertools

import numpy as np
import pytest

from assets.dust.layer import Raised, draw_dust
from assets.sunlight.maps import SunMaps
from assets.view import Buffers, View
from calibration.cameras import look_at, meet_plane
from calibration.lens import project, rays
from pipeline.types import Lens
from tests.boxes import box
from tests.walkers import level, walkers

LENS = Lens(200, 120, 260.0, 260.0, 100.0, 60.0, 0.0, 0.0, 0.0, 0.0)
POSE = look_at(np.array([6.0, 1.6, -8.0]), (6.0, 0.5, -22.0))
ROW = 40


def view_of(pose=POSE):
    return View(rays(LENS), lambda points: project(points, LENS), pose, pose, 1)


def raised_by(count=8, amount=1.0, **changes):
    made = Raised(
        amounts=np.full(count, amount),
        rgb=(0.4, 0.3, 0.2),
        wind_mps=(0.0, 0.0),
        to_sun=np.array([0.0, 0.8, 0.6]),
        sun_rgb=(0.9, 0.8, 0.7),
        sky_rgb=(0.2, 0.2, 0.3),
        stand=level,
        meet=lambda eye, ways: meet_plane(eye, ways),
    )
    return dataclasses.replace(made, **changes)


def nobody():
    return Buffers.empty(LENS.height, LENS.width)


def screen(depth_m, alpha=1.0):
    """Somebody who fills the left half of the picture."""
    found = nobody()
    found.rgba[:, :100] = alpha
    found.depth[:, :100] = depth_m
    found.ids[:, :100] = 1
    return found


def drawn(crowd=None, built=None, raised=None, agents=None, row=ROW, view=None):
    agents = agents or walkers("charge", count=8, yaw=-1.57)
    raised = raised or raised_by()
    return draw_dust(view or view_of(), agents, row, raised, crowd or nobody(), built or nobody())


def test_it_hugs_the_ground_where_feet_were():
    dust = drawn()

    alpha = dust.rgba[..., 3]
    rows, columns = np.nonzero(alpha > 0.02)
    z = dust.depth[rows, columns].astype(np.float64)[:, None]
    view = view_of()
    points = (np.concatenate([view.rays[rows, columns] * z, z], axis=1) - view.pose[:3, 3]) @ view.pose[:3, :3]
    assert len(rows) > 500
    assert points[:, 1].min() > -0.05
    assert points[:, 1].max() < 2.2
    weighed = (points[:, 1] * alpha[rows, columns]).sum() / alpha[rows, columns].sum()
    assert 0.1 < weighed < 0.8
    assert not dust.ids.any()
    assert np.isinf(dust.depth[alpha == 0]).all()


def test_dust_before_somebody_veils_him_and_dust_behind_does_not():
    nowhere = raised_by(meet=lambda eye, ways: np.full(ways.shape, np.nan))
    free = drawn(raised=nowhere).rgba[..., 3]
    behind, before, amid = (drawn(screen(depth), raised=nowhere).rgba[..., 3] for depth in (2.0, 60.0, 15.0))

    assert free[:, :100].max() > 0.1
    assert not behind[:, :100].any()
    np.testing.assert_array_equal(before, free)
    np.testing.assert_array_equal(behind[:, 100:], free[:, 100:])
    assert 0.1 * free[:, :100].sum() < amid[:, :100].sum() < 0.9 * free[:, :100].sum()


def test_half_of_a_pixel_is_veiled_by_half():
    free, half = drawn().rgba, drawn(screen(2.0, alpha=0.5)).rgba

    some = free[:, :100, 3] > 0.01
    np.testing.assert_allclose(half[:, :100, 3][some], 0.5 * free[:, :100, 3][some], rtol=1e-5)


def test_what_is_built_hides_it_too():
    wall = drawn(built=screen(2.0))

    assert not wall.rgba[:, :100].any()
    assert wall.rgba[:, 100:].any()


def test_it_is_lit_by_sun_and_sky_in_its_own_colour():
    dark = drawn(raised=raised_by(sun_rgb=(0.0, 0.0, 0.0))).rgba
    lit = drawn().rgba

    there = lit[..., 3] > 0.1
    np.testing.assert_allclose(
        dark[there][:, :3] / dark[there][:, 3:], np.tile([0.08, 0.06, 0.06], (there.sum(), 1)), rtol=1e-4
    )
    most = np.array([0.4, 0.3, 0.2]) * (0.6 * np.array([0.9, 0.8, 0.7]) + [0.2, 0.2, 0.3])
    straight = lit[there][:, :3] / lit[there][:, 3:]
    assert (straight <= most + 1e-6).all()
    assert (straight > 0.7 * most).all()


def test_no_amount_no_dust():
    assert not drawn(raised=raised_by(amount=0.0)).rgba.any()
    assert drawn(raised=raised_by(amounts=np.arange(8) / 8.0)).rgba.any()


def test_it_does_not_flicker():
    """With a still camera the layer changes from frame to frame by little of what it holds: puffs come and go gradually."""
    agents = walkers("march", count=8, yaw=-1.57)
    frames = [drawn(agents=agents, row=row).rgba[..., 3] for row in range(30, 36)]

    whole = np.mean([frame.sum() for frame in frames])
    for before, after in itertools.pairwise(frames):
        assert abs(after.sum() - before.sum()) < 0.04 * whole
        assert np.abs(after - before).max() < 0.035 < 0.6 * after.max()


def test_who_is_moved_moves_only_his_own():
    agents = walkers("charge", count=8, yaw=-1.57)
    places = agents.positions.copy()
    places[:, 0, 2] += 400.0  # behind the camera
    moved = dataclasses.replace(agents, positions=places)
    alone = dataclasses.replace(raised_by(), amounts=np.array([0.0, *[1.0] * 7]))

    np.testing.assert_allclose(drawn(agents=moved).rgba, drawn(raised=alone).rgba, atol=2e-3)


def test_it_moves_as_the_still_world_does():
    turned = look_at(np.array([6.0, 1.6, -8.0]), (6.3, 0.5, -22.0))
    view = View(rays(LENS), lambda points: project(points, LENS), POSE, turned, 1)

    dust = drawn(view=view)

    there = dust.rgba[..., 3] > 0
    assert dust.motion[there][:, 0].mean() == pytest.approx(-260 * 0.3 / 14, rel=0.1)
    assert not dust.motion[~there].any()


def test_in_the_shadow_of_a_roof_it_is_lit_by_the_sky_alone_and_elsewhere_as_it_was():
    to_sun, free = np.array([0.0, 0.8, 0.6]), drawn().rgba
    over, aside = (SunMaps.of([box((x - 60, 20, -60), (x + 60, 21, 60))], to_sun, 0.03) for x in (0.0, 300.0))

    np.testing.assert_array_equal(drawn(raised=raised_by(hiding=aside)).rgba, free)
    dark = drawn(raised=raised_by(sun_rgb=(0.0, 0.0, 0.0))).rgba
    np.testing.assert_allclose(drawn(raised=raised_by(hiding=over)).rgba, dark, atol=1e-6)
