"""Which recipes of a show's own characters/ a shot's crowd needs: found by name, not yet understood."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.crowd_sections import CrowdBrief

FOLDER = "characters"  # beside show.toml
_JOINED = "_in_"  # between a character's name and a faction's


@dataclass(frozen=True, slots=True)
class OwnCharacters:
    """Characters of the show's own that a shot's crowd needs: their recipes and pictures, in characters/ (docs/characters.md).

    names: of all that the show has; folder: where they lie, whether it is there or not.
    """

    files: tuple[Path, ...] = ()
    names: tuple[str, ...] = field(default=(), metadata={"decides": False})
    folder: Path = field(default=Path("characters"), metadata={"decides": False})


def find(folder: Path, crowd: CrowdBrief) -> OwnCharacters:
    """The recipes, and the pictures that they name, of everyone whom the brief names; all, where a foreign crowd may."""
    recipes = {file.stem: file for file in sorted(folder.glob("*.toml"))}
    needed = set(recipes) if crowd.layout is not None else _people(crowd.cast) & set(recipes)
    files = [each for name in sorted(needed) for each in (recipes[name], *_pictures(recipes[name]))]
    return OwnCharacters(tuple(files), tuple(recipes), folder)


def elsewhere(own: OwnCharacters, crowd: CrowdBrief) -> set[str]:
    """Picks of the show's own characters whom this shot does not need."""
    here = {file.stem for file in own.files if file.suffix == ".toml"}
    return {name for name in crowd.picks if _people([name]) & (set(own.names) - here)}


def _people(names: tuple[str, ...] | list[str]) -> set[str]:
    """Without factions' colours."""
    return {name.partition(_JOINED)[0] for name in names}


def _pictures(recipe: Path) -> list[Path]:
    """What is named beside a recipe and is there; what is wrong with it is said by whoever reads it."""
    try:
        names = tomllib.loads(recipe.read_text("utf-8")).get("references", [])
    except (OSError, ValueError):
        return []
    named = [recipe.parent / name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return [file for file in named if file.is_file()]
