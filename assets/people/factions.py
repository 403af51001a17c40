"""Factions: palettes in characters/factions/NAME.toml that any character can wear, as CHARACTER_in_FACTION."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import AssetError

FOLDER = Path(__file__).parents[1] / "characters" / "factions"
JOINED = "_in_"


def faction_names() -> list[str]:
    """Every faction whose colours can be worn, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def in_colours(recipe: Mapping[str, Any], faction: str) -> dict[str, Any]:
    """A character's recipe with the faction's colours over its own. Raises AssetError that lists the known factions."""
    if faction not in faction_names():
        raise AssetError(f"faction {faction!r} is not known. Take one of: {', '.join(faction_names())}.")
    path = FOLDER / f"{faction}.toml"
    try:
        colours = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise AssetError(f"{path.name}: not a TOML file ({error}). Mend that line.") from error
    odd = set(colours) ^ {"name", "title", "version", "licence", "palette"}
    if odd:
        raise AssetError(
            f"{path.name}: {sorted(odd)[0]!r} is missing or unknown. Write name, title, version, licence, palette."
        )
    title = f"{recipe.get('title', recipe['name'])}, {colours['title']}"
    palette = {**recipe.get("palette", {}), **colours["palette"]}
    return {**recipe, "name": f"{recipe['name']}{JOINED}{faction}", "title": title, "palette": palette}
