"""Facts of factions: any character in any faction's colours, the same person otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from assets.people.characters import Part, albedos, character_names, is_character, load_character
from assets.people.factions import FOLDER, faction_names, in_colours
from assets.people.mesh import posed_mesh
from pipeline.errors import AssetError

DYED = {Part.TUNIC, Part.CAPE, Part.CREST, Part.SHIELD, Part.SHIELD_MARK, Part.BANNER, Part.BANNER_MARK}


def test_there_are_factions_with_version_and_licence():
    assert {"crimson", "azure", "ochre"} <= set(faction_names())
    for name in faction_names():
        text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
        assert "\nversion = " in text
        assert '\nlicence = "CC0-1.0"' in text


@pytest.mark.parametrize("faction", faction_names())
@pytest.mark.parametrize("name", character_names())
def test_a_faction_changes_cloth_and_paint_and_nothing_else(name: str, faction: str):
    plain, worn = load_character(name), load_character(f"{name}_in_{faction}")

    changed = set(np.flatnonzero(np.any(albedos(worn) != albedos(plain), axis=1)))
    assert changed <= DYED
    assert (worn.kit, worn.height_m, worn.phenotype) == (plain.kit, plain.height_m, plain.phenotype)
    assert worn.name == f"{name}_in_{faction}"
    assert (albedos(worn)[1:] > 0.01).all()
    assert albedos(worn).max() < 0.91


def test_bodies_do_not_depend_on_the_colours():
    plain, worn = (posed_mesh(load_character(name, 4), "walk", 0.2) for name in ("archer", "archer_in_azure"))

    assert np.array_equal(plain.vertices, worn.vertices)


def test_factions_can_be_told_apart():
    """By the colour of banners and shields, further apart than two shades of one dye."""
    for part in (Part.BANNER, Part.SHIELD, Part.TUNIC):
        rows = [albedos(load_character(f"legionary_in_{name}"))[part] for name in faction_names()]
        hues = [row / row.sum() for row in rows]
        for i, one in enumerate(hues):
            assert all(np.abs(one - other).max() > 0.1 for other in hues[i + 1 :])


def test_an_unknown_faction_is_an_error_that_lists_the_known_ones():
    with pytest.raises(AssetError, match=r"faction 'mauve' is not known. Take one of: azure, crimson"):
        load_character("legionary_in_mauve")
    with pytest.raises(AssetError, match=r"'wizard' is not known"):
        load_character("wizard_in_azure")
    assert is_character("legionary_in_azure")
    assert not is_character("legionary_in_mauve")
    assert not is_character("wizard_in_azure")


def test_a_faction_keeps_what_a_recipe_says_besides():
    told = in_colours({"name": "x", "palette": {"skin": [0.3, 0.2, 0.1], "tunic": [0.1, 0.1, 0.1]}}, "azure")

    assert told["palette"]["skin"] == [0.3, 0.2, 0.1]
    assert told["palette"]["tunic"] != [0.1, 0.1, 0.1]
