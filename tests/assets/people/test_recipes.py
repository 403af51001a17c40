"""Recipes of a show's own: whole, by content, and never in a shipped one's place without saying so."""

from __future__ import annotations

import numpy as np
import pytest

from assets.people.characters import is_character, load_character, recipe_digest, spoken
from assets.people.recipes import bring, called, learn_own, learn_recipes, own_recipe
from pipeline.errors import AssetError

PLAIN = 'name = "guard"\nversion = 1\nlicence = "CC0-1.0"\nkit = ["tunic", "boots"]\n[body]\nheight_m = [1.7, 1.8]\n'


def recipe(folder, text, name="guard"):
    file = folder / f"{name}.toml"
    file.write_text(text)
    return file


def test_what_it_builds_on_is_joined_key_by_key(tmp_path):
    table = own_recipe(recipe(tmp_path, 'extends = "legionary"\nname = "guard"\nversion = 2\n[palette]\nskin = [0.1, 0.1, 0.1]\n'))  # fmt: skip
    base = load_character("legionary")

    assert table["palette"]["skin"] == [0.1, 0.1, 0.1]
    assert table["palette"]["cuirass"] == [0.36, 0.345, 0.33]
    assert (tuple(table["kit"]), table["version"], "extends" in table) == (base.kit, 2, False)


def test_one_that_ships_is_changed_for_the_show_alone(tmp_path):
    recipe(
        tmp_path,
        'extends = "legionary"\nname = "legionary"\nversion = 7\n[palette]\ntunic = [0.3, 0.3, 0.0]\n',
        "legionary",
    )
    shipped = load_character("legionary")

    own = learn_own(tmp_path)

    assert load_character("legionary") == shipped
    mine = load_character(called("legionary", own))
    assert (mine.name, mine.version, dict(mine.palette)["tunic"]) == ("legionary", 7, (0.3, 0.3, 0.0))
    azure = load_character(called("legionary_in_azure", own))
    assert (azure.name, azure.version) == ("legionary_in_azure", 7)
    assert spoken(called("legionary_in_azure", own)) == "legionary_in_azure"
    assert spoken(own["legionary"]) == "legionary"
    assert not is_character(f"{own['legionary']}_in_mauve")


def test_a_layouts_copy_is_the_same_by_content(tmp_path):
    """Whatever comes to stand beside it, and however it is written."""
    file = recipe(tmp_path, PLAIN)
    own = learn_own(tmp_path)
    before = recipe_digest(own["guard"])

    copied = learn_recipes(bring([file], tmp_path / "layout"))
    recipe(tmp_path, "# a comment\n" + PLAIN)

    assert copied == own == learn_own(tmp_path)
    assert recipe_digest(copied["guard"]) == before
    recipe(tmp_path, PLAIN.replace("1.8]", "1.9]"))
    assert learn_own(tmp_path) != own
    assert load_character(own["guard"], 5).height_m <= 1.8


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (PLAIN, "archer", r'its name is \'guard\'. Write name = "archer"'),
        (PLAIN.replace("guard", "archer"), "archer", 'ships has this name. Rename it, or write extends = "archer"'),
        (PLAIN.replace("guard", "men_in_black"), "men_in_black", "'_in_' in a name joins"),
        ('extends = "dragon"\n' + PLAIN, "guard", "extends 'dragon', which does not ship. Take one of: archer"),
        ('extends = "archer"\nname = "guard"\n', "guard", "'version' is missing"),
        (PLAIN.replace('"boots"', '"wings"'), "guard", "kit 'wings' is not known"),
        (PLAIN + "[", "guard", "is no recipe"),
        ('references = ["front.png"]\n' + PLAIN, "guard", "reference 'front.png' is no"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path, text, name, words):
    file = recipe(tmp_path, text, name)

    with pytest.raises(AssetError, match=words) as refused:
        own_recipe(file)

    assert str(file) in str(refused.value)


def test_a_picture_decides_by_its_content(tmp_path):
    from pipeline.io.images import write_png

    told = 'references = ["front.png"]\n' + PLAIN + '[consent]\nshown = "A"\ngiven_by = "A"\nuntil = 2127-01-01\n'
    file, names = recipe(tmp_path, told), []

    for grey in (50, 60):
        write_png(tmp_path / "front.png", np.full((4, 4, 3), grey, np.uint8))
        names.append(learn_own(tmp_path)["guard"])

    assert names[0] != names[1]
    copied = learn_recipes(bring([file], tmp_path / "layout"))
    assert copied["guard"] == names[1]
    assert load_character(names[1]).direction.references[0].parent.name == names[1]
