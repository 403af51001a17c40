"""Bodies that avoid: nobody overlaps, feet follow the way walked, armies halt and fight, others are left alone."""

import numpy as np
import pytest

from assets.crowd.avoidance import RADIUS_M, avoided
from assets.crowd.avoidance import marching as mustered
from assets.crowd.members import Site, Variety, muster
from assets.crowd.shapes import inside
from assets.motion.motions import load_motion
from pipeline.crowd_sections import Override, Zone
from pipeline.kernels.crowding import overlaps

TIMES = np.arange(144) / 24
WELL = np.array([[-1.5, -1.0], [1.5, -1.0], [1.5, 1.5], [-1.5, 1.5]])


def marching(name, z, heading, changes=None, **words):
    """Twenty in ranks about (0, z)."""
    zone = Zone(name, 20, formation="phalanx", **{"motion": "march", "avoid": True, **words})
    site = Site(np.array([[-4.0, z - 2], [4.0, z - 2], [4.0, z + 2], [-4.0, z + 2]]), heading, np.zeros(2))
    return mustered(zone, site, muster(zone, site, 7, Variety()), changes or {}, TIMES, 7, Variety())


@pytest.fixture(scope="module")
def battle():
    bodies = [marching("north", -6.0, 0.0, side=1), marching("south", 6.0, np.pi, side=2)]
    return bodies, avoided(bodies, TIMES, ())


def test_nobody_overlaps_where_formations_would_walk_through_each_other():
    bodies = [marching("north", -5.0, 0.0), marching("south", 5.0, np.pi)]

    done = avoided(bodies, TIMES, ())

    plan = np.concatenate([d.plan for d in done], axis=1)
    least = [np.linalg.norm(row[:, None] - row[None], axis=-1)[np.triu_indices(40, 1)].min() for row in plan]
    assert min(least) > 2 * 0.94 * RADIUS_M - 0.005
    assert (done[0].plan[-1, :, 1] > done[1].plan[-1, :, 1]).mean() > 0.8


def test_feet_follow_the_way_that_was_really_walked(battle):
    bodies, travels = battle
    motion = load_motion("march")

    for body, done in zip(bodies, travels, strict=True):
        walking = np.array(done.motion_names)[done.motions] == "march"
        both = walking[1:] & walking[:-1]
        gone = np.linalg.norm(np.diff(done.plan, axis=0), axis=-1)
        turned = (np.diff(done.phases, axis=0) + 0.5) % 1 - 0.5
        stride = motion.cycle_s * motion.speed_mps * body.members.scales
        np.testing.assert_allclose(gone[both], (turned * stride)[both], atol=1e-4)


def test_armies_halt_before_each_other_and_the_front_ranks_fight(battle):
    _, (north, south) = battle

    doing = np.array(north.motion_names)[north.motions[-1]]
    assert set(np.array(north.motion_names)[north.motions[0]]) == {"march"}
    assert (doing == "thrust").sum() >= 4
    assert north.plan[-1, :, 1].max() < south.plan[-1, :, 1].min()


def test_nobody_changes_what_he_does_from_frame_to_frame_and_back(battle):
    for done in battle[1]:
        changes = (np.diff(done.motions.astype(int), axis=0) != 0).sum(axis=0)
        assert changes.max() <= 6


def test_a_body_goes_round_a_keep_out_area():
    done = avoided([marching("north", -6.0, 0.0, speed_mps=1.6)], TIMES, (WELL,))[0]

    assert not any(inside(row, WELL).any() for row in done.plan)


def test_who_does_not_ask_is_left_as_he_was():
    plain, asking = marching("plain", -5.0, 0.0, avoid=False), marching("south", 5.0, np.pi)

    assert avoided([plain, asking], TIMES, ())[0] is plain.travel
    assert avoided([plain], TIMES, ())[0] is plain.travel


@pytest.mark.parametrize(
    "change",
    [
        {"remove": True},
        {"character": "officer"},
        {"motion": "cheer"},
        {"motion": "run"},
        {"facing_deg": 70},
        {"scale": 1.3},
    ],
)
def test_changing_one_of_an_army_moves_no_other(battle, change):
    _, plain = battle
    override = Override(100_006, **change)
    bodies = [marching("north", -6.0, 0.0, {5: override}, side=1), marching("south", 6.0, np.pi, side=2)]

    done = avoided(bodies, TIMES, ())

    others = np.arange(20) != 5
    for name in ("plan", "yaws", "phases"):
        mine = getattr(done[0], name) if override.remove else getattr(done[0], name)[:, others]
        np.testing.assert_array_equal(mine, getattr(plain[0], name)[:, others])
        np.testing.assert_array_equal(getattr(done[1], name), getattr(plain[1], name))
    doing, before = (np.array(t.motion_names)[t.motions] for t in (done[0], plain[0]))
    np.testing.assert_array_equal(doing if override.remove else doing[:, others], before[:, others])


