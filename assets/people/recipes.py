"""Characters of a show's own: recipes in characters/ beside show.toml, and how layouts carry them to the stages after them.

A layout keeps each recipe that its people need as NAME.DIGEST/recipe.json, pictures beside; NAME.DIGEST is what
`assets.people.characters.load_character` knows it by, so that it can never mean another recipe, whatever else is loaded.
agents.json and people say NAME.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from assets.people.characters import character_names, content_digest, learn, read_recipe, shipped_recipe
from assets.people.factions import JOINED
from pipeline.errors import AssetError
from pipeline.io.files import replacing, write_bytes

RECIPE = "recipe.json"
DIGITS = 12  # of the content's digest in a name
_TABLES = ("body", "palette", "materials", "sizes", "vary")  # of what a recipe builds on, a key at a time is changed
Names = Mapping[str, str]  # what people say of a character: what load_character knows it by


def own_recipe(file: Path) -> dict[str, Any]:
    """A recipe of the show's own, whole: with what it builds on (`extends`) joined in.

    Raises AssetError when it cannot be read, is called otherwise than its file, or takes a shipped name without saying so.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AssetError(f"{file}: is no recipe ({error}). docs/characters.md shows one.") from error
    base = table.pop("extends", "")
    if table.get("name") != file.stem:
        raise AssetError(
            f'{file}: its name is {table.get("name")!r}. Write name = "{file.stem}", as its file is called.'
        )
    if JOINED in file.stem:
        raise AssetError(f"{file}: {JOINED!r} in a name joins a character to a faction's colours. Rename it.")
    if file.stem in character_names() and not base:
        raise AssetError(
            f'{file}: a character that ships has this name. Rename it, or write extends = "{file.stem}" to change that one '
            "for this show."
        )
    if base and base not in character_names():
        raise AssetError(f"{file}: extends {base!r}, which does not ship. Take one of: {', '.join(character_names())}.")
    if base:
        below = shipped_recipe(base)
        joined = {key: {**below.get(key, {}), **table.get(key, {})} for key in _TABLES if key in below or key in table}
        if "version" not in table:
            raise AssetError(f"{file}: 'version' is missing. It counts the show's own changes: write version = 1.")
        table = {**below, **table, **joined}
    read_recipe(table, str(file), folder=file.parent)
    return table


def bring(files: Iterable[Path], folder: Path) -> tuple[Path, ...]:
    """Write the recipes among `files` into a layout's `folder`, whole; returns each recipe.json and the pictures beside it.

    Raises AssetError for a recipe that is wrong.
    """
    made: list[Path] = []
    for file in sorted(file for file in files if file.suffix == ".toml"):
        table = own_recipe(file)
        there = folder / _known_as(table, file.parent)
        for name in table.get("references", []):
            with replacing(there / name) as temporary:
                shutil.copyfile(file.parent / name, temporary)
            made.append(there / name)
        text = json.dumps(table, indent=1, sort_keys=True, default=str)  # a date becomes text
        write_bytes(there / RECIPE, (text + "\n").encode())
        made.append(there / RECIPE)
    return tuple(made)


def learn_recipes(files: Iterable[Path]) -> Names:
    """From now on `load_character` knows the recipes of a layout (CrowdLayout.recipes); returns their names.

    Raises AssetError for one that is not as it was written.
    """
    names = {}
    for file in files:
        if file.name == RECIPE:
            table, known_as = json.loads(file.read_text("utf-8")), file.parent.name
            if _known_as(table, file.parent) != known_as:
                raise AssetError(
                    f"{file.parent}: is not as it was written. Run lay_out_crowd again (--from lay_out_crowd)."
                )
            learn(known_as, table, file.parent)
            names[str(table["name"])] = known_as
    return names


def learn_own(folder: Path) -> Names:
    """From now on `load_character` knows every recipe of a show's characters/ as it is today; returns their names."""
    names = {}
    for file in sorted(folder.glob("*.toml")):
        table = own_recipe(file)
        names[file.stem] = _known_as(table, folder)
        learn(names[file.stem], table, folder)
    return names


def called(name: str, names: Names) -> str:
    """What `load_character` knows `name` by, in a faction's colours too."""
    own, joined, faction = name.partition(JOINED)
    return f"{names.get(own, own)}{joined}{faction}"


def _known_as(table: Mapping[str, Any], folder: Path) -> str:
    return f"{table['name']}.{content_digest(table, [folder / name for name in table.get('references', [])])[:DIGITS]}"
