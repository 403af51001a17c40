"""The command line's `battleplate characters`: who there is, and which shots a change of one touches."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.common_commands import out
from pipeline.config import Shot, load_show
from pipeline.crowd_sections import CrowdBrief
from pipeline.decision_commands import Url, open_review
from pipeline.own_characters import FOLDER as FOLDER_OF_SHOW
from pipeline.shots import shots_of

if TYPE_CHECKING:
    from assets.people.recipes import Names
    from assets.sprites.touched import Painted, Touched

characters = typer.Typer(
    help="Who can be in a crowd, and which shots of a show a change of one of them touches.", no_args_is_help=True
)


@characters.command("list")
def list_characters(
    show: Annotated[
        Path | None,
        typer.Argument(metavar="[SHOW.toml]", help="A show: its own characters, and its shots.", show_default=False),
    ] = None,
) -> None:
    """List every character: version, licence, whether generators are told words or shown pictures, shots that name it.

    With a show, its own (characters/ beside show.toml) come first.
    """
    from assets.people.characters import character_names, load_character
    from assets.people.factions import JOINED, faction_names

    counts: Counter[str] = Counter()
    for shot in shots_of(show) if show else []:
        counts.update({name.partition(JOINED)[0] for name in shot.sections[CrowdBrief].cast})
    own = own_names(show)
    columns = ["name", "version", "licence", "told", "what", *(["from", "shots"] if show else [])]
    table = Table(*columns, box=None, pad_edge=False)
    for name in [*own, *(name for name in character_names() if name not in own)]:
        person = load_character(own.get(name, name))
        said = person.direction
        told = [word for word, there in (("words", said.prompt), ("pictures", said.references)) if there]
        row = [name, str(person.version), person.licence, ", ".join(told), person.title]
        table.add_row(*row, *(["the show" if name in own else "", str(counts[name])] if show else []))
    out.print(table)
    colours = ", ".join(faction_names())
    out.print(f"Each also in a faction's colours, as NAME_in_FACTION: {colours}.", highlight=False, soft_wrap=True)


@characters.command("show")
def show_character(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A character.", show_default=False)],
    show: Annotated[
        Path | None, typer.Argument(metavar="[SHOW.toml]", help="The show whose own it may be.", show_default=False)
    ] = None,
) -> None:
    """Say all that the recipe of NAME says, in a faction's colours too, and where it lies."""
    from assets.people.characters import FOLDER, load_character, recipe_digest, recipe_of
    from assets.people.factions import JOINED
    from assets.people.recipes import called

    own = own_names(show)
    known_as, file = called(name, own), f"{name.partition(JOINED)[0]}.toml"
    person, said = load_character(known_as), recipe_of(known_as)
    lies_in = _folder(show) if show and file.removesuffix(".toml") in own else FOLDER
    rows = {**said, "name": name, "title": person.title, "digest": recipe_digest(known_as), "lies in": lies_in / file}
    for key, value in rows.items():
        lines = value.items() if isinstance(value, dict) else [("", value)]
        for at, (inner, each) in enumerate(lines):
            text = ", ".join(map(str, each)) if isinstance(each, list) else str(each)
            words = f"{key if not at else '':<12}{f'{inner}: ' if inner else ''}{text}"
            out.print(words, highlight=False, soft_wrap=True, markup=False)


@characters.command("touched")
def touched_shots(
    show: Annotated[Path, typer.Argument(metavar="SHOW.toml", help="The show's file.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="A character.", show_default=False)],
    database: Url = "",
) -> None:
    """Say which shots NAME stands in, by which recipe it was painted and delivered there, and whether that is today's.

    What the show's review says counts as approved; without a review, what was delivered. NAME also means it in every
    faction's colours.
    """
    from assets.sprites.touched import touched

    shots = shots_of(show)
    found = touched(shots, name)
    if not found:
        out.print(f"No shot of {show} names {name} or shows it.", highlight=False, soft_wrap=True)
        return
    stand = _standings(show, shots, database, {which for each in found for which, _ in each.deliveries})
    table = Table("shot", "character", "named", "painted by", "delivered", box=None, pad_edge=False)
    for each in found:
        painted = "; ".join(_said(one, each) for one in each.painted) or "not painted"
        handed_on = "; ".join(f"{which}{_standing(stand, which)}: {_said(one, each)}" for which, one in each.deliveries)
        table.add_row(each.shot, each.character, "yes" if each.asked else "no", painted, handed_on or "no")
    out.print(table)
    for line in _summary(name, found, stand):
        out.print(line, highlight=False, soft_wrap=True)


def _folder(show: Path) -> Path:
    """Where a show's own characters lie."""
    return show.parent / FOLDER_OF_SHOW


def own_names(show: Path | None) -> Names:
    """The show's own characters, learnt; nobody without a show."""
    from assets.people.recipes import learn_own

    if show is None:
        return {}
    load_show(show)
    return learn_own(_folder(show))


def _said(painted: Painted, each: Touched) -> str:
    if not painted.recipe:
        return "recipe not written down"
    take = f", {painted.take}" if painted.take else ""
    same = "as today" if painted.recipe == each.now else "changed since"
    return f"version {painted.version} ({painted.recipe[:8]}{take}), {same}"


def _standings(show: Path, shots: list[Shot], database: str, deliveries: set[str]) -> dict[str, str] | None:
    """How each delivery stands in the show's review, by its name; None where the show has no review."""
    review = open_review(show, database)
    if review is None:
        return None
    from pipeline.screening.decisions.book import standing_of

    found = {}
    try:
        for shot in shots:
            for name in sorted(deliveries):
                number = name.removeprefix(f"{shot.info.name}_v")
                if number.isdigit():
                    found[name] = str(standing_of(review, shot, int(number)).status)
    finally:
        review.close()
    return found


def _standing(stand: dict[str, str] | None, delivery: str) -> str:
    return f" ({stand[delivery]})" if stand is not None else ""


def _summary(name: str, found: list[Touched], stand: dict[str, str] | None) -> list[str]:
    def counts(delivery: str) -> bool:
        return stand is None or stand[delivery] in ("approved", "delivered")

    approved = set()
    for each in found:
        counted = [painted for which, painted in each.deliveries if counts(which)]
        if counted and counted[-1].recipe != each.now:
            approved.add(each.shot)
    again = sorted({each.shot for each in found if each.to_paint})
    lines = []
    if approved:
        lines.append(f"{name} is not as it was approved in: {', '.join(sorted(approved))}.")
    if again:
        lines.append(f"To be painted again by today's recipe: {', '.join(again)} (battleplate run SHOT.toml).")
    return lines or [f"{name} is everywhere as its recipe says today."]
