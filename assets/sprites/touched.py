"""Which shots of a show a character stands in, by which recipe it was painted there, and what was delivered of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.people.characters import load_character, recipe_digest
from assets.people.factions import JOINED
from assets.people.recipes import called, learn_own
from assets.sprites.identity import STAGE, cast_in
from pipeline.config import Shot
from pipeline.crowd_sections import CrowdBrief
from pipeline.errors import AssetError, StoreError
from pipeline.latest import latest_folder
from pipeline.own_characters import OwnCharacters
from pipeline.shots import delivered

UNTOLD = ""  # a recipe that was not written down


@dataclass(frozen=True, slots=True)
class Painted:
    """How a character was painted: recipe's version and digest (UNTOLD: not written down), and take ("": none picked)."""

    version: int
    recipe: str
    take: str


@dataclass(frozen=True, slots=True)
class Touched:
    """A character, in its own or a faction's colours, in one shot. now: digest of today's recipe.

    asked: whether the shot file names it. painted: in the atlas in use, at most one. deliveries: by name, oldest first.
    """

    shot: str
    character: str
    now: str
    asked: bool
    painted: tuple[Painted, ...]
    deliveries: tuple[tuple[str, Painted], ...]

    @property
    def to_paint(self) -> bool:
        """Whether the atlas shows another recipe than today's."""
        return any(each.recipe != self.now for each in self.painted)


def touched(shots: Sequence[Shot], name: str) -> list[Touched]:
    """Where `name` stands; a character's own name also means it in every faction's colours, which its recipe is part of.

    Raises AssetError for a name that no recipe has.
    """
    folders = {shot.sections[OwnCharacters].folder for shot in shots}
    own_names = {own: known for folder in folders for own, known in learn_own(folder).items()}
    load_character(called(name, own_names))
    found = []
    for shot in shots:
        atlas, reports = _atlas(shot), [(file.parent.name, _identity(file)) for file in delivered(shot)]
        casts = [shot.sections[CrowdBrief].cast, atlas, *(cast for _, cast in reports)]
        for own in sorted(
            {each for cast in casts for each in cast if each == name or each.startswith(f"{name}{JOINED}")}
        ):
            found.append(
                Touched(
                    shot.info.name,
                    own,
                    _today(called(own, own_names)),
                    own in shot.sections[CrowdBrief].cast,
                    tuple(_painted(cast[own]) for cast in (atlas,) if own in cast),
                    tuple((delivery, _painted(cast[own])) for delivery, cast in reports if own in cast),
                )
            )
    return found


def _today(name: str) -> str:
    try:
        return recipe_digest(name)
    except AssetError:  # painted once, in colours that are no more
        return "gone"


def _atlas(shot: Shot) -> dict[str, Any]:
    try:
        return cast_in(latest_folder(shot.build, STAGE) / "index.json")
    except (StoreError, OSError, ValueError):
        return {}


def _identity(report: Path) -> dict[str, Any]:
    """Who was delivered: by the report's chapter on identity; by the crowd's counts where it is older than that."""
    try:
        told = json.loads(report.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    untold: dict[str, Any] = {name: {} for name in told.get("crowd", {}).get("character", {})}
    identity: dict[str, Any] = told.get("identity") or untold
    return identity


def _painted(entry: dict[str, Any]) -> Painted:
    return Painted(int(entry.get("version", 0)), str(entry.get("recipe", UNTOLD)), str(entry.get("take", "")))
