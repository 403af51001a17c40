"""Identities in words: whoever reads only words is told what the looks say."""

from __future__ import annotations

import pytest

from assets.people.characters import load_character
from assets.people.looks import character_identity, set_identity
from assets.providers.diffusion.parts import lora_of
from assets.providers.diffusion.words import MOST_PARTS, words_of
from assets.providers.request import Identity, PartLook


def test_a_legionary_is_told_by_name_cloth_and_metal():
    identity = character_identity(load_character("legionary"))

    words = words_of(identity)

    assert words.startswith("legionary, ")
    assert "cloth tunic" in words
    assert words.count(",") == MOST_PARTS
    assert str(identity.name.split()[-1]) not in words.split(", ")[0]


def test_only_what_the_guides_show_is_told():
    looks = (PartLook(4, (0.3, 0.05, 0.035)), PartLook(15, (0.07, 0.12, 0.4)), PartLook(7, (0.5, 0.5, 0.5), metallic=1))

    assert words_of(Identity("tall_guard v2 11", looks), [4, 7]) == "tall guard, red cloth tunic, steel helmet"
    assert words_of(Identity("tall_guard v2 11", looks), []) == "tall guard"


def test_sets_are_told_by_their_pieces():
    assert words_of(set_identity("granite")).startswith("granite, grey walls, ")


@pytest.mark.parametrize(
    ("identity", "found"), [("legionary v1 7", "legionary"), ("legionary", "legionary"), ("legionary_2 v1 7", None)]
)
def test_a_lora_is_found_by_the_name_before_version_and_seed(identity, found):
    assert lora_of(identity, ["legionary", "leg"]) == found
