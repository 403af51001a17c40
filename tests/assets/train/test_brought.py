"""Samples that bring few guides: what is hidden, and how often."""

from collections import Counter

import numpy as np
import pytest

from assets.people.characters import Part, load_character
from assets.providers.request import Light
from assets.sprites.sprite import Sight
from assets.train.brought import bring, bring_some, worn_parts
from assets.train.masonry import masonry_sample
from assets.train.recipe import Recipe
from tests.sprites import sprite_request


@pytest.fixture(scope="module")
def person():
    return sprite_request(load_character("peasant"), "walk", 0.1, Sight(0.5), Light())


def test_pose_alone_shows_no_geometry_and_only_the_looks_that_are_worn(person):
    few = bring(person, {"pose"})
    parts = {look.part for look in few.identity.looks}

    assert set(few.guides.given()) == {"pose"}
    assert Part.TUNIC in parts
    assert Part.SHIELD not in parts
    assert parts == worn_parts("peasant")


def test_all_guides_leave_the_request_as_it_is(person):
    assert bring(person, person.guides.given()).digest() == person.digest()


def test_people_bring_a_pose_map_alone_as_often_as_the_recipe_says(person):
    rng, recipe = np.random.default_rng(1), Recipe()

    brought = Counter(frozenset(bring_some(person, recipe, rng).guides.given()) for _ in range(600))

    assert abs(brought[frozenset({"pose"})] / 600 - recipe.pose_alone) < 0.06
    assert abs(brought[frozenset({"pose", "depth"})] / 600 - recipe.pose_and_depth) < 0.05
    assert all(names & {"pose", "depth"} for names in brought if "coverage" not in names)


def test_sets_are_never_asked_for_by_pose_alone():
    wall, rng = masonry_sample(np.random.default_rng(3), 48, 32).request, np.random.default_rng(1)

    brought = Counter(frozenset(bring_some(wall, Recipe(), rng).guides.given()) for _ in range(300))

    assert frozenset({"pose"}) not in brought
    assert abs(brought[frozenset({"depth"})] / 300 - Recipe().depth_alone) < 0.05
