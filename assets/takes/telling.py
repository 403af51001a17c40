"""What is told of each character of a crowd: his pick's seed, his recipe's words, and pictures, for who reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from assets.people.characters import Character, load_character, recipe_digest, spoken
from assets.providers.base import Capabilities, Provider
from assets.takes.names import first_seed, seed_of, take_number
from assets.takes.record import folder_of, proposed, read_pictures
from assets.takes.sheet import sheet_requests
from assets.takes.told import Telling
from assets.takes.variation import dyes_of
from pipeline.sections import CrowdPicks


def telling_of(character: Character, able: Capabilities, seed: int, take: str = "") -> Telling:
    """What a recipe, and a take that was picked, tells a provider: only what that reads. Raises AssetError when its consent has run out."""
    said = character.direction
    return Telling(
        seed,
        said.prompt if able.reads_prompt else "",
        said.negative if able.reads_prompt else "",
        said.pictures(character.name, date.today()) if able.reads_references else (),
        dyes_of(character, take_number(take)) if take and able.paints_looks else (),
    )


def tellings(
    names: set[str], picks: CrowdPicks, provider: Provider, shared: Path, *, seed: int, steps: int
) -> dict[str, Telling]:
    """What is told of each character: its pick's seed and, to who reads references, the pick's pictures.

    seed: of who was not picked and whose recipe says none. Raises AssetError for a pick of someone unknown, or of a take
    that is not among those proposed.
    """
    picked = dict(picks.takes)
    for name in set(picked) - {spoken(name) for name in names}:
        load_character(name)  # a season's pick may be of someone who is not in this shot, but not of nobody
    return {
        name: _picked(name, picked[spoken(name)], provider, shared / "takes", steps)
        if spoken(name) in picked
        else telling_of(load_character(name), provider.capabilities, load_character(name).direction.seed or seed)
        for name in sorted(names)
    }


def _picked(name: str, take: str, provider: Provider, root: Path, steps: int) -> Telling:
    character = load_character(name)
    said = spoken(name)
    folder = folder_of(root, provider.name, said)
    sheet = proposed(folder, f'[crowd.picks] {said} = "{take}"', said, take)
    told = telling_of(character, provider.capabilities, seed_of(first_seed(character.direction.seed), take), take)
    if not provider.capabilities.reads_references:
        return told
    if take in sheet.names and sheet.take(take).recipe == recipe_digest(name):
        pictures = read_pictures(folder, sheet, sheet.take(take))
    else:  # proposed on another machine, or before the recipe changed: the same request, the same take
        answers = provider.generate(sheet_requests(character, told, steps))
        pictures = [answer.takes[0, 0].astype(np.float16).astype(np.float32) for answer in answers]
    return replace(told, references=tuple(pictures))
