"""Who is painted together in a hero area, and what is said of them: one request for all, or one for each look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.near.bodies import Bodies
from assets.people.characters import load_character
from assets.people.figures import dressed
from assets.people.looks import character_identity, worn
from assets.providers.base import Capabilities
from assets.providers.diffusion.words import words_of
from assets.providers.request import Identity
from assets.takes.told import Telling


@dataclass(frozen=True, slots=True, eq=False)
class Party:
    """People of one request. people: ids, ascending; everybody: the others of the crowd are shown with them."""

    people: tuple[int, ...]
    everybody: bool
    identity: Identity
    telling: Telling


def parties(
    bodies: Bodies, people: NDArray[np.int64], told: Mapping[str, Telling], prompt: str, able: Capabilities
) -> list[Party]:
    """The requests of an area. people: ids; told: by character's name; prompt: the director's words.

    A provider that paints by an identity's looks can be told one person's at a time: it is asked for each look apart, and
    the pictures add up. Any other is asked once, for the whole crowd in words and references of all who belong.
    """
    rows = {int(bodies.agents.ids[row]): int(row) for row in np.flatnonzero(np.isin(bodies.agents.ids, people))}
    names = {number: bodies.agents.characters[row] for number, row in rows.items()}
    if not able.paints_looks:
        ordered = [name for name, _ in Counter(names[number] for number in sorted(names)).most_common()]
        identity = character_identity(load_character(ordered[0]))
        return [Party(tuple(sorted(names)), True, identity, together(ordered, told, prompt, able))]
    persons: dict[tuple[str, int], list[int]] = {}
    for number in sorted(names):
        persons.setdefault((names[number], bodies.variant(rows[number])), []).append(number)
    return [
        Party(tuple(numbers), False, character_identity(load_character(*person)), told[person[0]])
        for person, numbers in persons.items()
    ]


def together(names: list[str], told: Mapping[str, Telling], prompt: str, able: Capabilities) -> Telling:
    """What is said of several characters at once, the most frequent first: his seed, everybody's words and references."""
    first = told[names[0]]
    if len(names) == 1 and not prompt:
        return first
    words = [prompt, *(told[name].prompt or _in_words(name) for name in names)] if able.reads_prompt else []
    negative = dict.fromkeys(told[name].negative for name in names)
    references = tuple(picture for name in names for picture in told[name].references)
    return Telling(first.seed, "; ".join(filter(None, words)), "; ".join(filter(None, negative)), references)


def _in_words(name: str) -> str:
    character = load_character(name)
    return words_of(worn(character_identity(character), np.unique(dressed(character).parts).tolist()))
