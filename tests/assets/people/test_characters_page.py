"""The page on characters says what there is: every piece of kit, every size, every form, and a recipe that loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from assets.people.banners import DEVICES, FORMS, Banner, read_banner
from assets.people.characters import load_character, read_recipe
from assets.people.recipes import own_recipe
from assets.people.sizes import LIMITS
from assets.people.wardrobe import KIT

PAGE = (Path(__file__).parents[3] / "docs" / "characters.md").read_text(encoding="utf-8")


def test_every_piece_and_every_size_is_named_and_no_other():
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    pieces = {piece for row in rows for piece in re.findall(r"`(\w+)`", row[1])}
    assert pieces == set(KIT)
    for row in rows:
        told = set(re.findall(r"`(\w+)`", row[2]))
        for piece in re.findall(r"`(\w+)`", row[1]):
            assert told >= set(LIMITS.get(piece, {}))
            assert told <= {name for other in re.findall(r"`(\w+)`", row[1]) for name in LIMITS.get(other, {})}


def block_with(word):
    return next(block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if word in block)


def test_its_recipes_load_and_its_banner_is_the_usual_one(tmp_path):
    banners = block_with("[banner]")
    (tmp_path / "guard.toml").write_text(block_with("extends"))

    guard = read_recipe(tomllib.loads(block_with("[sizes]")), "guard.toml")
    banner = read_banner(tomllib.loads(banners.split("\n", 2)[2])["banner"], "x.toml")

    assert guard.sizes == (("spear", (("length_m", 2.6),)),)
    assert guard.vary == (("shield", 0.0),)
    assert own_recipe(tmp_path / "guard.toml")["kit"] == list(load_character("spearman").kit)
    assert banner == Banner()
    assert all(word in banners for word in (*FORMS, *DEVICES))


def test_the_people_it_names_exist():
    for name in re.findall(r"`(\w+_in_\w+)`", PAGE):
        assert load_character(name).name == name
