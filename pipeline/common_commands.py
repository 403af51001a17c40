"""What the commands have in common: their output, options, the shot that they name, and its results up to a stage."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pipeline.config import Shot, load_shot
from pipeline.frames import FrameRange
from pipeline.sections import DeliveryBrief

if TYPE_CHECKING:
    from pipeline.log import Reporter

out = Console()

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="STAGE.NAME=VALUE", help="Override a setting of the shot file; may be given several times."
    ),
]
ShotOrDemo = Annotated[
    Path, typer.Argument(metavar="SHOT.toml", help="The shot file; `demo`: the shipped demo.", show_default=False)
]
Workers = Annotated[int, typer.Option(help="Worker processes for frames; 0: one per core.", min=0)]
MovieFrames = Annotated[str, typer.Option(metavar="1001-1010", help="Only these frames in the movie.")]


def demo_shot(folder: Path, settings: list[str] | None) -> Shot:
    """The shipped demo, made in `folder`."""
    shot = load_shot(Path(__file__).parent.parent / "assets/demo/shot.toml", tuple(settings or ()))
    brief = dataclasses.replace(shot.sections[DeliveryBrief], folder=str(folder.resolve() / "delivery"))
    return dataclasses.replace(
        shot, build=folder.resolve() / shot.info.name, sections={**shot.sections, DeliveryBrief: brief}
    )


def shot_or_demo(file: Path, settings: list[str] | None) -> Shot:
    """The shot file, or the shipped demo where `battleplate demo` made it."""
    if file == Path("demo") and not file.is_file():
        return demo_shot(Path("build/demo"), settings)
    return load_shot(file, tuple(settings or ()))


@contextmanager
def made_until(
    shot: Shot, stage: str, frames: FrameRange | None, workers: int
) -> Iterator[tuple[dict[type, Any], Reporter]]:
    """The shot's results up to a stage, and the report to go on telling in."""
    from pipeline.log import Reporter
    from pipeline.run import Wish
    from pipeline.run import run as run_shot
    from stages import SHOT

    with Reporter(out, shot.build / "logs") as report:
        yield run_shot(shot, SHOT, Wish(stage, frames, workers), report), report
