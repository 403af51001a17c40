"""Puffs rise, spread, thin and end; far ones are fewer and look the same."""

import dataclasses

import numpy as np
import pytest

from assets.dust.footfalls import Footfalls
from assets.dust.puffs import LIFE_S, MASS_M2, Puffs, gathered, puffs_of, shaded
from pipeline.kernels.dust import PARTS, Clouds, optical_depth, reach

IDS = np.arange(9000) + 100_001


def fallen(count=400, age=0.5, speed=5.0, spread=20.0):
    rng = np.random.default_rng(3)
    plan = rng.uniform(-spread, spread, (count, 2))
    return Footfalls(
        agents=np.arange(count),
        steps=np.arange(count) % 7,
        places=np.stack([plan[:, 0], np.zeros(count), plan[:, 1]], axis=1),
        ages_s=np.full(count, age),
        ways=np.tile([0.0, speed], (count, 1)),
    )


def raised(steps, wind=(0.0, 0.0), amount=1.0):
    return puffs_of(steps, IDS, np.full(len(IDS), amount), wind)


def test_dust_goes_with_the_power_of_speed_and_the_amount():
    full = raised(fallen()).masses.sum()

    assert raised(fallen(speed=1.25)).masses.sum() == pytest.approx(full / 8, rel=1e-6)
    assert raised(fallen(), amount=0.3).masses.sum() == pytest.approx(0.3 * full, rel=1e-6)
    assert not len(raised(fallen(speed=0.0)).masses)
    assert not len(raised(fallen(), amount=0.0).masses)
    assert full < 1.5 * MASS_M2 * 400


def test_a_puff_rises_spreads_thins_and_is_gone():
    young, old = raised(fallen(age=0.3)), raised(fallen(age=1.8))

    assert old.middles[:, 1].mean() > young.middles[:, 1].mean() > 0.1
    assert old.middles[:, 1].max() < 1.2
    assert (old.wide_m > young.wide_m).all()
    assert 0 < old.masses.sum() < young.masses.sum()
    assert not len(raised(fallen(age=LIFE_S)).masses)
    assert raised(fallen(age=1e-3)).masses.sum() < 0.01 * young.masses.sum()


def test_nothing_changes_at_once():
    """From frame to frame a puff comes within some and goes by little of the most that it ever holds."""
    ages = np.arange(0, LIFE_S + 0.1, 1 / 24)
    sums = np.array([raised(fallen(1, age)).masses.sum() for age in ages])

    assert np.abs(np.diff(sums)).max() < 0.45 * sums.max()
    assert np.abs(np.diff(sums[6:])).max() < 0.03 * sums.max()


def test_wind_carries_it():
    still, blown = raised(fallen(age=2.0)), raised(fallen(age=2.0), wind=(1.5, -0.5))

    moved = (blown.middles - still.middles)[:, [0, 2]].mean(axis=0)
    assert 2.0 < moved[0] < 3.0
    assert moved[1] == pytest.approx(-moved[0] / 3, rel=1e-6)


def test_one_who_is_moved_takes_only_his_own():
    steps = fallen()
    moved = dataclasses.replace(steps, places=steps.places + np.where(np.arange(400)[:, None] == 7, 2.0, 0.0))

    before, after = raised(steps), raised(moved)

    apart = np.abs(before.middles - after.middles).max(axis=1) > 0
    assert np.flatnonzero(apart).tolist() == [7]
    np.testing.assert_array_equal(before.masses, after.masses)


def test_thick_dust_shades_itself_the_more_the_lower_the_sun():
    thin, thick = raised(fallen()), raised(fallen(9000))
    high, low = (np.array(sun) for sun in ((0.0, 1.0, 0.0), (0.8, 0.6, 0.0)))

    assert 0.9 < shaded(thin, high).lit.mean() < 1
    assert shaded(thick, low).lit.mean() < shaded(thick, high).lit.mean() < shaded(thin, high).lit.mean()
    assert shaded(thick, low).lit.min() > 0.2


def test_far_dust_is_gathered_into_less_that_weighs_the_same():
    puffs, camera = raised(fallen(9000, spread=30.0)), np.array([0.0, 2.0, 300.0])

    few = gathered(puffs, camera)

    assert len(few.masses) < len(puffs.masses) / 3
    assert few.masses.sum() == pytest.approx(puffs.masses.sum(), rel=1e-6)
    middle = (few.masses[:, None] * few.middles).sum(axis=0) / few.masses.sum()
    np.testing.assert_allclose(
        middle, (puffs.masses[:, None] * puffs.middles).sum(axis=0) / puffs.masses.sum(), atol=1e-6
    )


def seen(puffs, eye, focal=900.0, size=(120, 160)):
    """Optical depth of puffs from `eye`, which looks along -Z at its own height less half a metre."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    rays = np.stack([(x - size[1] / 2) / focal, (y - size[0] / 2) / focal], axis=-1).astype(np.float32)
    camera = (puffs.middles - eye) * [1, -1, -1]
    boxes = np.tile(np.array([0, size[1], 0, size[0]], np.int32), (len(camera), 1))
    arrays = [
        np.ascontiguousarray(a, np.float32) for a in (camera, puffs.wide_m, puffs.high_m, puffs.masses, puffs.lit)
    ]
    ends = reach(puffs.masses, puffs.wide_m, puffs.high_m).astype(np.float32)
    free, none = np.full(size, np.inf, np.float32), np.zeros(size, np.float32)
    out = np.zeros((PARTS, *size), np.float32)
    optical_depth(rays, Clouds(*arrays, boxes), np.array([0, -1, 0], np.float32), ends, free, none, free, out)
    return out[1]


def test_gathered_dust_looks_the_same_and_never_pops():
    """From 110 m, as the camera rolls back by 10 cm a frame past the change of cells."""
    puffs = raised(fallen(2500, spread=12.0))
    eyes = [np.array([0.0, 1.0, 110.0 + 0.1 * k]) for k in range(3)]

    single, few = seen(puffs, eyes[0]), [seen(gathered(puffs, eye), eye) for eye in eyes]

    lit = single > 0.2 * single.max()
    assert np.abs(few[0] - single)[lit].mean() < 0.06 * single[lit].mean()
    own = np.abs(seen(puffs, eyes[1]) - single).mean()
    assert np.abs(few[1] - few[0]).mean() < own + 0.01 * single[lit].mean()


def test_near_dust_is_left_as_it_is():
    puffs = raised(fallen(50, spread=5.0))

    near = gathered(puffs, np.array([0.0, 2.0, 20.0]))

    np.testing.assert_array_equal(near.middles, puffs.middles)
    np.testing.assert_array_equal(near.masses, puffs.masses)


def test_none_is_none():
    nothing = Puffs(np.zeros((0, 3)), *(np.zeros(0) for _ in range(4)))

    assert not len(gathered(shaded(nothing, np.array([0.0, 1.0, 0.0])), np.zeros(3)).masses)
