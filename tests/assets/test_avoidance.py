"""Bodies that avoid: nobody overlaps, feet follow the way walked, armies halt and fight, others are left alone."""

import numpy as np
import pytest

from assets.avoidance import RADIUS_M, Marching, avoided
from assets.crowd import Site, Variety, muster
from assets.motions import load_motion
from assets.shapes import inside
from assets.travel import travel
from pipeline.sections import Zone

TIMES = np.arange(144) / 24
WELL = np.array([[-1.5, -1.0], [1.5, -1.0], [1.5, 1.5], [-1.5, 1.5]])


def marching(name, z, heading, **words):
    """Twenty in ranks about (0, z)."""
    zone = Zone(name, 20, formation="phalanx", motion="march", **{"avoid": True, **words})
    site = Site(np.array([[-4.0, z - 2], [4.0, z - 2], [4.0, z + 2], [-4.0, z + 2]]), heading, np.zeros(2))
    members = muster(zone, site, 7, Variety())
    return Marching(zone, members, travel(zone, site, members, TIMES, 7, Variety()))


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
