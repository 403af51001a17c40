"""Identities as generators are told them."""

import pytest

from assets.people.characters import Part, load_character, recoloured
from assets.people.looks import SET_MATERIALS, character_identity, set_identity, worn
from assets.providers.conditioning import PALETTE_PARTS, TOKENS
from assets.providers.request import SetPart
from pipeline.errors import AssetError


def test_a_character_tells_the_look_of_every_part():
    identity = character_identity(load_character("legionary"))
    looks = {look.part: look for look in identity.looks}

    assert set(looks) == {int(part) for part in Part} - {Part.EMPTY, Part.BANNER, Part.BANNER_MARK}
    assert looks[Part.HELMET].metallic == 1
    assert looks[Part.TUNIC].metallic == 0


def test_who_carries_a_banner_tells_its_looks_too_and_a_generator_reads_them_all():
    looks = character_identity(load_character("standard_bearer")).looks

    assert {look.part for look in looks} == {int(part) for part in Part} - {Part.EMPTY}
    assert len(looks) <= TOKENS
    assert max(look.part for look in looks) < PALETTE_PARTS


def test_a_changed_costume_is_another_identity():
    plain = load_character("legionary")

    assert character_identity(plain) != character_identity(recoloured(plain, tunic=(0.1, 0.1, 0.3)))
    assert character_identity(plain) == character_identity(load_character("legionary"))


def test_worn_looks_are_those_of_the_parts_named():
    identity = character_identity(load_character("peasant"))

    bare = worn(identity, {Part.SKIN, Part.TUNIC})

    assert [look.part for look in bare.looks] == [Part.SKIN, Part.TUNIC]
    assert bare.name == identity.name


@pytest.mark.parametrize("material", SET_MATERIALS)
def test_every_material_covers_every_set_part(material):
    looks = {look.part: look.albedo for look in set_identity(material, SetPart).looks}

    assert set(looks) == {int(part) for part in SetPart}
    assert all(0 < value < 0.9 for albedo in looks.values() for value in albedo)


def test_parts_that_only_some_kinds_have_are_told_of_these_alone():
    """What a fortress is asked with stays what it was."""
    plain = {look.part for look in set_identity("stone").looks}

    assert plain == {SetPart.WALL, SetPart.TOP, SetPart.WOOD, SetPart.ROOF, SetPart.GROUND}
    assert {look.part for look in set_identity("stone", [SetPart.CLOTH]).looks} == plain | {SetPart.CLOTH}


def test_an_unknown_material_lists_the_known():
    with pytest.raises(AssetError, match="'cheese' is not known"):
        set_identity("cheese")
