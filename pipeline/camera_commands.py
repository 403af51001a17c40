"""The command line's camera: hand the solved one to other programs, measure a lens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.common_commands import Settings, ShotOrDemo, demo_shot, out
from pipeline.config import Shot, load_shot
from pipeline.errors import ConfigError
from pipeline.sections import CameraFacts
from pipeline.types import CameraTrack, Plate

ENOUGH_COVERED = 0.7


def export(
    shot: ShotOrDemo,
    chan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Nuke's .chan: poses, vertical field of view.")
    ] = None,
    colmap: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A COLMAP model as text, points included.")
    ] = None,
    usd: Annotated[Path | None, typer.Option(metavar="FILE", help="USD: camera and points; .usdc, .usda.")] = None,
    stmaps: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="STMaps as EXR, to undistort the plate and to distort again.")
    ] = None,
    rotation_order: Annotated[str, typer.Option(help="Of the .chan: which axis turns first.")] = "ZXY",
    settings: Settings = None,
) -> None:
    """Write the solved camera for Nuke, Maya, Houdini, Blender and COLMAP. Metres, Y up, frames of the shot.

    The shot is solved first if need be. What it writes comes back with `[solve] track = "FILE"` (docs/solve.md).
    """
    from calibration import handover
    from pipeline.io.usd import check_ending
    from pipeline.solve_sections import ORDERS

    if not (chan or colmap or usd or stmaps):
        raise ConfigError(
            "export: nothing is asked for. Add --chan FILE, --colmap FOLDER, --usd FILE or --stmaps FOLDER."
        )
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

    if stmaps:
        more, number = handover.stmaps(track, stmaps), ".FRAME" if track.zoom else ""
        out.print(
            f"{stmaps}: undistort{number}.exr, redistort{number}.exr; overscan left {more.left}, top {more.top}, right {more.right}, bottom "
            f"{more.bottom} px",
            highlight=False,
            soft_wrap=True,
        )


def calibrate_lens(
    frames: Annotated[
        Path, typer.Argument(metavar="FRAMES", help="A folder of stills, a movie, or a pattern.", show_default=False)
    ],
    board: Annotated[
        str,
        typer.Option(metavar="9x6", help="Inner corners of a checkerboard; squares of a ChArUco.", show_default=False),
    ],
    square_mm: Annotated[float, typer.Option(help="Side of a square.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The lens file.")] = Path("lens.json"),
    charuco: Annotated[
        str, typer.Option(metavar="DICT_5X5_100", help="The markers' dictionary, where it is a ChArUco board.")
    ] = "",
    marker_mm: Annotated[float, typer.Option(help="Side of a marker; 0: 0.7 of a square.")] = 0.0,
) -> None:
    """Measure a lens from pictures of a checkerboard or ChArUco board, in the plate's own format.

    Move and tilt the board through the whole picture, 10 to 40 views. `[solve] lens = "lens.json"` then holds the lens in
    the camera solve (docs/solve.md).
    """
    from calibration.chart import calibrate
    from calibration.lensfile import write_lens
    from calibration.pictures import chart_of, greys

    found = calibrate(greys(frames), chart_of(board, square_mm, charuco, marker_mm))
    write_lens(output, found.lens, found.told)
    lens, told = found.lens, found.told
    out.print(
        f"{output}: focal length {lens.focal_x_px:.1f} px, k1 {lens.k1:.4f}, k2 {lens.k2:.4f}; error {told['error_px']} px over "
        f"{len(told['views'])} views that cover {told['picture_covered']:.0%} of the picture",
        highlight=False,
        soft_wrap=True,
    )
    if told["picture_covered"] < ENOUGH_COVERED:
        out.print("The rest of the picture is guessed: show the board there too.", highlight=False)


def _solved(shot: Shot) -> tuple[CameraTrack, Plate]:
    """The shot's camera, solved first if need be."""
    from pipeline.log import Reporter
    from pipeline.run import Wish
    from pipeline.run import run as run_shot
    from stages import SHOT, solve_camera

    with Reporter(out, shot.build / "logs") as report:
        made = run_shot(shot, SHOT, Wish(solve_camera.name, None, 0), report)
    return made[CameraTrack], made[Plate]
