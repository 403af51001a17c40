"""Who is asked for together in a hero area, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from assets.near.area_words import parties, together
from assets.near.bodies import Bodies
from assets.providers.base import Capabilities
from assets.sprites.cards import Agents
from assets.takes.told import Telling

READS = Capabilities(guides=frozenset({"depth"}), needed=frozenset(), reads_prompt=True, reads_references=True)
PICTURES = [np.full((2, 2, 4), shade, np.float32) for shade in (0.1, 0.2)]
TOLD = {
    "archer": Telling(5, "bowmen", "blur", (PICTURES[0],)),
    "legionary": Telling(9, "", "blur", (PICTURES[1],)),
}


def bodies(variants):
    names = ["legionary", "archer", "legionary", "legionary", "archer"]
    none = np.zeros((1, 5))
    agents = Agents(
        np.arange(1, 6), names, names, ("idle",), none.astype(np.uint8), np.arange(5), np.ones(5), np.zeros((1, 5, 3)), none, none
    )  # fmt: skip
    return Bodies(agents, variants, lambda x, z: x, lambda x, z: x)


def test_a_model_that_reads_words_is_asked_once_for_all_the_most_frequent_first():
    [party] = parties(bodies(3), np.array([1, 2, 3, 5, 4]), TOLD, "in rain", READS)

    assert party.people == (1, 2, 3, 4, 5)
    assert party.everybody
    assert party.identity.name.startswith("legionary")
    words = party.telling.prompt.split("; ")
    assert words[0] == "in rain"
    assert words[1].startswith("legionary, ")
    assert "helmet" in words[1]
    assert words[2] == "bowmen"
    assert party.telling.negative == "blur"
    assert party.telling.seed == 9
    assert [picture[0, 0, 0] for picture in party.telling.references] == pytest.approx([0.2, 0.1])


def test_one_character_alone_is_told_as_ever():
    assert together(["legionary"], TOLD, "", READS) is TOLD["legionary"]


def test_who_reads_no_words_is_told_none():
    assert together(["legionary", "archer"], TOLD, "", replace(READS, reads_prompt=False)).prompt == ""


def test_who_paints_by_looks_is_asked_for_each_person_of_the_atlas_apart():
    asked = parties(bodies(3), np.array([1, 2, 3, 4]), TOLD, "", replace(READS, paints_looks=True))

    assert sorted(number for party in asked for number in party.people) == [1, 2, 3, 4]
    assert len({party.identity.name for party in asked}) == len(asked) > 1
    assert not any(party.everybody for party in asked)
    crowd = bodies(3)
    for party in asked:
        assert {(crowd.agents.characters[n - 1], crowd.variant(n - 1)) for n in party.people} == {
            (party.identity.name.split()[0], int(party.identity.name.split()[-1]))
        }
