"""The command line's camera: hand the solved one to other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.config import Shot, load_shot
from pipeline.crowd_commands import CrowdShot, Settings, demo_shot, out
from pipeline.errors import ConfigError
from pipeline.sections import CameraFacts
from pipeline.types import CameraTrack, Plate


def export(
    shot: CrowdShot,
    chan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Nuke's .chan: poses, vertical field of view.")
    ] = None,
    colmap: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A COLMAP model as text, points included.")
    ] = None,
    usd: Annotated[Path | None, typer.Option(metavar="FILE", help="USD: camera and points; .usdc, .usda.")] = None,
    rotation_order: Annotated[str, typer.Option(help="Of the .chan: which axis turns first.")] = "ZXY",
    settings: Settings = None,
) -> None:
    """Write the solved camera for Nuke, Maya, Houdini, Blender and COLMAP. Metres, Y up, frames of the shot.

    The shot is solved first if need be. What it writes comes back with `[solve] track = "FILE"` (docs/solve.md).
    """
    from calibration import handover
    from pipeline.io.usd import check_ending
    from pipeline.solve_sections import ORDERS

    if not (chan or colmap or usd):
        raise ConfigError("export: nothing is asked for. Add --chan FILE, --colmap FOLDER or --usd FILE.")
    if rotation_order not in ORDERS:
        raise ConfigError(f"--rotation-order {rotation_order}: must be one of {', '.join(ORDERS)}.")
    if usd:
        check_ending(usd)
    loaded = demo_shot(Path("build/demo"), settings) if str(shot) == "demo" else load_shot(shot, tuple(settings or ()))
    track, plate = _solved(loaded)
    if chan:
        handover.chan(track, chan, rotation_order)
        lens = track.lens
        out.print(
            f"{chan}: rotation order {rotation_order}. It has no room for the lens's centre and distortion; to bring it back:",
            f'[solve] track = "{chan.name}", centre_px = [{lens.centre_x_px:.3f}, {lens.centre_y_px:.3f}], distortion = '
            f"[{lens.k1:.7g}, {lens.k2:.7g}, {lens.p1:.7g}, {lens.p2:.7g}]",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
    if colmap:
        handover.colmap(track, colmap)
        out.print(f"{colmap}: {len(track.frames)} images, OPENCV camera", highlight=False, soft_wrap=True)
    if usd:
        handover.stage(track, usd, plate.rate, loaded.sections[CameraFacts].sensor_width_mm)
        out.print(f"{usd}: /Shot/Camera and /Shot/Points", highlight=False, soft_wrap=True)


def _solved(shot: Shot) -> tuple[CameraTrack, Plate]:
    """The shot's camera, solved first if need be."""
    from pipeline.log import Reporter
    from pipeline.run import Wish
    from pipeline.run import run as run_shot
    from stages import SHOT, solve_camera

    with Reporter(out, shot.build / "logs") as report:
        made = run_shot(shot, SHOT, Wish(solve_camera.name, None, 0), report)
    return made[CameraTrack], made[Plate]
