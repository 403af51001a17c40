"""Takes of a painter that paints by looks: other dyes, the same person; alike in all that is asked of a take."""

from __future__ import annotations

import numpy as np
import pytest

from assets.people.characters import Part, load_character, read_recipe, shipped_recipe
from assets.people.looks import character_identity
from assets.providers.base import Capabilities
from assets.providers.request import Light
from assets.sprites.likeness import lab_of
from assets.sprites.sprite import Sight
from assets.takes.sheet import sheet_requests
from assets.takes.telling import telling_of
from assets.takes.variation import dyed, dyes_of
from pipeline.errors import AssetError
from tests.sprites import sprite_request

BY_LOOKS = Capabilities(frozenset(), frozenset(), paints_looks=True)
TAKES = range(1, 9)


def labs(character, number):
    looks = dyed(character_identity(character), dyes_of(character, number)).looks
    return {Part(look.part): lab_of(np.array(look.albedo)) for look in looks}


def test_the_first_take_is_the_recipe_and_others_are_other_dyes():
    """Apart as dyes of one cloth are, about 10, for most pairs of takes; skin is nobody's to change."""
    who = load_character("legionary")
    takes = [labs(who, number) for number in TAKES]

    assert dyes_of(who, 1) == ()
    assert dyed(character_identity(who), ()) == character_identity(who)
    apart = [
        np.linalg.norm(one[Part.TUNIC] - other[Part.TUNIC]) for i, one in enumerate(takes) for other in takes[i + 1 :]
    ]
    assert np.median(apart) > 8
    assert max(apart) < 40
    assert all(np.array_equal(take[Part.SKIN], takes[0][Part.SKIN]) for take in takes)


def test_a_faction_is_known_by_its_colours_in_every_take():
    """No azure tunic comes nearer to crimson than to azure."""
    azure, crimson = (load_character(f"legionary_in_{colours}") for colours in ("azure", "crimson"))
    home, foe = labs(azure, 1)[Part.TUNIC], labs(crimson, 1)[Part.TUNIC]

    for number in TAKES:
        tunic = labs(azure, number)[Part.TUNIC]
        assert np.linalg.norm((tunic - home)[1:]) < np.linalg.norm((tunic - foe)[1:])


def test_a_recipe_says_what_no_take_changes():
    table = {**shipped_recipe("legionary"), "vary": {"tunic": 0, "hair": 0.2}}

    quiet = read_recipe(table, "legionary.toml")

    assert Part.TUNIC not in {dye.part for dye in dyes_of(quiet, 3)}
    assert Part.SHIELD in {dye.part for dye in dyes_of(quiet, 3)}
    for wrong in ({"wings": 1}, {"tunic": 2}, {"tunic": "much"}):
        with pytest.raises(AssetError, match=f"vary.{next(iter(wrong))} = .* is not understood"):
            read_recipe({**table, "vary": wrong}, "legionary.toml")


def test_a_take_is_alike_in_all_that_is_asked_of_it():
    """On its sheet and in any shot: other motion, view, light and person, by the same dyes of each one's own cloth."""
    who, other = load_character("peasant"), load_character("peasant", 2)
    told = telling_of(who, BY_LOOKS, 3, "t03")

    sheet = sheet_requests(who, told, 1)
    sprite = told.told(sprite_request(other, "walk", 0.3, Sight(1.0), Light((0.0, -1.0, 0.0))))

    assert len({request.identity for request in sheet}) == 1
    assert sheet[0].identity != character_identity(who)
    plain = character_identity(other)
    assert sprite.identity == dyed(plain, dyes_of(who, 3))
    gains = [np.divide(a.albedo, b.albedo) for a, b in zip(sprite.identity.looks, plain.looks, strict=True)]
    assert max(np.ptp(gain) for gain in gains) > 0.01


def test_who_does_not_paint_by_looks_is_asked_what_he_was_always_asked():
    """Answers that were paid for are found again."""
    assert telling_of(load_character("peasant"), Capabilities(frozenset(), frozenset()), 3, "t03").dyes == ()
