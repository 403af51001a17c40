"""A take in words: how it was made, and how it is made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from assets.people.characters import is_character, recipe_digest
from assets.people.recipes import Names, called
from assets.takes.record import Take, TakeSheet


def explained(sheet: TakeSheet, folder: Path, name: str, shot: str, own: Names = MappingProxyType({})) -> Iterator[str]:
    """Lines about a take, and about earlier ones of that name. shot: what the command line calls the shot file.
    own: the show's own characters.

    Raises AssetError, listing what there is, for a take that is not there.
    """
    take = sheet.take(name)
    yield f"{sheet.name} {take.name}: {folder / take.pictures}"
    yield from _about(take)
    yield f"  shows        {'; '.join(sheet.shows)}"
    for number, digest in enumerate(take.requests, start=1):
        yield f"  request {number:<5}{digest}"
    yield f"  again        battleplate takes propose {shot} --of {sheet.name} --count {int(take.name[1:])}"
    if sheet.kind == "character" and _recipe_now(called(sheet.name, own)) != take.recipe:
        yield "  The recipe has changed since: to make this very take again, bring that recipe back."
    for old in sheet.earlier:
        if old.name == name:
            yield f"earlier {sheet.name} {old.name}, replaced since: {folder / old.pictures}"
            yield from _about(old)


def _recipe_now(name: str) -> str:
    return recipe_digest(name) if is_character(name) else ""


def _about(take: Take) -> Iterator[str]:
    facts = {
        "seed": take.seed,
        "steps": take.steps,
        "provider": take.provider,
        "model": take.model_digest,
        "licence": take.licence,
        "recipe": f"version {take.version}, {take.recipe}" if take.recipe else "",
        "prompt": take.prompt,
        "negative": take.negative,
        "references": ", ".join(take.references),
        "cost, USD": f"{take.cost_usd:.4f}",
        **{key: value for key, value in sorted(take.metadata.items()) if key not in ("seed", "steps", "provider")},
    }
    for key, value in facts.items():
        if value != "":
            yield f"  {key:<12} {value}"
