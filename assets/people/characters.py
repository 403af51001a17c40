"""Characters: named recipes in characters/NAME.toml (body, kit, palette) that look the same in every shot.

Albedos are linear ACEScg. A recipe carries its version and licence; a change of look wants a new version.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.people.banners import Banner, read_banner
from assets.people.direction import KEYS as DIRECTION_KEYS
from assets.people.direction import Direction, read_direction
from assets.people.factions import JOINED, faction_names, in_colours
from assets.people.parts import DEFAULT_PALETTE, MATERIALS, Colour, Material, Part
from assets.people.sizes import Sizes, read_sizes
from pipeline.errors import AssetError
from pipeline.io.files import sha256

__all__ = [
    "FOLDER", "Character", "Colour", "Material", "Part", "albedos", "character_names", "content_digest", "is_character",
    "learn", "load_character", "materials", "read_recipe", "recipe_digest", "recipe_of", "recoloured",
    "shipped_recipe", "spoken",
]  # fmt: skip

FOLDER = Path(__file__).parents[1] / "characters"
_LEARNT: dict[str, tuple[Mapping[str, Any], Path]] = {}  # by content: what is known once stays true
_DIGEST = re.compile(r"\.[0-9a-f]{12}(?=$|" + JOINED + ")")


_KEYS = DIRECTION_KEYS | {
    "name", "version", "licence", "title", "body", "kit", "palette", "materials", "banner", "sizes", "vary",
}  # fmt: skip
_PHENOTYPES = {"gender": 0.0, "age": 0.6, "muscle": 0.65, "weight": 0.5, "proportions": 0.6}
_KIT = frozenset([
    "tunic", "long_tunic", "trousers", "cape", "helmet_legion", "helmet_crested", "helmet_greek", "helmet_cap", "hair",
    "long_hair", "beard", "cuirass_segmented", "cuirass_muscle", "cuirass_mail", "cuirass_linen", "strips", "greaves",
    "boots", "bracers", "belt", "shield_tall", "shield_round", "spear", "sword", "sheath", "bow", "quiver", "banner",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Character:
    """One identity. phenotype: (label, value 0..1) pairs of Anny's; height_m: barefoot; palette: (part, albedo) pairs."""

    name: str
    version: int
    licence: str
    title: str
    height_m: float
    phenotype: tuple[tuple[str, float], ...]
    kit: tuple[str, ...]
    palette: tuple[tuple[str, Colour], ...]
    made_of: tuple[tuple[str, str], ...] = ()  # (part, material) where it differs from the usual
    banner: Banner | None = None  # of whose kit has one
    sizes: Sizes = ()  # of kit, where they differ from the usual
    vary: tuple[
        tuple[str, float], ...
    ] = ()  # (part, how freely takes change it, 0 to 1) where it differs from the usual
    seed: int = 0
    direction: Direction = field(default_factory=Direction)  # words and pictures, for generators that read them


