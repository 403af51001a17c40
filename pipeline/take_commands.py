"""The command line's `battleplate takes`: propose how characters and set pieces look, see what there is, explain a take."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pipeline.common_commands import Settings, Workers, out
from pipeline.config import Shot, load_shot, stage_params
from pipeline.crowd_sections import CrowdBrief
from pipeline.errors import ConfigError
from pipeline.own_characters import OwnCharacters
from pipeline.provider_sections import CrowdProviders, SetProviders
from pipeline.sections import CrowdPicks, SetBrief, SetPicks
from pipeline.types import CameraTrack, SetLayout, SunLight

if TYPE_CHECKING:
    from assets.takes.record import TakeSheet

takes = typer.Typer(
    help="Proposals of how characters and set pieces look: ask for some, pick one by its name.", no_args_is_help=True
)
TakeShot = Annotated[Path, typer.Argument(metavar="SHOT.toml", help="The shot file.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A character or a set piece.", show_default=False)]


@takes.command()
def propose(
    shot: TakeShot,
    of: Annotated[
        list[str] | None,
        typer.Option("--of", metavar="NAME", help="Only this character or set piece; may be given several times."),
    ] = None,
    count: Annotated[int, typer.Option(help="How many takes of each: t01 to this number.", min=1, max=64)] = 4,
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Ask the shot's providers for takes of its characters and set pieces, and lay them side by side.

    A character is shown from the front, three-quarter and back, in two poses, in one light: its takes are the same in every
    shot of the show. A set piece is shown from its best keyframe, so the shot is first run as far as its set is laid out.

    What was proposed before is not asked for (or paid) again. Pick in the shot file, or in show.toml for the season:

        [crowd.picks]
        legionary = "t02"

    and for a set piece, in its [[set.pieces]]: take = "t03".
    """
    loaded = load_shot(shot, tuple(settings or ()))
    people, pieces = _wanted(loaded, of or [])
    began = time.monotonic()
    sheets = _propose_people(loaded, people, count)
    if pieces:
        sheets += _propose_pieces(loaded, pieces, count, workers)
    for sheet in sheets:
        out.print(f"{sheet.parent.name:<20}{sheet}", highlight=False, soft_wrap=True)
    out.print(f"{count} takes each of {len(sheets)} in {time.monotonic() - began:.1f} s.", highlight=False)


@takes.command("list")
def list_takes(shot: TakeShot, settings: Settings = None) -> None:
    """List the takes that were proposed for a shot, and which are picked."""
    loaded = load_shot(shot, tuple(settings or ()))
    picked = dict(loaded.sections[CrowdPicks].takes) | dict(loaded.sections[SetPicks].takes)
    table = Table("of", "take", "", "seed", "provider", "cost, USD", box=None, pad_edge=False)
    found = [sheet for folder in _folders(loaded) if (sheet := _sheet(folder)).takes]
    for sheet in found:
        for take in sheet.takes:
            mark = "[green]picked" if picked.get(sheet.name) == take.name else ""
            table.add_row(sheet.name, take.name, mark, str(take.seed), take.provider, f"{take.cost_usd:.2f}")
    if found:
        out.print(table)
    else:
        out.print(f"No takes yet. Ask for some: battleplate takes propose {shot}", highlight=False, soft_wrap=True)


@takes.command()
def explain(
    shot: TakeShot,
    name: Name,
    take: Annotated[str, typer.Argument(metavar="TAKE", help="Its name, such as t02.", show_default=False)],
    settings: Settings = None,
) -> None:
    """Say how a take was made: seed, provider, model, words, references, requests, cost, and how to make it again."""
    from assets.people.recipes import learn_own
    from assets.takes.explained import explained

    loaded = load_shot(shot, tuple(settings or ()))
    own = learn_own(loaded.sections[OwnCharacters].folder)
    folders = [folder for folder in _folders(loaded) if folder.name == name and _sheet(folder).takes]
    if not folders:
        raise ConfigError(f"{name}: no takes were proposed. Run: battleplate takes propose {shot} --of {name}")
    for folder in folders:
        for line in explained(_sheet(folder), folder, take, str(shot), own):
            out.print(line, highlight=False, soft_wrap=True, markup=False)


def _wanted(shot: Shot, of: list[str]) -> tuple[list[str], list[str]]:
    """Characters and set pieces to be proposed: those named, or all of the shot."""
    from assets.people.characters import is_character
    from assets.people.recipes import called, learn_own

    own = learn_own(shot.sections[OwnCharacters].folder)
    people, pieces = list(shot.sections[CrowdBrief].cast), [piece.name for piece in shot.sections[SetBrief].pieces]
    if not of:
        return people, pieces
    for name in of:
        if name not in pieces and not is_character(called(name, own)):
            there = ", ".join([*people, *pieces]) or "nobody"
            raise ConfigError(f"--of {name}: no character and no set piece of {shot.file}. In this shot: {there}.")
    return [name for name in of if name not in pieces], [name for name in of if name in pieces]


def _propose_people(shot: Shot, names: list[str], count: int) -> list[Path]:
    from assets.people.recipes import called, learn_own
    from assets.providers.asking.desk import open_desk
    from assets.takes.propose import propose_character
    from pipeline.log import Reporter
    from stages import generate_crowd

    steps = stage_params(generate_crowd.params, shot, generate_crowd.name).steps
    if not names:
        return []
    own = learn_own(shot.sections[OwnCharacters].folder)
    desk = open_desk(shot.sections[CrowdProviders].entries, shot.shared, keep=True)
    with Reporter(out, shot.build / "logs") as report:
        return [
            propose_character(
                called(name, own), desk, shot.shared / "takes", count, steps, report.progress(f"takes of {name}")
            )
            for name in names
        ]


def _propose_pieces(shot: Shot, names: list[str], count: int, workers: int) -> list[Path]:
    from assets.providers.asking.desk import open_desk
    from pipeline.log import Reporter
    from pipeline.run import Wish
    from pipeline.run import run as run_shot
    from stages import SHOT, generate_set, lay_out_set
    from stages.set_takes import LaidOut, propose_pieces

    with Reporter(out, shot.build / "logs") as report:
        made: dict[type, Any] = run_shot(shot, SHOT, Wish(lay_out_set.name, None, workers), report)
        desk = open_desk(shot.sections[SetProviders].entries, shot.shared, keep=True)
        laid_out = LaidOut(made[CameraTrack], made[SetLayout], made[SunLight])
        params = stage_params(generate_set.params, shot, generate_set.name)
        return propose_pieces(laid_out, names, desk, shot.takes, count, params, report.progress("takes of the set"))


def _folders(shot: Shot) -> list[Path]:
    """Where takes of this shot lie: of its characters and of its set pieces, by whichever provider."""
    people, pieces = list(shot.sections[CrowdBrief].cast), [piece.name for piece in shot.sections[SetBrief].pieces]
    places = ((shot.shared / "takes", people), (shot.takes, pieces))
    return [
        file.parent for root, names in places for name in names for file in sorted(root.glob(f"*/{name}/takes.json"))
    ]


def _sheet(folder: Path) -> TakeSheet:
    from assets.takes.record import read_sheet

    return read_sheet(folder)
