"""The command line, `battleplate`. Only this file and *_commands.py name both the runner and the stages."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.camera_commands import calibrate_lens, export
from pipeline.character_commands import characters
from pipeline.common_commands import Settings, Workers, demo_shot, out
from pipeline.config import Shot, load_shot
from pipeline.crowd_commands import crowd
from pipeline.decision_commands import apply, release
from pipeline.errors import BattleplateError, ConfigError
from pipeline.frames import FrameRange
from pipeline.grain_commands import grain
from pipeline.provider_commands import providers
from pipeline.review_commands import review
from pipeline.sections import DeliveryBrief
from pipeline.set_commands import set_
from pipeline.take_commands import takes
from pipeline.threads import choose_threads
from pipeline.train_commands import train
from pipeline.types import Delivery, Plate

app = typer.Typer(
    help="A plate goes in; its camera is solved, an army and a set are generated through depth- and pose-conditioned "
    "models, and a scene-linear EXR comp comes out, with a review movie and a report.\n\n"
    "Begin with `battleplate demo`, then `battleplate init myshow`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(export)
app.command()(calibrate_lens)
app.command()(review)
app.command()(apply)
app.command()(release)
app.add_typer(crowd, name="crowd")
app.add_typer(set_, name="set")
app.add_typer(train, name="train")
app.add_typer(takes, name="takes")
app.add_typer(characters, name="characters")
app.add_typer(providers, name="providers")
app.add_typer(grain, name="grain")
err = Console(stderr=True)

ShotFile = Annotated[Path, typer.Argument(metavar="SHOT.toml", help="The shot file.", show_default=False)]
Until = Annotated[str, typer.Option(metavar="STAGE", help="Stop after this stage.")]
Frames = Annotated[
    str,
    typer.Option(
        metavar="1001-1010", help="Only these frames of the stages after everything that needs the whole shot."
    ),
]


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder.", show_default=False)]) -> None:
    """Begin a show: write a commented show.toml and shot.toml into FOLDER."""
    from pipeline.scaffold import begin_show

    for file in begin_show(folder):
        out.print(f"wrote {file}", highlight=False)
    out.print(
        f"Put your plate beside it, edit shot.toml, then: battleplate run {folder / 'shot.toml'}", highlight=False
    )


@app.command()
def run(
    shot: ShotFile,
    until: Until = "",
    frames: Frames = "",
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Make a shot: what is made already is taken as it is, what was stopped is resumed.

    Ctrl-C stops cleanly; every finished frame is kept. Results lie in `build/`, the delivery in `delivery/`.
    """
    _run(load_shot(shot, tuple(settings or ())), until, frames, workers)


@app.command()
def status(shot: ShotFile, settings: Settings = None) -> None:
    """Say how each stage of a shot stands: made, partly made, or to be made."""
    from pipeline.run import look
    from stages import SHOT

    table = Table("stage", "stands", "frames", "why", box=None, pad_edge=False)
    colors = {"made": "green", "partly": "yellow", "missing": "red", "waiting": "dim"}
    for state in look(load_shot(shot, tuple(settings or ())), SHOT):
        count = f"{state.frames_done} of {state.frames}" if state.state == "partly" else ""
        table.add_row(state.name, f"[{colors[state.state]}]{state.state}", count, escape("; ".join(state.reasons[:2])))
    out.print(table)


@app.command()
def explain(
    shot: ShotFile,
    stage: Annotated[str, typer.Argument(help="A stage's name.", show_default=False)],
    settings: Settings = None,
) -> None:
    """Say why STAGE would be made again: which input, setting or piece of code changed since it was made."""
    from pipeline.run import look
    from stages import SHOT

    states = {s.name: s for s in look(load_shot(shot, tuple(settings or ())), SHOT)}
    if stage not in states:
        raise ConfigError(f"explain {stage}: there is no such stage. Stages: {', '.join(states)}.")
    state = states[stage]
    if state.state == "made":
        out.print(f"{stage} is made and would not run again: {state.folder}", highlight=False)
        return
    if state.state == "waiting":
        first = next(s.name for s in states.values() if s.state != "made")
        out.print(
            f"{stage} waits for {first}: what it takes is not made, so it cannot be said yet. Try: explain {first}",
            highlight=False,
        )
        return
    out.print(f"{stage} would run, because:")
    for reason in state.reasons or ["it was stopped before it was finished"]:
        out.print(f"  - {reason}", highlight=False, markup=False)


@app.command()
def doctor(build: Annotated[Path, typer.Argument(help="Where results would be kept.")] = Path("build")) -> None:
    """Check this machine: versions, codecs, GPU, memory, free disk; what is missing and how to get it."""
    from pipeline.doctor import examine

    table = Table("what", "", "found", "what to do", box=None, pad_edge=False)
    marks = {"ok": "[green]ok", "note": "[yellow]note", "missing": "[red]missing"}
    findings = examine(build)
    for finding in findings:
        table.add_row(finding.name, marks[finding.level], escape(finding.found), escape(finding.cure))
    out.print(table)
    if any(f.level == "missing" for f in findings):
        raise typer.Exit(1)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where results and delivery are written.")] = Path("build/demo"),
    until: Until = "",
    frames: Frames = "",
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Run the shipped demo shot end to end: an army in the valley, a fortress on the ridge."""
    _run(demo_shot(folder, settings), until, frames, workers)


def _run(shot: Shot, until: str, frames: str, workers: int) -> None:
    from pipeline.log import Reporter
    from pipeline.run import Wish
    from pipeline.run import run as run_shot
    from stages import SHOT

    wish = Wish(until, FrameRange.parse(frames) if frames else None, workers)
    with Reporter(out, shot.build / "logs") as report:
        results = run_shot(shot, SHOT, wish, report)
    if Delivery in results:
        _say_where(results[Delivery], results[Plate], shot)


def _say_where(delivery: Delivery, plate: Plate, shot: Shot) -> None:
    from pipeline.publish import publish

    place = shot.file.resolve().parent / shot.sections[DeliveryBrief].folder
    # A part of the shot gets a folder of its own: it must not take the whole one's place.
    part = "" if delivery.comp.frames == plate.files.frames else f"_{delivery.comp.frames}"
    folder = place / f"{shot.info.name}_v{shot.info.version:03d}{part}"
    for name, path in publish(delivery, folder).items():
        out.print(f"{name:<14}{path}", highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line. An error of ours prints one line and exits 1; Ctrl-C exits 130."""
    choose_threads()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app(standalone_mode=True)
    except BattleplateError as error:
        err.print(f"[red]error:[/] {escape(' '.join(str(error).split()))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("stopped. Every finished frame is kept: the same command goes on from here.")
        sys.exit(130)


if __name__ == "__main__":
    main()