def test_who_is_moved_by_hand_is_avoided_by_those_around_him_alone():
    """Two paces to the front out of a block of twenty that marches; thirty metres on marches another."""
    plain = [marching("near", -5.0, 0.0), marching("far", -35.0, 0.0)]
    moved = [marching("near", -5.0, 0.0, {5: Override(100_006, move_m=(0.4, 0.5))}), marching("far", -35.0, 0.0)]

    before, after = (avoided(bodies, TIMES, ()) for bodies in (plain, moved))

    change = np.linalg.norm(after[0].plan - before[0].plan, axis=-1).max(axis=0)
    far = np.linalg.norm(before[0].plan[0] - before[0].plan[0, 5], axis=-1)
    assert change[5] > 0.3
    assert change[far > 3.0].max() < 0.02
    np.testing.assert_array_equal(before[1].plan, after[1].plan)


def shots():
    """Bodies in which people halt, are pushed aside, and are attacked."""
    return {
        "armies": [marching("north", -6.0, 0.0, side=1), marching("south", 6.0, np.pi, side=2)],
        "charged": [marching("north", -6.0, 0.0, side=1), marching("south", 2.0, np.pi, motion="brace", side=2)],
        "pushed": [marching("north", -5.0, 0.0), marching("south", 1.0, np.pi, motion="idle")],
    }


@pytest.mark.parametrize("name", ["armies", "charged", "pushed"])
def test_planted_feet_of_those_who_stand_do_not_slide_and_nobody_overlaps(name):
    bodies = shots()[name]

    done = avoided(bodies, TIMES, ())

    seen = 0
    for travels in done:
        still = np.array([load_motion(n).speed_mps == 0 for n in travels.motion_names])[travels.motions]
        both = still[1:] & still[:-1]
        slid = np.linalg.norm(np.diff(travels.plan, axis=0), axis=-1)[both]
        turned = np.abs(np.diff(travels.yaws, axis=0))[both]
        assert slid.max(initial=0) <= 1e-3
        assert turned.max(initial=0) == 0
        seen += both.sum()
    assert seen > 500
    plan = np.concatenate([d.plan for d in done], axis=1)
    radii = np.concatenate([np.minimum(RADIUS_M * b.members.scales, 0.45 * 1.1) for b in bodies])
    assert max(overlaps(places, radii)[1] for places in plan) <= 0.005


def test_who_stands_and_is_pushed_aside_takes_steps():
    bodies = shots()["pushed"]

    done = avoided(bodies, TIMES, ())[1]

    moved = np.linalg.norm(np.diff(done.plan, axis=0), axis=-1) > 0
    doing = np.array(done.motion_names)[done.motions]
    assert moved.any()
    assert set(doing[1:][moved]) == {"walk"}
    assert (doing == "idle").mean() > 0.3


def test_who_is_turned_by_hand_looks_there_when_he_halts():
    change = {5: Override(100_006, facing_deg=90)}
    bodies = [marching("north", -6.0, 0.0, change, side=1), marching("south", 6.0, np.pi, side=2)]

    done = avoided(bodies, TIMES, ())[0]

    still = np.array([load_motion(n).speed_mps == 0 for n in done.motion_names])[done.motions[:, 5]]
    np.testing.assert_allclose(done.yaws[still, 5], np.pi / 2, atol=1e-6)
    assert abs(done.yaws[0, 5]) < 0.2  # he marches as the others do
    assert np.abs(np.diff(done.yaws[:, 5])).max() < np.radians(20)


@pytest.fixture(scope="module")
def charge():
    """Two bodies that begin face to face, two metres apart, and run at each other."""
    bodies = [
        marching("red", -3.0, 0.0, side=1, motion="charge"),
        marching("blue", 3.0, np.pi, side=2, motion="charge"),
    ]
    return avoided(bodies, TIMES, ())


def test_who_has_an_enemy_within_reach_stands_and_fights(charge):
    """The last second: nobody in front of an enemy creeps round him or to the rear."""
    red, blue = charge
    rows = range(len(TIMES) - 24, len(TIMES))
    share = []
    for own, other in ((red, blue), (blue, red)):
        doing = np.array(own.motion_names)[own.motions]
        for row in rows:
            gaps = np.linalg.norm(own.plan[row][:, None] - other.plan[row][None], axis=-1).min(axis=1)
            close = (gaps > 0.85) & (gaps < 1.55)
            share += (doing[row, close] == "thrust").tolist()

    assert len(share) > 150
    assert np.mean(share) > 0.9


def test_nobody_charges_in_slow_motion(charge):
    speed = load_motion("charge").speed_mps

    for done in charge:
        names = np.array(done.motion_names)[done.motions]
        pace = np.linalg.norm(np.gradient(done.plan, TIMES, axis=0), axis=-1)
        slow = (names == "charge") & (pace < 0.3 * speed)
        assert (names == "walk").any()
        assert slow.mean() < 0.01
