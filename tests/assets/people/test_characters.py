"""Facts of character recipes."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pytest

from assets.people.characters import (
    FOLDER,
    Material,
    Part,
    albedos,
    character_names,
    load_character,
    materials,
    read_recipe,
    recoloured,
)
from pipeline.errors import AssetError


def recipe() -> dict:
    return copy.deepcopy(tomllib.loads((FOLDER / "legionary.toml").read_text(encoding="utf-8")))


def test_every_recipe_loads_and_carries_version_and_licence():
    names = character_names()

    assert {"legionary", "spearman", "archer", "officer", "peasant"} <= set(names)
    for name in names:
        character = load_character(name)
        assert character.name == name
        assert character.version >= 1
        assert character.licence


def test_an_unknown_character_is_an_error_that_lists_the_known_ones():
    with pytest.raises(AssetError, match=r"'wizard' is not known. Take one of: archer, .*legionary"):
        load_character("wizard")


def test_a_path_is_not_a_character():
    with pytest.raises(AssetError, match="is not known"):
        load_character("../characters/legionary")


def test_another_seed_is_another_person_of_the_same_kind():
    first, second = load_character("legionary", seed=1), load_character("legionary", seed=2)

    assert first.height_m != second.height_m
    assert first.palette != second.palette
    assert first.kit == second.kit
    assert load_character("legionary", seed=1) == first


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r.update(shoes="red"), "unknown key 'shoes'"),
        (lambda r: r.pop("licence"), "'licence' is missing"),
        (lambda r: r["kit"].append("jetpack"), "kit 'jetpack' is not known"),
        (lambda r: r["body"].update(height_m=[3.0, 4.0]), "body.height_m"),
        (lambda r: r["body"].update(wings=1.0), "body.wings is not a phenotype"),
        (lambda r: r["palette"].update(tunic=[0.1, 2.0, 0.1]), "palette.tunic"),
        (lambda r: r.update(materials={"cuirass": "jelly"}), "materials.cuirass = 'jelly' is not understood"),
        (lambda r: r["palette"].update(halo=[0.1, 0.1, 0.1]), "palette.halo is not a part"),
    ],
)
def test_a_wrong_recipe_is_an_error_that_names_the_field(change, told: str):
    wrong = recipe()
    change(wrong)

    with pytest.raises(AssetError, match=rf"legionary.toml: .*{told}|legionary.toml: {told}"):
        read_recipe(wrong, "legionary.toml")


def test_albedos_are_physical():
    for name in character_names():
        table = albedos(load_character(name, seed=5))
        assert table.shape == (len(Part), 3)
        assert (table[1:] > 0.01).all()
        assert (table < 0.91).all()
        assert (table[Part.EMPTY] == 0).all()


def test_a_recipe_may_change_what_a_part_is_made_of():
    assert materials(load_character("legionary"))[Part.CUIRASS] == Material.METAL
    assert materials(load_character("spearman"))[Part.CUIRASS] == Material.LEATHER


def test_recolouring_changes_the_named_parts_only():
    legionary = load_character("legionary")

    blue = recoloured(legionary, tunic=(0.05, 0.06, 0.2))

    changed = np.any(albedos(blue) != albedos(legionary), axis=1)
    assert list(np.flatnonzero(changed)) == [Part.TUNIC]


def test_part_numbers_are_for_ever():
    """Trained models and stored guides carry these numbers: extend the list, never renumber it."""
    assert [part.name for part in Part] == [
        "EMPTY", "SKIN", "HAIR", "EYES", "TUNIC", "TROUSERS", "CAPE", "HELMET", "CREST", "CUIRASS", "STRIPS", "GREAVES",
        "BOOTS", "BELT", "BRACERS", "SHIELD", "SHIELD_MARK", "SHIELD_TRIM", "SHAFT", "BLADE", "HILT", "BOW", "QUIVER",
        "BANNER", "BANNER_MARK",
    ]  # fmt: skip
    assert [part.value for part in Part] == list(range(25))
