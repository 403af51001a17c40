"""Who is in an atlas: each character's recipe and take, and what each person of it looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.people.characters import load_character, recipe_digest, spoken
from assets.people.direction import read_picture
from assets.providers.encoder import Encoder
from assets.sprites.demand import Wanted
from assets.sprites.embedding import packed_all, points_of
from assets.sprites.likeness import likeness
from pipeline.sections import CrowdPicks

Array = np.ndarray[Any, Any]


def cast_of(
    wanted: Sequence[Wanted],
    sums: Sequence[Array],
    picks: CrowdPicks,
    seeds: Mapping[str, int],
    seen: Seen | None = None,
) -> dict[str, dict[str, Any]]:
    """By character, as people call it: version and recipe (digest) it was painted by, take ("": none picked), seed, and `persons`, by variant
    what each looks like. sums: of each sprite, from `assets.sprites.likeness.sums_of`. seen: as an image encoder sees them."""
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
            **(seen.of(name) if seen else {}),
        }
        for name, persons in sorted(rows.items())
    }


@dataclass(frozen=True, slots=True)
class Seen:
    """People as an image encoder sees them. encoder: its digest. points: of persons (assets.sprites.embedding.points_of).
    references: of a character's reference pictures."""

    encoder: str
    points: Mapping[tuple[str, str], Mapping[str, str]]
    references: Mapping[str, Sequence[str]]

    @classmethod
    def by(cls, encoder: Encoder, wanted: Sequence[Wanted], sprites: Array) -> Seen:
        """Everyone in an atlas. sprites: (S, H, W, 4), in the order of `wanted`."""
        references = {}
        for name in {sprite.character for sprite in wanted}:
            pictures = [read_picture(path) for path in load_character(name).direction.references]
            references[spoken(name)] = packed_all(encoder.embed(pictures)) if pictures else []
        return cls(encoder.digest, points_of(wanted, sprites, encoder.embed), references)

    def of(self, name: str) -> dict[str, Any]:
        """What is kept of a character."""
        name = spoken(name)
        points = {variant: dict(own) for (who, variant), own in sorted(self.points.items()) if who == name}
        return {"seen": {"encoder": self.encoder, "persons": points, "references": list(self.references[name])}}