def character_names() -> list[str]:
    """Every character's own name, sorted; each can also be loaded in a faction's colours (assets.people.factions)."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@lru_cache(maxsize=256)
def load_character(name: str, seed: int = 0) -> Character:
    """The character called `name`, e.g. "legionary", or "legionary_in_azure" for one in a faction's colours.

    Those of a show's own are known, once they were learnt, as "guard.3fa9c21b70de" (assets.people.recipes).
    Seed 0 is the middle of the recipe's ranges; another seed is another person of the same kind. Raises AssetError that
    lists the known names, or names the field that is wrong.
    """
    own = name.partition(JOINED)[0]
    return read_recipe(recipe_of(name), f"{own}.toml", seed, _LEARNT[own][1] if own in _LEARNT else FOLDER)


def recipe_digest(name: str) -> str:
    """Hex SHA-256 of all that the recipe of a character says, its faction's colours and reference pictures included.

    Comments and the order of lines do not count. Raises AssetError as `load_character` does.
    """
    return content_digest(recipe_of(name), load_character(name).direction.references)


def content_digest(table: Mapping[str, Any], pictures: Sequence[Path]) -> str:
    """Hex SHA-256 of a recipe's table and of its reference pictures."""
    text = json.dumps([table, [sha256(path) for path in pictures]], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def learn(name: str, table: Mapping[str, Any], folder: Path) -> None:
    """From now on `load_character` knows a recipe by a name that ends in its content's digest. folder: of its pictures."""
    _LEARNT[name] = table, folder


def spoken(name: str) -> str:
    """A character's name without its content's digest, as people say it: "guard" of "guard.3fa9c21b70de"."""
    return _DIGEST.sub("", name)


def shipped_recipe(name: str) -> dict[str, Any]:
    """The table of a recipe that ships. Raises AssetError that lists them."""
    path = FOLDER / f"{name}.toml"
    if name not in character_names():
        raise AssetError(f"character {name!r} is not known. Take one of: {', '.join(character_names())}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise AssetError(f"{path.name}: not a TOML file ({error}). Mend that line.") from error


def recipe_of(name: str) -> dict[str, Any]:
    """The table of a character's recipe, in its faction's colours. Raises AssetError as `load_character` does."""
    name, joined, faction = name.partition(JOINED)
    recipe = dict(_LEARNT[name][0]) if name in _LEARNT else shipped_recipe(name)
    return in_colours(recipe, faction) if joined else recipe


def is_character(name: str) -> bool:
    """Whether `load_character` knows the name."""
    own, joined, faction = name.partition(JOINED)
    return (own in character_names() or own in _LEARNT) and (not joined or faction in faction_names())


def read_recipe(recipe: Mapping[str, Any], where: str, seed: int = 0, folder: Path = FOLDER) -> Character:
    """Check a recipe's table and choose within its ranges. folder: where its references lie.

    Raises AssetError naming the field.
    """
    unknown = set(recipe) - _KEYS
    if unknown:
        raise AssetError(f"{where}: unknown key {sorted(unknown)[0]!r}. Remove it.")
    missing = {"name", "version", "licence", "body", "kit"} - set(recipe)
    if missing:
        raise AssetError(f"{where}: {sorted(missing)[0]!r} is missing. Add it.")
    rng = np.random.default_rng([seed, 0xC0DE]) if seed else None
    body = dict(recipe["body"])
    height_m = _choose(body.pop("height_m", [1.72, 1.78]), rng, f"{where}: body.height_m", 1.4, 2.1)
    for label in body:
        if label not in _PHENOTYPES:
            raise AssetError(
                f"{where}: body.{label} is not a phenotype. Take one of: {', '.join(sorted(_PHENOTYPES))}."
            )
    phenotype = tuple(
        (label, _choose(body.get(label, value), rng, f"{where}: body.{label}", 0.0, 1.0))
        for label, value in sorted(_PHENOTYPES.items())
    )
    for item in recipe["kit"]:
        if item not in _KIT:
            raise AssetError(f"{where}: kit {item!r} is not known. Take one of: {', '.join(sorted(_KIT))}.")
    return Character(
        name=recipe["name"],
        version=int(recipe["version"]),
        licence=recipe["licence"],
        title=recipe.get("title", recipe["name"]),
        height_m=height_m,
        phenotype=phenotype,
        kit=tuple(recipe["kit"]),
        palette=_palette(recipe.get("palette", {}), rng, where),
        made_of=_made_of(recipe.get("materials", {}), where),
        banner=read_banner(recipe.get("banner", {}), where) if "banner" in recipe["kit"] else None,
        sizes=read_sizes(recipe.get("sizes", {}), recipe["kit"], where),
        vary=_vary(recipe.get("vary", {}), where),
        seed=seed,
        direction=read_direction(recipe, where, folder),
    )


def albedos(character: Character) -> NDArray[np.float32]:
    """(parts, 3) float32 linear ACEScg albedo of every Part; row 0 (empty) is black."""
    table = np.zeros((len(Part), 3), np.float32)
    for name, colour in {**DEFAULT_PALETTE, **dict(character.palette)}.items():
        table[Part[name.upper()]] = colour
    return table


def materials(character: Character) -> NDArray[np.int32]:
    """(parts,) int32 Material of every Part."""
    table = np.zeros(len(Part), np.int32)
    for part, material in MATERIALS.items():
        table[part] = material
    for part_name, kind in character.made_of:
        table[Part[part_name.upper()]] = Material[kind.upper()]
    return table


def recoloured(character: Character, **palette: Colour) -> Character:
    """The same person in other colours, e.g. recoloured(legionary, tunic=(0.1, 0.1, 0.3))."""
    return replace(character, palette=tuple(sorted({**dict(character.palette), **palette}.items())))


def _made_of(table: Mapping[str, str], where: str) -> tuple[tuple[str, str], ...]:
    for part, kind in table.items():
        if part.upper() not in Part.__members__ or str(kind).upper() not in Material.__members__:
            kinds = ", ".join(material.name.lower() for material in Material)
            raise AssetError(
                f"{where}: materials.{part} = {kind!r} is not understood. Write a part and one of: {kinds}."
            )
    return tuple(sorted(table.items()))


def _vary(table: Mapping[str, Any], where: str) -> tuple[tuple[str, float], ...]:
    for part, freely in table.items():
        if part not in DEFAULT_PALETTE or not isinstance(freely, int | float) or not 0 <= freely <= 1:
            raise AssetError(f"{where}: vary.{part} = {freely!r} is not understood. Write a part and 0 (never) to 1.")
    return tuple(sorted((part, float(freely)) for part, freely in table.items()))


def _choose(value: Any, rng: np.random.Generator | None, where: str, low: float, high: float) -> float:
    ends = value if isinstance(value, list) else [value, value]
    if len(ends) != 2 or not all(isinstance(end, int | float) and low <= end <= high for end in ends):
        raise AssetError(f"{where} is {value!r}. Write a number or [low, high] within {low:g} to {high:g}.")
    share = 0.5 if rng is None else float(rng.random())
    return round(float(ends[0] + (ends[1] - ends[0]) * share), 4)


def _palette(table: Mapping[str, Any], rng: np.random.Generator | None, where: str) -> tuple[tuple[str, Colour], ...]:
    """Cloth differs a little from person to person of a kind: another dye bath, other years in the sun."""
    chosen = {}
    for name, colour in table.items():
        if name not in DEFAULT_PALETTE:
            raise AssetError(
                f"{where}: palette.{name} is not a part. Take one of: {', '.join(sorted(DEFAULT_PALETTE))}."
            )
        options = colour if isinstance(colour[0], list) else [colour]
        picked = options[0] if rng is None else options[int(rng.integers(len(options)))]
        if len(picked) != 3 or not all(0.0 <= value <= 1.0 for value in picked):
            raise AssetError(f"{where}: palette.{name} is {picked!r}. Write three albedos from 0 to 1.")
        gain = 1.0 if rng is None else float(np.exp(rng.normal(0.0, 0.12)))
        chosen[name] = (min(picked[0] * gain, 0.9), min(picked[1] * gain, 0.9), min(picked[2] * gain, 0.9))
    return tuple(sorted(chosen.items()))
