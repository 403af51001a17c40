"""A grain profile as an asset: what one camera stock's grain is, as JSON, for every plate that was shot on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.look.measured import GRAIN, grain_from
from pipeline.errors import FormatError
from pipeline.io.files import write_bytes
from pipeline.kernels.grain import Grain, sigma_of

FORMAT = "battleplate grain 6"
READ = (*(f"battleplate grain {n}" for n in (1, 2, 3, 4, 5)), FORMAT)
OTHER_TEXTURE = "battleplate grain 4"  # told in the contrast of cells four times as wide: not to be had from it
SAME_WIDTH = 0.02
CURE = "Make it with `battleplate grain save SHOT FILE`."
Array = np.ndarray


@dataclass(frozen=True, slots=True)
class GrainStock:
    """A profile and where it comes from. width_px: of the plate that it was measured on, whose pixels its filter counts."""

    name: str
    grain: Grain
    width_px: int
    source: str = ""  # shot and colour space
    note: str = ""  # how it was measured
    licence: str = ""


def write_stock(path: Path, stock: GrainStock) -> None:
    """Write a profile; every float32 comes back bit for bit."""
    told = {name: getattr(stock, name) for name in ("name", "width_px", "source", "note", "licence")}
    tables = {name: getattr(stock.grain, name).astype(float).tolist() for name in GRAIN}
    content = {"format": FORMAT, **told, "space": "scene-linear ACEScg", "grain": tables}
    write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())


def read_stock(path: Path) -> GrainStock:
    """Read what write_stock wrote. Raises FormatError when there is no such file, or it is no profile or a broken one."""
    try:
        content: Any = json.loads(path.read_text("utf-8"))
        if content["format"] not in READ:
            raise ValueError(f"its format is {content['format']!r}, not {FORMAT!r}")
        if content["format"] == OTHER_TEXTURE:
            content["grain"].pop("texture", None)
        grain = grain_from(content["grain"])
        told = {name: str(content[name]) for name in ("name", "source", "note", "licence")}
        return GrainStock(grain=grain, width_px=int(content["width_px"]), **told)
    except FileNotFoundError as error:
        raise FormatError(f"{path}: there is no such grain profile. {CURE}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = f"lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise FormatError(f"{path}: is no grain profile ({said}). {CURE}") from error


def fitting(path: Path, stock: GrainStock, width_px: int) -> None:
    """Raise FormatError where a plate of `width_px` is not the size that the profile's filter counts in."""
    if abs(stock.width_px / width_px - 1) > SAME_WIDTH:
        raise FormatError(
            f"{path}: was measured on a plate {stock.width_px} px wide, this one has {width_px}: its grain would be of "
            "another size. Save a profile from a plate of this width."
        )


def beside(stock: Grain, measured: Grain, picture: Array) -> float:
    """The plate's own measured grain as a share of the profile's, over a picture (H, W, 3): 1 where they are the same."""
    ours, own = (sigma_of(picture.reshape(-1, 3), grain) for grain in (stock, measured))
    return float(np.median(own / np.maximum(ours, 1e-7)))
