"""The command line's `battleplate characters`: who there is, and which shots a change of one touches."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.crowd_commands import out
from pipeline.sections import CrowdBrief
from pipeline.shots import shots_of

if TYPE_CHECKING:
    from assets.sprites.touched import Painted, Touched

characters = typer.Typer(
    help="Who can be in a crowd, and which shots of a show a change of one of them touches.", no_args_is_help=True
)


@characters.command("list")
def list_characters(
    show: Annotated[
        Path | None, typer.Argument(metavar="[SHOW.toml]", help="A show, to count its shots.", show_default=False)
    ] = None,
) -> None:
    """List every character: version, licence, whether generators are told words or shown pictures, shots that name it."""
    from assets.people.characters import character_names, load_character
    from assets.people.factions import JOINED, faction_names

    counts: Counter[str] = Counter()
    for shot in shots_of(show) if show else []:
        counts.update({name.partition(JOINED)[0] for name in shot.sections[CrowdBrief].cast})
    columns = ["name", "version", "licence", "told", "what", *(["shots"] if show else [])]
    table = Table(*columns, box=None, pad_edge=False)
    for name in character_names():
        person = load_character(name)
        said = person.direction
        told = [word for word, there in (("words", said.prompt), ("pictures", said.references)) if there]
        row = [name, str(person.version), person.licence, ", ".join(told), person.title]
        table.add_row(*row, *([str(counts[name])] if show else []))
    out.print(table)
    colours = ", ".join(faction_names())
    out.print(f"Each also in a faction's colours, as NAME_in_FACTION: {colours}.", highlight=False, soft_wrap=True)


@characters.command("touched")
def touched_shots(
    show: Annotated[Path, typer.Argument(metavar="SHOW.toml", help="The show's file.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="A character.", show_default=False)],
) -> None:
    """Say which shots NAME stands in, by which recipe it was painted and delivered there, and whether that is today's.

    A delivered shot counts as approved. NAME also means it in every faction's colours.
    """
    from assets.sprites.touched import touched

    found = touched(shots_of(show), name)
    if not found:
        out.print(f"No shot of {show} names {name} or shows it.", highlight=False, soft_wrap=True)
        return
    table = Table("shot", "character", "named", "painted by", "delivered", box=None, pad_edge=False)
    for each in found:
        painted = "; ".join(_said(one, each) for one in each.painted) or "not painted"
        handed_on = "; ".join(f"{which}: {_said(one, each)}" for which, one in each.deliveries) or "no"
        table.add_row(each.shot, each.character, "yes" if each.asked else "no", painted, handed_on)
    out.print(table)
    for line in _summary(name, found):
        out.print(line, highlight=False, soft_wrap=True)


def _said(painted: Painted, each: Touched) -> str:
    if not painted.recipe:
        return "recipe not written down"
    take = f", {painted.take}" if painted.take else ""
    same = "as today" if painted.recipe == each.now else "changed since"
    return f"version {painted.version} ({painted.recipe[:8]}{take}), {same}"


def _summary(name: str, found: list[Touched]) -> list[str]:
    approved = sorted({each.shot for each in found if each.approved_otherwise})
    again = sorted({each.shot for each in found if each.to_paint})
    lines = []
    if approved:
        lines.append(f"{name} is not as it was approved in: {', '.join(approved)}.")
    if again:
        lines.append(f"To be painted again by today's recipe: {', '.join(again)} (battleplate run SHOT.toml).")
    return lines or [f"{name} is everywhere as its recipe says today."]
