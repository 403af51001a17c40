"""Cues and ways: who waits stands, who starts does not slide, waves run as fast as told, clips run once."""

from dataclasses import replace

import numpy as np
import pytest

from assets.crowd.cues import begins_s, first_phases, under_way_s
from assets.crowd.members import Site, Variety, muster, overridden
from assets.crowd.shapes import headings
from assets.crowd.travel import travel
from assets.motion.motions import MOTIONS, load_motion
from assets.sprites.atlas import HELD
from pipeline.crowd_sections import Override, Ripple, Wave, Zone
from pipeline.errors import AssetError

FIELD = np.array([[-12.0, -8.0], [12.0, -8.0], [12.0, 8.0], [-12.0, 8.0]])
TIMES = np.arange(72) / 24
SITE = Site(FIELD, 0.3, np.zeros(2))
BEND = np.array([[0.0, 8.0], [0.0, 20.0], [14.0, 26.0]])


def go(zone, site=SITE, variety=None, change=None):
    variety = variety or Variety()
    members = muster(zone, site, 7, variety)
    if change:
        members = overridden(members, change)
    return members, travel(zone, site, members, TIMES, 7, variety)


def names(done):
    return np.array(done.motion_names)[done.motions]


def begun_at(done, motion):
    """(N,) seconds of the first frame on which each does `motion`."""
    return TIMES[(names(done) == motion).argmax(axis=0)]


def test_who_waits_stands_and_who_has_begun_walks():
    _, done = go(Zone("z", 40, motion="march", start_frame=1013), replace(SITE, start_s=0.5))

    doing, moved = names(done), np.linalg.norm(np.diff(done.plan, axis=0), axis=-1)
    assert set(doing[0]) == {"idle"}
    assert set(doing[-1]) == {"march"}
    assert (moved[doing[1:] == "idle"] == 0).all()
    assert ((begun_at(done, "march") >= 0.5) & (begun_at(done, "march") < 0.5 + 0.3 + 1 / 24)).all()
    assert moved[-1].mean() * 24 == pytest.approx(1.3, rel=0.1)


def test_a_start_from_standing_is_no_jerk():
    _, done = go(Zone("z", 40, motion="march", start_frame=1013), replace(SITE, start_s=0.5))

    jolts = np.linalg.norm(np.diff(done.plan, 2, axis=0), axis=-1) * 24**2

    assert np.percentile(jolts, 99.9) < 3.0


def test_feet_of_late_starters_stay_locked_to_the_ground():
    members, done = go(Zone("z", 40, motion="march", start_spread_s=1.0))

    motion = load_motion("march")
    both = (names(done)[1:] == "march") & (names(done)[:-1] == "march")
    gone = np.linalg.norm(np.diff(done.plan, axis=0), axis=-1)
    turned = (np.diff(done.phases, axis=0) + 0.5) % 1 - 0.5
    np.testing.assert_allclose(
        gone[both], (turned * motion.cycle_s * motion.speed_mps * members.scales)[both], atol=5e-5
    )


def test_a_walker_starts_at_the_step_nearest_to_how_it_stood():
    from assets.motion.gaits import Build
    from assets.motion.motions import Grip

    build = Build(leg_m=0.86, hip_m=0.117, ankle_m=0.08, heel_m=0.06, ball_m=0.15, height_m=1.75)
    first = first_phases("idle", "march", np.array([0.0]))[0]
    gap = {
        phase: abs(load_motion("march").pose(phase, build, Grip()).left_leg.ankle[2])
        + abs(load_motion("march").pose(phase, build, Grip()).right_leg.ankle[2])
        for phase in (first, first + 0.25)
    }

    assert gap[first] < gap[first + 0.25]


def test_a_wave_runs_over_the_zone_as_fast_as_told():
    zone = Zone("z", 200, motion="cheer", wave=Wave(90.0, 10.0))

    members, done = go(zone, variety=Variety(late_s=0.0))

    due = (members.starts[:, 0] + 12) / 10
    np.testing.assert_allclose(begun_at(done, "cheer"), due, atol=1 / 24 + 1e-6)


def test_a_ripple_runs_from_its_point():
    zone = Zone("z", 200, motion="cheer", ripple=Ripple(from_m=(3.0, 1.0), speed_mps=8.0))

    members, done = go(zone, replace(SITE, ripple_m=np.array([3.0, 1.0])), Variety(late_s=0.0))

    due = np.linalg.norm(members.starts - [3, 1], axis=1) / 8
    np.testing.assert_allclose(begun_at(done, "cheer"), due, atol=1 / 24 + 1e-6)


def test_a_zone_without_a_cue_is_in_the_middle_of_it():
    _, done = go(Zone("z", 40, motion="cheer"))

    assert done.motion_names == ("cheer",)
    assert len(np.unique(done.phases[0].round(3))) > 30
    assert begins_s(Zone("z", 4), np.zeros((4, 2)), FIELD, None, np.arange(4), 1, 0.3) is None


def test_motions_are_mixed_by_weight_and_a_lower_count_changes_nobodys():
    zone = Zone("z", 200, motions={"cheer": 3, "idle": 1})

    many, fewer = go(zone)[0], go(replace(zone, count=150))[0]

    assert many.motions.count("cheer") == pytest.approx(150, abs=20)
    assert many.motions[:150] == fewer.motions


