"""The command line's `battleplate set`: look at a shot's set extension, and keep a painted piece for other shots."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from pipeline.common_commands import MovieFrames, Settings, ShotOrDemo, Workers, made_until, out, shot_or_demo
from pipeline.frames import FrameRange

set_ = typer.Typer(help="Look at a shot's set extension; keep a painted piece for other shots.", no_args_is_help=True)


@set_.command()
def preview(
    shot: ShotOrDemo,
    frames: MovieFrames = "",
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where to write; else set_preview/ in the build.")
    ] = None,
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Show the set's untextured proxies over the plate, before anything is generated.

    Runs the shot as far as the set's layout (what is made already is taken as it is), then writes in seconds:

    - `set.mp4`: proxies in grey through the solved camera and its lens, with their edges, hidden by what stands before
      them; cards as they are painted; a cross where each stands, its name, its size and how far away it is;
    - `set.png`: the movie's middle frame.
    """
    from stages import lay_out_set
    from stages.set_preview import preview as look_at

    chosen, loaded = FrameRange.parse(frames) if frames else None, shot_or_demo(shot, settings)
    with made_until(loaded, lay_out_set.name, chosen, workers) as (made, report):
        began = time.monotonic()
        report.began("preview", [])
        looked = look_at(made, chosen, folder or loaded.build / "set_preview", report.progress("preview"), workers)
        seconds = time.monotonic() - began
        report.finished("preview", seconds)
    for name, path in (("movie", looked.movie), ("still", looked.still)):
        out.print(f"{name:<14}{path}", highlight=False, soft_wrap=True)
    cards = f" and {looked.cards} cards" if looked.cards else ""
    out.print(f"{looked.pieces} set pieces{cards} in {seconds:.1f} s.", highlight=False)


@set_.command()
def save(
    shot: ShotOrDemo,
    piece: Annotated[str, typer.Argument(metavar="PIECE", help="The set piece, by its name in the shot file.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where it is kept, sets/fortress say.")],
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Keep a painted set piece as an asset: mesh, paintings and their projectors in its own axes.

    Runs the shot as far as the set's paintings. Another shot takes it by `[[set.pieces]] asset = "FOLDER"`, and paints
    only what its camera sees and no painting shows.
    """
    from assets.sets.kept import keep
    from assets.sets.projection import read_pieces
    from pipeline.errors import ConfigError
    from pipeline.types import SetLayout, SetPaintings, SunLight
    from stages import generate_set

    with made_until(shot_or_demo(shot, settings), generate_set.name, None, workers) as (made, _):
        pieces = {each.name: each for each in read_pieces(made[SetLayout])}
        if piece not in pieces:
            raise ConfigError(f"set piece {piece!r} is not in this shot. Pieces: {', '.join(pieces) or 'none'}.")
        version = keep(folder, pieces[piece], made[SetPaintings], made[SunLight])
    out.print(f"{folder} version {version}", highlight=False, soft_wrap=True)
