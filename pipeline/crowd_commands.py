"""The command line's `battleplate crowd`: look at people, find them, write them out, before anything is generated."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from pipeline.common_commands import MovieFrames, Settings, ShotOrDemo, Workers, made_until, out, shot_or_demo
from pipeline.config import Shot
from pipeline.errors import ConfigError
from pipeline.frames import FrameRange
from pipeline.sections import CameraFacts
from pipeline.types import CameraTrack, CrowdLayout, Plate

crowd = typer.Typer(
    help="Look at a shot's crowd, find people in it, write it out, before anything is generated.", no_args_is_help=True
)
LAID_OUT = "lay_out_crowd"


@crowd.command()
def preview(
    shot: ShotOrDemo,
    frames: MovieFrames = "",
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

    chosen, loaded = FrameRange.parse(frames) if frames else None, shot_or_demo(shot, settings)
    with made_until(loaded, LAID_OUT, chosen, workers) as (made, report):
        began = time.monotonic()
        report.began("preview", [])
        folder = folder or loaded.build / "crowd_preview"
        looked = look_at(made, chosen, folder, report.progress("preview"), workers)
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
    shot: ShotOrDemo,
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
    with made_until(shot_or_demo(shot, settings), LAID_OUT, None, workers) as (made, _report):
        found = who_is_at(made, frame, x, y)
    out.print(found, highlight=False, soft_wrap=True, markup=False)


@crowd.command()
def export(
    shot: ShotOrDemo,
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
    from assets.exchange.layouts import SENSOR_MM, ShotCamera, write_crowd
    from calibration.cameras import load_poses, zoom_of
    from pipeline.io.usd import check_ending

    check_ending(usd)
    loaded = shot_or_demo(shot, settings)
    sensor_mm = loaded.sections[CameraFacts].sensor_width_mm or SENSOR_MM
    with made_until(loaded, LAID_OUT, None, workers) as (made, _report):
        track = made[CameraTrack]
        camera = ShotCamera(load_poses(track), track.lens, sensor_mm, zoom_of(track))
        write_crowd(made[CrowdLayout], usd, made[Plate].rate, camera, skinned=skel)
    out.print(f"{made[CrowdLayout].count} people in {usd}", highlight=False, soft_wrap=True)


@crowd.command()
def guides(
    shot: ShotOrDemo,
    frames: Annotated[str, typer.Option(metavar="1001-1010", help="Only these frames.")] = "",
    family: Annotated[
        str, typer.Option(help="Whose pose maps are drawn: sd15, sdxl, flux, qwen or wan.", show_default=True)
    ] = "sdxl",
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where to write; else crowd_guides/ in the build.")
    ] = None,
    settings: Settings = None,
    workers: Workers = 0,
) -> None:
    """Write the crowd's guides through the solved camera and its lens, for compositors and conditioned models.

    The shot must be laid out (`battleplate run SHOT.toml --until lay_out_crowd`). For every frame:

    - `guides.%04d.exr`: depth in metres (Z), normals (N.X N.Y N.Z, camera axes), `part`, `id`, motion in pixels until the
      next frame, and a Cryptomatte of everyone by name (CryptoCrowd00, 01): 32-bit, lossless, for Nuke and others;
    - `pose.%04d.png`: the OpenPose map, drawn with the stroke that the model family learnt.

    And to look at: `guides.mp4` and the contact sheet `guides.png`.
    """
    from assets.guides.openpose import stroke_of
    from stages.crowd_sequence import write_guides

    chosen, loaded = FrameRange.parse(frames) if frames else None, shot_or_demo(shot, settings)
    stroke_of(family)  # a wrong name is said before anything is loaded
    _must_be_laid_out(loaded, shot)
    with made_until(loaded, LAID_OUT, None, workers) as (made, report):
        began = time.monotonic()
        report.began("guides", [])
        folder = folder or loaded.build / "crowd_guides"
        wrote = write_guides(made, chosen, family, folder, workers, report.progress("guides"))
        seconds = time.monotonic() - began
        report.finished("guides", seconds)
    for name, path in (
        ("frames", wrote.exr),
        ("pose maps", wrote.pose),
        ("movie", wrote.movie),
        ("sheet", wrote.sheet),
    ):
        out.print(f"{name:<14}{path}", highlight=False, soft_wrap=True)
    out.print(f"{made[CrowdLayout].count} people, {len(wrote.frames)} frames in {seconds:.1f} s.", highlight=False)


def _must_be_laid_out(shot: Shot, file: Path) -> None:
    from pipeline.run import look
    from stages import SHOT, lay_out_crowd

    state = next(s for s in look(shot, SHOT) if s.name == lay_out_crowd.name)
    if state.state != "made":
        run = "battleplate demo" if str(file) == "demo" else f"battleplate run {file}"
        raise ConfigError(
            f"crowd guides {file}: the crowd is not laid out yet, or something changed since. "
            f"Run first: {run} --until {lay_out_crowd.name}"
        )