def test_a_clip_runs_once_and_holds_its_end():
    clip = next(name for name, motion in sorted(MOTIONS.items()) if not motion.loops)
    _, done = go(Zone("z", 30, motion=clip, start_frame=1001))

    mine = names(done) == clip
    steps = np.diff(done.phases, axis=0)[mine[1:] & mine[:-1]]
    assert (steps >= 0).all()
    assert done.phases[mine].max() <= HELD + 1e-6
    late = TIMES[:, None] > load_motion(clip).cycle_s + 0.4
    if late.any():
        np.testing.assert_allclose(done.phases[late[:, 0]], HELD, atol=1e-6)


def test_a_body_wheels_along_its_path_and_no_one_walks_backwards():
    zone = Zone("z", 48, motion="march", path_m=((0, 4), (0, 12), (14, 12)), speed_mps=5.0)
    polygon = np.array([[-4.0, 0.0], [4.0, 0.0], [4.0, 8.0], [-4.0, 8.0]])
    site = Site(polygon, 0.0, np.zeros(2), path_m=np.array(zone.path_m, float))

    members, done = go(zone, site, Variety(facing_spread_deg=0.0, sway_m=0.0))

    np.testing.assert_allclose(done.plan[0], members.starts, atol=1e-6)
    steps = np.diff(done.plan, axis=0)
    assert (np.cos(headings(steps) - done.yaws[1:]) > 0.9).all()
    assert headings(steps[-1].mean(axis=0)) > 1.2
    apart = np.linalg.norm(done.plan[-1][:, None] - done.plan[-1][None], axis=-1)
    before = np.linalg.norm(members.starts[:, None] - members.starts[None], axis=-1)
    np.testing.assert_allclose(apart, before, atol=1e-6)  # it wheels as one


def test_a_file_walks_round_the_corner_of_its_path():
    zone = Zone("z", 12, formation="path", motion="walk", path_m=tuple(map(tuple, BEND)), speed_mps=2.5)

    _, done = go(zone, Site(FIELD[:0], 0.0, np.zeros(2), path_m=BEND), Variety(facing_spread_deg=0.0))

    assert done.plan[-1, -1, 0] > 5
    assert np.cos(headings(done.plan[-1, -1] - done.plan[-2, -1]) - done.yaws[-1, -1]) > 0.99
    gaps = np.linalg.norm(np.diff(done.plan[-1], axis=0), axis=1)
    np.testing.assert_allclose(gaps, 1.1, atol=0.4)


def test_an_override_changes_one_agent_and_no_other():
    zone = Zone("z", 60, motion="march", characters={"legionary": 1, "archer": 1})
    plain_members, plain = go(zone)
    change = Override(100_012, move_m=(0.5, -1.0), character="officer", motion="idle", facing_deg=90, scale=1.1)

    members, done = go(zone, change={11: change})

    others = np.arange(60) != 11
    for name in ("plan", "yaws", "phases"):
        np.testing.assert_array_equal(getattr(done, name)[:, others], getattr(plain, name)[:, others])
    np.testing.assert_array_equal(names(done)[:, others], names(plain)[:, others])
    assert [members.characters[i] for i in np.flatnonzero(others)] == [
        plain_members.characters[i] for i in np.flatnonzero(others)
    ]
    assert members.characters[11] == "officer"
    assert members.scales[11] == 1.1
    np.testing.assert_allclose(done.plan[:, 11], np.broadcast_to(plain.plan[0, 11] + [0.5, -1.0], (72, 2)))
    np.testing.assert_allclose(done.yaws[:, 11], np.pi / 2)


def test_who_is_turned_by_hand_walks_where_he_looks():
    _, done = go(Zone("z", 20, motion="march"), change={4: Override(100_005, facing_deg=-90)})

    assert headings(done.plan[-1, 4] - done.plan[0, 4]) == pytest.approx(-np.pi / 2)


def test_full_speed_is_reached_softly_and_then_kept():
    since = np.linspace(-1, 3, 401)

    way = 4.0 * under_way_s(since, np.array(4.0))

    assert (way[since <= 0] == 0).all()
    assert np.diff(way, 2).max() / 0.01**2 <= 2.5 + 1e-6
    assert np.diff(way)[-1] / 0.01 == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("change", "site", "words"),
    [
        ({"speed_mps": 1.0}, SITE, "'idle' stays on the spot"),
        ({"motion": "cheer", "start_frame": 1005, "waits": "march"}, SITE, "waits = 'march' walks away"),
        ({}, replace(SITE, path_m=BEND), "its path is to be walked"),
        ({"motion": "march", "facing": "camera"}, replace(SITE, path_m=BEND), "looks along it"),
        ({"motions": {"idle": 0.0}}, SITE, "the weights of its motions add up to 0"),
        ({"motion": "levitate"}, SITE, "motion 'levitate' is not known"),
    ],
)
def test_motions_that_do_not_go_together_are_named(change, site, words):
    with pytest.raises(AssetError, match=words):
        go(Zone("z", 10, **change), site)
