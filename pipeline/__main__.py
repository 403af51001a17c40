"""The command line, `battleplate`. The only place that names both the runner and the stages."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.config import Shot, load_shot
from pipeline.errors import BattleplateError, ConfigError
from pipeline.frames import FrameRange
from pipeline.sections import CameraFacts, DeliveryBrief
from pipeline.types import CameraTrack, CrowdLayout, Delivery, Plate

if TYPE_CHECKING:
    from pipeline.log import Reporter

app = typer.Typer(
    help="A plate goes in; its camera is solved, an army and a set are generated through depth- and pose-conditioned "
    "models, and a scene-linear EXR comp comes out, with a review movie and a report.\n\n"
    "Begin with `battleplate demo`, then `battleplate init myshow`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
crowd = typer.Typer(
    help="Look at a shot's crowd, and find people in it, before anything is generated.", no_args_is_help=True
)
app.add_typer(crowd, name="crowd")
out = Console()
err = Console(stderr=True)

ShotFile = Annotated[Path, typer.Argument(metavar="SHOT.toml", help="The shot file.", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="STAGE.NAME=VALUE", help="Override a setting of the shot file; may be given several times."
    ),
]
CrowdShot = Annotated[
    Path, typer.Argument(metavar="SHOT.toml", help="The shot file; `demo`: the shipped demo.", show_default=False)
]
Until = Annotated[str, typer.Option(metavar="STAGE", help="Stop after this stage.")]
Frames = Annotated[
    str,
    typer.Option(
        metavar="1001-1010", help="Only these frames of the stages after everything that needs the whole shot."
    ),
]
Workers = Annotated[int, typer.Option(help="Worker processes for frames; 0: one per core.", min=0)]


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
    _run(_demo_shot(folder, settings), until, frames, workers)


@crowd.command()
def preview(
    shot: CrowdShot,
    frames: Annotated[str, typer.Option(metavar="1001-1010", help="Only these frames in the movie.")] = "",
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where to write; else crowd_preview/ in the build.")
    ] = None,
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Show the crowd in grey over the plate, and from above, before anything is generated.

    Runs the shot as far as the crowd's layout (what is made already is taken as it is), then writes in seconds:

    - `crowd.mp4`: grey people through the solved camera and its lens, hidden by what stands before them, with their ids;
    - `crowd_top.png`: the layout from above, with zones, ways walked, the camera's path and field of view;
    - `crowd.html`: the same as a page; a click on somebody copies the `[[crowd.overrides]]` lines for the shot file.
    """
    from stages.crowd_preview import preview as look_at

    chosen, loaded = FrameRange.parse(frames) if frames else None, _crowd_shot(shot, settings)
    with _laid_out(loaded, chosen, workers) as (made, report):
        began = time.monotonic()
        report.began("preview", [])
        looked = look_at(made, chosen, folder or loaded.build / "crowd_preview", report.progress("preview"))
        seconds = time.monotonic() - began
        report.finished("preview", seconds)
    for name, path in (("movie", looked.movie), ("from above", looked.top), ("page", looked.page)):
        out.print(f"{name:<14}{path}", highlight=False, soft_wrap=True)
    scaled = f"; pixels of the plate = pixels of the movie x {looked.plate_px_per_px:.3g}"
    out.print(
        f"{made[CrowdLayout].count} people in {seconds:.1f} s. Who is that? battleplate crowd pick {shot} --frame FRAME "
        f"--at X,Y{scaled if looked.plate_px_per_px > 1 else ''}",
        highlight=False,
        soft_wrap=True,
    )


@crowd.command()
def pick(
    shot: CrowdShot,
    frame: Annotated[int, typer.Option(help="The plate's frame.", show_default=False)],
    at: Annotated[str, typer.Option(metavar="X,Y", help="A pixel of the plate, 0,0 = top left.", show_default=False)],
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Say who is drawn at a pixel of the plate: id, name, character, motion, zone, distance.

    The id is what `[[crowd.overrides]]` in the shot file takes.
    """
    from stages.crowd_preview import pick as who_is_at

    try:
        x, y = (float(part) for part in at.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--at {at}: is not understood. Write a pixel of the plate as X,Y, such as 480,270."
        ) from error
    with _laid_out(_crowd_shot(shot, settings), None, workers) as (made, _report):
        found = who_is_at(made, frame, x, y)
    out.print(found, highlight=False, soft_wrap=True, markup=False)


@crowd.command()
def export(
    shot: CrowdShot,
    usd: Annotated[
        Path, typer.Option("--usd", metavar="FILE", help="What to write: .usdc, .usda.", show_default=False)
    ],
    skel: Annotated[bool, typer.Option("--skel", help="People who move (UsdSkel); else a PointInstancer.")] = False,
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Write the crowd and the solved camera as USD, for Houdini, Golaem, Maya, Blender or usdview.

    As a PointInstancer with everyone's id, motion and phase, for any number, which `[crowd] layout = "FILE"` brings back;
    or with --skel as people who move, for up to a few hundred. Metres, Y up, a time code is a frame of the shot.
    """
    from assets.exchange import SENSOR_MM, ShotCamera, write_crowd
    from calibration.cameras import load_poses
    from pipeline.io.usd import check_ending

    check_ending(usd)
    loaded = _crowd_shot(shot, settings)
    sensor_mm = loaded.sections[CameraFacts].sensor_width_mm or SENSOR_MM
    with _laid_out(loaded, None, workers) as (made, _report):
        camera = ShotCamera(load_poses(made[CameraTrack]), made[CameraTrack].lens, sensor_mm)
        write_crowd(made[CrowdLayout], usd, made[Plate].rate, camera, skinned=skel)
    out.print(f"{made[CrowdLayout].count} people in {usd}", highlight=False, soft_wrap=True)


def _demo_shot(folder: Path, settings: list[str] | None) -> Shot:
    shot = load_shot(Path(__file__).parent.parent / "assets/demo/shot.toml", tuple(settings or ()))
    brief = dataclasses.replace(shot.sections[DeliveryBrief], folder=str(folder.resolve() / "delivery"))
    return dataclasses.replace(
        shot, build=folder.resolve() / shot.info.name, sections={**shot.sections, DeliveryBrief: brief}
    )


def _crowd_shot(file: Path, settings: list[str] | None) -> Shot:
    """The shot file, or the shipped demo where `battleplate demo` made it."""
    if file == Path("demo") and not file.is_file():
        return _demo_shot(Path("build/demo"), settings)
    return load_shot(file, tuple(settings or ()))


@contextmanager
def _laid_out(shot: Shot, frames: FrameRange | None, workers: int) -> Iterator[tuple[dict[type, Any], Reporter]]:
    """The shot's results up to the crowd's layout, and the report to go on telling in."""
    from pipeline.log import Reporter
    from pipeline.run import Wish
    from pipeline.run import run as run_shot
    from stages import SHOT, lay_out_crowd

    with Reporter(out, shot.build / "logs") as report:
        yield run_shot(shot, SHOT, Wish(lay_out_crowd.name, frames, workers), report), report


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
    # workqueue: numba's OpenMP layer spins when cores are shared (14 against 53 steps/s measured), and dies after a fork.
    os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
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
