"""Walks of a few hundred people: nobody overlaps, passes a wall or an enemy; equal inputs give equal bytes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assets.crowd.drill import along, wheel
from assets.crowd.simulation import IN_CONTACT, MOVING, STANDING, Steering, simulate
from pipeline.errors import AssetError
from pipeline.kernels.crowding import overlaps
from pipeline.kernels.detour import nearest_wall

RATE = 24
SPACING = 1.1


def times(seconds):
    return np.arange(round(seconds * RATE)) / RATE


def block(files, ranks):
    """Offsets (N, 2) ahead, right of a body; row r * files + f."""
    file, rank = np.meshgrid(np.arange(files), np.arange(ranks))
    return np.stack([-rank.ravel() * SPACING, (file.ravel() - (files - 1) / 2) * SPACING], axis=1)


def marching(places, velocity, at_s, lasts_s=np.inf):
    """Slots (F, N, 2) that go straight on for `lasts_s`."""
    return places + np.minimum(at_s, lasts_s)[:, None, None] * np.asarray(velocity)


def radii(slots):
    return np.full(slots.shape[1], 0.25)


def armies(seconds, files=20, ranks=10, speed=1.4):
    a = block(files, ranks)
    ours, theirs = np.stack([a[:, 1], a[:, 0] - 4], 1), np.stack([a[:, 1] + 0.3, 4 - a[:, 0]], 1)
    at_s = times(seconds)
    slots = np.concatenate([marching(ours, (0, speed), at_s), marching(theirs, (0, -speed), at_s)], axis=1)
    return slots, np.repeat([1, 2], len(a)), at_s


@pytest.fixture(scope="module")
def battle():
    slots, foes, at_s = armies(10)
    return simulate(slots[0], slots, radii(slots), at_s, foes=foes), slots


def accelerations(plan):
    return np.linalg.norm(np.diff(plan, 2, axis=0), axis=-1) * RATE**2


def nothing_overlaps(walked, sizes):
    return max(overlaps(places, sizes)[1] for places in walked.plan) <= 0.005


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("plan", "yaws", "speeds", "states"))


def test_a_wheeling_line_keeps_its_slots_within_a_third_of_its_spacing():
    at_s = times(8)
    slots = wheel(block(10, 6), at_s, turn_rad=np.radians(50), begin_s=1)

    walked = simulate(slots[0], slots, radii(slots), at_s)

    error = np.linalg.norm(walked.plan - slots, axis=-1)
    assert np.sqrt((error**2).mean()) < 0.3 * SPACING
    assert np.percentile(accelerations(walked.plan), 99) < 6
    assert nothing_overlaps(walked, radii(slots))


def test_a_marching_column_keeps_its_slots_within_a_tenth_of_its_spacing():
    at_s = times(8)
    slots = along([[0, 0], [0, 8], [9, 12]], block(4, 12), at_s)

    walked = simulate(slots[0], slots, radii(slots), at_s)

    error = np.linalg.norm(walked.plan - slots, axis=-1)
    assert np.sqrt((error**2).mean()) < 0.1 * SPACING
    assert np.percentile(accelerations(walked.plan), 99) < 6


def test_two_armies_halt_before_each_other_and_hold_the_line(battle):
    walked, _ = battle
    ours, theirs = walked.plan[-1, :200], walked.plan[-1, 200:]

    fronts = np.linalg.norm(ours[:20, None] - theirs[None, :20], axis=-1).min(axis=1)

    assert np.abs(fronts - Steering().reach_m).max() < 0.6  # front men, each to his nearest enemy
    assert (walked.states[-1, :20] == IN_CONTACT).mean() > 0.7
    assert walked.speeds[-1].max() < 0.1
    assert set(np.unique(walked.states[-1])) == {STANDING, IN_CONTACT}
    assert (walked.states[0] == MOVING).all()


def test_nobody_walks_through_the_enemy(battle):
    walked, _ = battle

    # File by file: wherever two are nearly abreast, ours is before theirs.
    for places in walked.plan[::12]:
        ours, theirs = places[:200], places[200:]
        abreast = np.abs(ours[:, None, 0] - theirs[None, :, 0]) < 0.8
        assert (theirs[None, :, 1] - ours[:, None, 1])[abreast].min() > 0.8


def test_ranks_behind_the_front_close_up_and_queue(battle):
    walked, _ = battle
    depth = walked.plan[-1, :200, 1].reshape(10, 20)

    gaps = depth[:-1] - depth[1:]

    assert gaps.min() > 0.75
    assert np.ptp(np.median(gaps, axis=1)) < 0.1  # no rank runs up on the one before it
    assert np.median(gaps) == pytest.approx(Steering().close_up_m, abs=0.1)


def test_both_fronts_look_at_each_other(battle):
    walked, _ = battle
    yaws = walked.yaws[-1]

    assert np.cos(yaws[:20]).min() > 0.8
    assert np.cos(yaws[200:220] - np.pi).min() > 0.8


def test_armies_that_meet_neither_overlap_nor_jerk(battle):
    walked, slots = battle

    assert nothing_overlaps(walked, radii(slots))
    assert np.percentile(accelerations(walked.plan), 99) < 6


def test_a_charge_is_braked_before_the_enemy():
    slots, foes, at_s = armies(4, files=6, ranks=3, speed=3.5)

    walked = simulate(slots[0], slots, radii(slots), at_s, foes=foes)

    gap = np.linalg.norm(walked.plan[:, :18, None] - walked.plan[:, None, 18:], axis=-1)
    assert gap.min() > 0.7 * Steering().reach_m


def test_men_whose_enemy_is_gone_march_on():
    """An army alone, marked as a side, is not halted by its own."""
    at_s = times(3)
    slots = marching(block(5, 4), (0, 1.4), at_s)

    walked = simulate(slots[0], slots, radii(slots), at_s, foes=np.ones(20))

    np.testing.assert_allclose(walked.plan, slots, atol=0.02)


def test_two_groups_pass_each_other_in_a_corridor():
    at_s = times(14)
    a = np.stack(np.meshgrid(np.arange(4) * 0.9 - 1.35, np.arange(3) * 0.9), -1).reshape(-1, 2)
    slots = np.concatenate([marching(a - [0, 8], (0, 1.3), at_s, 11), marching(a - [-0.1, -6], (0, -1.3), at_s, 11)], 1)
    walls = [[(3, -30), (4, -30), (4, 30), (3, 30)], [(-4, -30), (-3, -30), (-3, 30), (-4, 30)]]

    walked = simulate(slots[0], slots, radii(slots), at_s, keep_out=walls)

    assert nothing_overlaps(walked, radii(slots))
    assert np.abs(walked.plan[..., 0]).max() < 3 - 0.25 + 1e-3
    assert walked.plan[-1, :12, 1].min() > walked.plan[-1, 12:, 1].max()  # all have come past each other


def test_crossing_groups_do_not_overlap_and_find_their_slots_again():
    at_s = times(13)
    a = block(5, 5)
    slots = np.concatenate([marching(a - [0, 7], (0, 1.4), at_s, 10), marching(a - [7, 0], (1.4, 0), at_s, 10)], axis=1)

    walked = simulate(slots[0], slots, radii(slots), at_s)

    assert nothing_overlaps(walked, radii(slots))
    assert np.linalg.norm(walked.plan[-1] - slots[-1], axis=-1).max() < 0.4
    assert np.percentile(accelerations(walked.plan), 99) < 6


def test_a_body_flows_round_a_keep_out_area_and_forms_again():
    at_s = times(20)
    slots = marching(block(6, 4) - [0, 6], (0, 1.4), at_s, 12)
    tower = np.array([(-1.2, -1), (1.5, -1.3), (1.2, 1.4), (-1, 1)])

    walked = simulate(slots[0], slots, radii(slots), at_s, keep_out=[tower])

    depths = [nearest_wall(x, z, tower, 0, 4)[0] for x, z in walked.plan.reshape(-1, 2)]
    late = np.linalg.norm(walked.plan[-1] - slots[-1], axis=-1)
    assert min(depths) > 0.25 - 0.005
    assert np.sort(late)[-4] < 0.3  # all but a few who still thread their way through those who stand
    assert late.max() < 4
    assert nothing_overlaps(walked, radii(slots))


def test_the_order_of_people_changes_nothing():
    slots, foes, at_s = armies(3, files=6, ranks=4)
    slots = slots + np.random.default_rng(2).normal(0, 0.1, slots.shape[1:])
    order = np.random.default_rng(1).permutation(slots.shape[1])

    one = simulate(slots[0], slots, radii(slots), at_s, foes=foes)
    two = simulate(slots[0, order], slots[:, order], radii(slots), at_s, foes=foes[order])

    assert np.array_equal(one.plan[:, order], two.plan)
    assert np.array_equal(one.yaws[:, order], two.yaws)
    assert np.array_equal(one.states[:, order], two.states)


def test_equal_inputs_give_equal_bytes():
    slots, foes, at_s = armies(3, files=6, ranks=4)

    assert same(*(simulate(slots[0], slots, radii(slots), at_s, foes=foes) for _ in range(2)))


@pytest.mark.parametrize("at", [48, 49, 50])  # between two choices too
def test_a_walk_goes_on_where_another_ended_with_the_same_bytes(at):
    slots, foes, at_s = armies(4, files=6, ranks=4)
    whole = simulate(slots[0], slots, radii(slots), at_s, foes=foes)

    first = simulate(slots[0], slots[: at + 1], radii(slots), at_s[: at + 1], foes=foes)
    rest = simulate(slots[at], slots[at:], radii(slots), at_s[at:], foes=foes, since=first.end)

    for name in ("plan", "yaws", "speeds", "states"):
        both = np.concatenate([getattr(first, name), getattr(rest, name)[1:]])
        assert np.array_equal(both, getattr(whole, name)), name


def test_one_man_less_far_away_moves_nobody_else():
    at_s = times(2)
    near = marching(block(4, 4), (0, 1.4), at_s)
    far = marching(np.array([[60.0, 41.0]]), (0, 1.4), at_s)
    slots = np.concatenate([near, far], axis=1)
    begin = slots[0] + np.random.default_rng(3).normal(0, 0.2, slots.shape[1:])

    with_him = simulate(begin, slots, radii(slots), at_s)
    without = simulate(begin[:-1], near, radii(near), at_s)

    assert np.array_equal(with_him.plan[:, :-1], without.plan)


def test_nobody_is_faster_than_allowed():
    at_s = times(3)
    slots = marching(block(3, 3), (0, 9), at_s)

    walked = simulate(slots[0], slots, radii(slots), at_s, Steering(fastest_mps=2.0))

    assert walked.speeds.max() <= 2.0 + 1e-6


def test_people_look_where_they_walk_and_keep_looking_when_they_stand():
    at_s = times(4)
    slots = marching(block(2, 2), (1.4, 0), at_s, 1.5)

    walked = simulate(slots[0], slots, radii(slots), at_s)

    np.testing.assert_allclose(walked.yaws, np.pi / 2, atol=0.05)
    assert (walked.states[-1] == STANDING).all()


def test_who_starts_in_another_is_pushed_apart_on_the_first_frame():
    slots = np.zeros((2, 5, 2))

    walked = simulate(slots[0], slots, radii(slots), times(2 / RATE))

    assert overlaps(walked.plan[0], radii(slots))[1] < 0.005


def test_nobody_at_all_is_a_walk_too():
    assert simulate(np.zeros((0, 2)), np.zeros((3, 0, 2)), np.zeros(0), [0, 1, 2]).plan.shape == (3, 0, 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"slots": np.zeros((2, 4, 2))}, "slots is"),
        ({"radii": np.full(3, np.nan)}, "radii holds"),
        ({"radii": np.zeros(3)}, "radii must be"),
        ({"times_s": [1.0, 1.0]}, "must rise"),
        ({"foes": [1, 2]}, "foes is"),
        ({"keep_out": [[(0, 0), (1, 1)]]}, "three corners"),
    ],
)
def test_wrong_inputs_are_named(change, words):
    given = {"starts": np.zeros((3, 2)), "slots": np.zeros((2, 3, 2)), "radii": np.full(3, 0.2), "times_s": [0, 1.0]}

    with pytest.raises(AssetError, match=words):
        simulate(**(given | change))


def test_steering_is_checked_where_it_is_built():
    with pytest.raises(AssetError, match="lag_s"):
        Steering(lag_s=0)


def test_the_number_of_threads_changes_no_byte():
    """Armies that meet, in processes of one and of three threads."""
    code = (
        "import hashlib, sys; sys.path.insert(0, 'tests/assets/crowd'); import test_simulation as t;"
        "slots, foes, at_s = t.armies(5, files=10, ranks=8);"
        "w = t.simulate(slots[0], slots, t.radii(slots), at_s, foes=foes);"
        "print(hashlib.sha256(b''.join(getattr(w, n).tobytes() for n in ('plan', 'yaws', 'states'))).hexdigest())"
    )
    root = Path(__file__).parents[3]

    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env=os.environ | {"NUMBA_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "3")
    ]

    assert len(found[0].strip()) == 64
    assert found[0] == found[1]
