"""Who is in an atlas: each character's recipe and take, and what each person of it looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assets.people.characters import load_character, recipe_digest, spoken
from assets.sprites.demand import Wanted
from assets.sprites.likeness import likeness
from pipeline.sections import CrowdPicks

Array = np.ndarray[Any, Any]


def cast_of(
    wanted: Sequence[Wanted], sums: Sequence[Array], picks: CrowdPicks, seeds: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """By character, as people call it: version and recipe (digest) it was painted by, take ("": none picked), seed, and `persons`, by variant
    what each looks like. sums: of each sprite, from `assets.sprites.likeness.sums_of`."""
    rows: dict[str, dict[int, list[int]]] = {}
    for row, sprite in enumerate(wanted):
        if sprite.change is None:
            rows.setdefault(sprite.character, {}).setdefault(sprite.variant, []).append(row)
    taken = dict(picks.takes)
    return {
        spoken(name): {
            "version": load_character(name).version,
            "recipe": recipe_digest(name),
            "take": taken.get(spoken(name), ""),
            "seed": seeds[name],
            "persons": {
                str(variant): likeness(
                    [sums[row] for row in own], [(wanted[row].motion, wanted[row].view) for row in own]
                )
                for variant, own in sorted(persons.items())
            },
        }
        for name, persons in sorted(rows.items())
    }
