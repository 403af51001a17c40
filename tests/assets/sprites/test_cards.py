"""Cards face their viewer, keep their view, and nobody is tinted like a neighbour."""

import numpy as np
import pytest

from assets.motion.motions import load_motion
from assets.sprites.atlas import VIEWS, phases_of, view_bin
from assets.sprites.cards import Agents, cover, crowding, feet_off, foot_leans, held_views, stance, tints


def test_cards_face_the_viewer_and_stay_upright():
    places = np.array([[0.0, 0.0, -5.0], [3.0, 1.0, 4.0]])

    cards = stance(places, np.array([1.0, 2.0, 0.0]), 0.1)

    axes = np.stack([cards.rights, cards.ups, cards.normals], axis=1)
    np.testing.assert_allclose(axes @ axes.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(axes), 1)
    assert (cards.ups[:, 1] > 0.99).all()
    assert (((np.array([1.0, 0, 0]) - places) * [1, 0, 1] * cards.normals).sum(axis=1) > 0).all()
    np.testing.assert_array_equal(cards.rights[:, 1], 0)


def test_view_is_held_within_its_hysteresis_and_follows_beyond_it():
    step = 2 * np.pi / VIEWS
    turning = np.array([0.0, 0.4, 0.6, 0.79, 0.85, 0.6, 0.3, 0.15])[:, None] * step

    views = view_bin(held_views(turning))[:, 0]

    np.testing.assert_array_equal(views, [0, 0, 0, 0, 1, 1, 1, 0])


def test_views_wrap_round_without_a_jump():
    around = np.linspace(np.pi - 0.02, np.pi + 0.02, 9)[:, None]
    wrapped = (around + np.pi) % (2 * np.pi) - np.pi

    assert len(np.unique(view_bin(held_views(wrapped)))) == 1


def test_tints_belong_to_the_agent_and_stay_in_their_spread():
    seeds = np.arange(500) * 7919
    none = np.zeros((1, 500), np.float32)
    doing, size = np.zeros((1, 500), np.uint8), np.ones(500)
    agents = Agents(seeds, [], [], (), doing, seeds, size, np.zeros((1, 500, 3), np.float32), none, none)
    fewer = Agents(seeds[1:], [], [], (), doing, seeds[1:], size, np.zeros((1, 499, 3), np.float32), none, none)

    colours = tints(agents, 0.12, 0.05)

    assert colours.min() > 0.88 * 0.94
    assert colours.max() < 1.12 * 1.06
    assert colours.std() > 0.04
    np.testing.assert_array_equal(colours[1:], tints(fewer, 0.12, 0.05))


def test_a_planted_foot_stays_where_it_is_while_the_body_glides_on():
    """Where the sprite shows its foot, moved by the lean, must be one place in the world through a whole step."""
    motion, heading = load_motion("march"), 0.7
    times = np.arange(24) / 24
    gone = motion.speed_mps * times
    ahead = np.array([np.sin(heading), 0, np.cos(heading)])
    phases = ((0.31 + gone / (motion.speed_mps * motion.cycle_s)) % 1)[:, None].astype(np.float32)
    places = (gone[:, None, None] * ahead).astype(np.float32)
    ids = np.array([1])
    yaws = np.full((24, 1), heading, np.float32)
    doing = np.zeros((24, 1), np.uint8)
    agents = Agents(ids, ["a"], ["legionary"], ("march",), doing, ids, np.ones(1), places, yaws, phases)

    unwrapped = 0.31 + gone / (motion.speed_mps * motion.cycle_s)
    for row in range(24):
        cards = stance(places[row].astype(float), np.array([3.0, 1.7, 20.0]), 0.0)
        shown = np.round(unwrapped[row] * phases_of("march")) / phases_of("march")
        foot = places[row, 0] - ahead * shown * motion.speed_mps * motion.cycle_s  # of the sprite, up to a constant
        right = foot_leans(feet_off(agents, row), cards, 0.0)[0, 0]
        on_card = foot @ cards.rights[0] + right
        planted = -0.31 * motion.speed_mps * motion.cycle_s * ahead @ cards.rights[0]
        assert on_card == pytest.approx(planted, abs=1e-3)


def test_cover_bounds_what_a_sprite_shows():
    sprites = np.zeros((2, 32, 16, 4), np.float32)
    sprites[0, 10:20, 3:7, 3] = 0.5

    found = cover(sprites, (8.0, 28.0), 0.1)

    np.testing.assert_allclose(found[0], [-0.5, -0.1, 0.8, 1.8], atol=1e-6)
    np.testing.assert_array_equal(found[1], 0)


def test_who_stands_alone_is_not_crowded():
    grid = np.stack(np.meshgrid(np.arange(5.0), [0.0], np.arange(5.0)), axis=-1).reshape(-1, 3)
    people = np.concatenate([grid, [[50.0, 0, 50.0]]])

    found = crowding(people)

    assert found[-1] == 0
    assert found[12] == 1
    assert found[0] == pytest.approx(3 / 8)
    assert len(crowding(people[:0])) == 0


def test_who_changes_motion_is_looked_up_in_the_motion_of_the_frame():
    doing, empty = np.array([[0, 1], [1, 1]], np.uint8), np.zeros((2, 2), np.float32)
    agents = Agents(
        np.arange(2), [], [], ("idle", "cheer"), doing, np.arange(2), np.ones(2), empty[..., None], empty, empty
    )

    assert [agents.doing(row) for row in (0, 1)] == [["idle", "cheer"], ["cheer", "cheer"]]
