"""The command line's grain: keep what was measured of a plate as a profile, and look into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.common_commands import Settings, ShotOrDemo, demo_shot, out
from pipeline.config import load_shot
from pipeline.errors import StoreError
from pipeline.latest import latest_folder

if TYPE_CHECKING:
    import numpy as np

LEVELS = (0.02, 0.09, 0.18, 0.45, 0.9)

grain = typer.Typer(help="Grain profiles of camera stocks.", no_args_is_help=True)


@grain.command()
def save(
    shot: ShotOrDemo,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The profile, .json.", show_default=False)],
    name: Annotated[str, typer.Option(help="Of the stock: camera, index, lens. Empty: the file's name.")] = "",
    licence: Annotated[str, typer.Option(help="Under which the profile may be used.")] = "",
    settings: Settings = None,
) -> None:
    """Write the grain that measure_look found in a shot's plate, for `[look] grain = "FILE"` in other shots."""
    from calibration.look.measured import read_look
    from calibration.look.stock import GrainStock, write_stock
    from pipeline.io import exr

    loaded = demo_shot(Path("build/demo"), settings) if str(shot) == "demo" else load_shot(shot, tuple(settings or ()))
    found = read_look(latest_folder(loaded.build, "measure_look") / "look.json")
    frames = sorted(latest_folder(loaded.build, "ingest").glob("*.exr"))
    if not frames:
        raise StoreError(f"{loaded.build}: no plate was taken in. Run the shot.")
    plate = exr.read_rgb(frames[0])
    source = f"{loaded.info.name}, {plate.shape[1]} x {plate.shape[0]}"
    write_stock(file, GrainStock(name or file.stem, found.grain, plate.shape[1], source, found.grain_note, licence))
    out.print(f"{file}: {found.grain_note}", highlight=False, soft_wrap=True)
    out.print(f'[look] grain = "{file.name}"', highlight=False, soft_wrap=True, markup=False)


@grain.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A profile, .json.", show_default=False)],
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Also write its grain on five greys, .png.")
    ] = None,
) -> None:
    """Say what a profile holds: how large the grain is over the level, and how its channels hang together."""
    import numpy as np

    from calibration.look.grainswatch import greys
    from calibration.look.stock import read_stock
    from pipeline.io.color import to_display_8bit
    from pipeline.io.images import write_png
    from pipeline.kernels.grain import sigma_of

    stock = read_stock(file)
    out.print(f"{stock.name}: {stock.width_px} px wide; {stock.source}", highlight=False, soft_wrap=True)
    for label, told in (("measured", stock.note), ("licence", stock.licence)):
        if told:
            out.print(f"{label}: {told}", highlight=False, soft_wrap=True)
    out.print("level    red      green    blue     standard deviation, scene-linear ACEScg", highlight=False)
    for level in LEVELS:
        sizes = sigma_of(np.full((1, 3), level, np.float32), stock.grain)[0]
        out.print(f"{level:<8g} {'  '.join(f'{s:.5f}' for s in sizes)}", highlight=False)
    matrix = stock.grain.acescg_from_camera.astype(np.float64)
    together = matrix @ stock.grain.correlation @ matrix.T
    together /= np.sqrt(np.outer(np.diag(together), np.diag(together)))
    pairs = ((0, 1, "red-green"), (0, 2, "red-blue"), (1, 2, "green-blue"))
    out.print("correlation " + ", ".join(f"{name} {together[a, b]:.2f}" for a, b, name in pairs), highlight=False)
    spread, side = stock.grain.patchiness
    if spread:
        out.print(
            f"patches of {side:.0f} px: the size scatters by {np.expm1(spread):.0%} from place to place",
            highlight=False,
        )
    if stock.grain.flecks[0]:
        spread, side = stock.grain.flecks
        out.print(f"flecks of {side:.0f} px over them: by {np.expm1(spread):.0%}", highlight=False)
    if stock.grain.texture.size:
        _print_law(
            "gain of the first source / second and third / fourth over the picture's activity", stock.grain.texture
        )
    if stock.grain.light.size:
        _print_law("gain of all over its luminance", stock.grain.light)
    if picture:
        write_png(picture, to_display_8bit(greys(LEVELS, stock.grain)))
        out.print(str(picture), highlight=False, soft_wrap=True)


def _print_law(what: str, law: np.ndarray) -> None:
    told = ", ".join(f"{' / '.join(f'{gain:.2f}' for gain in gains)} at {seen:.3g}" for seen, *gains in law.T)
    out.print(f"{what}: {told}", highlight=False, soft_wrap=True)
