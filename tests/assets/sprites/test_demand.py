"""Which sprites a shot needs."""

from dataclasses import replace

import numpy as np

from assets.motion.changes import nearest, step_in
from assets.sprites.atlas import VIEWS
from assets.sprites.demand import NEAR_M, Scene, demand

# The camera stands at the origin, 1.7 m high, and looks along +Z: world x is seen to the left.
LOOKING_ALONG_Z = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 1.7], [0, 0, 1, 0], [0, 0, 0, 1]])


def scene(positions, yaws, phases=None):
    positions = np.array(positions, float)
    frames, count = positions.shape[:2]
    return Scene(
        characters=["legionary"] * count,
        motion_names=("march", "idle"),
        motions=np.zeros((frames, count), np.uint8),
        seeds=np.zeros(count, np.uint64),
        positions=positions,
        yaws=np.broadcast_to(np.array(yaws, float), (frames, count)),
        phases=np.zeros((frames, count)) if phases is None else np.array(phases, float),
        camera_from_world=np.broadcast_to(LOOKING_ALONG_Z, (frames, 4, 4)),
        tangents=np.array([[0.5, 0.3]]),
        scales=np.ones(count),
    )


def test_only_what_is_seen_is_wanted():
    """One agent faces the camera, one stands behind it, one far to the side."""
    wanted = demand(scene([[[0, 0, 20], [0, 0, -30], [90, 0, 20]]], [np.pi, 0, 0]), variants=1).wanted

    assert [(w.view, w.phase) for w in wanted] == [(0, 0)]


def test_each_phase_that_is_shown_is_wanted_once():
    still = [[0, 0, 20.0]]
    wanted = demand(scene([still] * 4, [np.pi], [[0.0], [0.25], [0.25], [0.5]]), variants=1).wanted

    assert [w.phase for w in wanted] == [0, 4, 8]


def test_who_is_never_seen_still_has_a_sprite():
    positions = [[[0, 0, 20], [0, 0, -30]]]
    both = replace(scene(positions, [np.pi, 0]), characters=["legionary", "archer"])

    assert {w.character for w in demand(both, variants=1).wanted} == {"legionary", "archer"}


def test_the_camera_above_looks_down():
    high = replace(scene([[[0, 0, 20]]], [np.pi]), camera_from_world=LOOKING_ALONG_Z[None].copy())
    high.camera_from_world[0, 1, 3] = 20.9

    assert np.isclose(demand(high, variants=1).elevation_rad, np.pi / 4)


def test_heading_goes_from_the_people_to_the_camera():
    headings = demand(scene([[[0, 0, 20]]], [np.pi]), variants=1).headings_rad

    assert headings.shape == (VIEWS,)
    assert np.allclose(np.cos(headings), -1)


def test_nobody_needs_nothing():
    nobody = scene(np.zeros((2, 0, 3)), [])

    assert demand(nobody, variants=3).wanted == ()


def test_a_motion_that_comes_later_is_wanted_in_its_own_phases():
    one = scene([[[0, 0, 20.0]]] * 3, [np.pi], [[0.5], [0.5], [0.25]])
    one.motions[2] = 1

    assert [(w.motion, w.phase) for w in demand(one, variants=1).wanted] == [("idle", 2), ("march", 8)]


def turning(frames=40, people=6):
    """People who stand and then march, each from another moment of his idling, one after the other."""
    times = np.arange(frames)[:, None] / 24
    begins = (6 + 3 * np.arange(people)) / 24
    marches = times >= begins
    gone = np.where(marches, 1.2 * (times - begins), 0)
    places = np.zeros((frames, people, 3))
    places[..., 0], places[..., 2] = np.arange(people) - people / 2, 20 - gone
    phases = np.where(marches, 0.13 * np.arange(people) + gone / 1.3, times / 4 + 0.17 * np.arange(people)) % 1
    one = scene(places, np.full(people, np.pi), phases)
    return replace(one, motions=np.where(marches, 0, 1).astype(np.uint8))


def between(wanted):
    return [each for each in wanted if each.change]


def test_everyone_who_changes_his_motion_finds_every_step_of_it():
    there = demand(turning(), variants=1, most_between=10_000)
    steps = {(w.change, w.step) for w in between(there.wanted)}
    changes = turning().changes

    painted = sorted({change for change, _ in steps})
    needed = {
        (nearest(changes.all[e], painted), step_in(nearest(changes.all[e], painted), changes.all[e], int(step)))
        for e, step in zip(changes.event[changes.event >= 0], changes.step[changes.event >= 0], strict=True)
    }

    assert needed == steps
    assert there.unlike_m <= NEAR_M


def test_changes_beyond_the_bound_share_what_is_most_like_them():
    everything = between(demand(turning(), variants=1, most_between=10_000).wanted)
    few = demand(turning(), variants=1, most_between=len(everything) // 2)

    assert 0 < len(between(few.wanted)) <= len(everything) // 2
    assert NEAR_M < few.unlike_m < 1


def test_without_room_for_one_crossing_motions_are_cut():
    cut = demand(turning(), variants=1, most_between=5)

    assert not between(cut.wanted)
    assert cut.unlike_m == np.inf


def test_sprites_of_one_width_come_together():
    widths = [each.width_px for each in demand(turning(), variants=1, most_between=500).wanted]

    assert widths == sorted(widths)
