"""Guides of a hero area show the very persons that the plate gets: each as tall and as built as on his sprites."""

import numpy as np

from assets.guides.crowd_bodies import people_at
from assets.near.area_camera import Room, Whereabouts, frame_people
from assets.near.area_guides import area_view, draw_area, guides_of, owned
from assets.near.bodies import Bodies
from assets.sprites.cards import Agents
from tests.assets.near.test_area_camera import FOCAL, view

PLACES = np.array([[[-0.6, 0.0, -7.0], [0.7, 0.0, -7.5]]])


def bodies():
    """Two peasants on flat ground, neither of them the first of his kind."""
    none = np.zeros((1, 2))
    agents = Agents(
        np.array([11, 12]), ["a.1", "a.2"], ["peasant"] * 2, ("idle",), none.astype(np.uint8), np.array([5, 2]),
        np.array([1.0, 1.05]), PLACES.astype(np.float32), none.astype(np.float32), none.astype(np.float32),
    )  # fmt: skip
    return Bodies(agents, 3, lambda x, z: 0 * x, lambda x, z: np.stack([0 * x, 0 * x + 1, 0 * x], axis=-1))


def test_each_person_stands_in_the_guides_as_his_own_body_does():
    crowd, plate = bodies(), view(np.array([0.0, 1.7, 0.0]))
    whereabouts = Whereabouts(PLACES, np.array([0.6, 0.6]), crowd.agents.scales, np.ones((1, 2), bool))
    [own] = frame_people([plate], whereabouts, FOCAL, 24, Room(1024)).cameras

    drawn = draw_area(people_at(crowd, 0, 0, np.ones(2, bool)), plate, own)
    whose = owned(drawn)

    assert min(crowd.variant(agent) for agent in (0, 1)) > 0
    for agent, number in enumerate((11, 12)):
        body = area_view(plate, own).pixels(crowd.placed(agent, 0).world())
        rows, columns = np.nonzero(whose.ids == number)
        found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        assert np.abs(found - [*body.min(axis=0), *body.max(axis=0)]).max() < 1.5


def test_one_persons_guides_leave_out_the_other():
    crowd, plate = bodies(), view(np.array([0.0, 1.7, 0.0]))
    whereabouts = Whereabouts(PLACES, np.array([0.6, 0.6]), crowd.agents.scales, np.ones((1, 2), bool))
    [own] = frame_people([plate], whereabouts, FOCAL, 24, Room(512)).cameras
    drawn = draw_area(people_at(crowd, 0, 0, np.ones(2, bool)), plate, own)

    whole, first, second = (guides_of(drawn, own, ids) for ids in (None, np.array([11]), np.array([12])))

    assert np.allclose(first.coverage + second.coverage, whole.coverage)
    for name in ("depth", "normals", "parts"):
        one, other, both = (getattr(guides, name) for guides in (first, second, whole))
        assert np.array_equal(one + other, both)
        assert not ((one != 0) & (other != 0)).any()
    assert (np.abs(first.depth) < 1.5).all()
