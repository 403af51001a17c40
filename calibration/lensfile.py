"""A lens file: what a calibration found, as JSON, for any plate of the same lens and sensor area."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from calibration.lens import scaled
from pipeline import codec
from pipeline.errors import BattleplateError, FormatError
from pipeline.io.files import write_bytes
from pipeline.types import Lens

SAME_SHAPE = 5e-3


def write_lens(path: Path, lens: Lens, told: dict[str, Any]) -> None:
    """Write `lens` and how it was found."""
    write_bytes(path, (json.dumps({"lens": asdict(lens), "calibration": told}, indent=1) + "\n").encode())


def read_lens(path: Path, width: int, height: int, pixel_aspect: float = 1.0) -> Lens:
    """The lens at a plate's size. Raises FormatError when it is no lens file or was measured on another shape of picture."""
    try:
        found: Lens = codec.build(Lens, json.loads(path.read_text("utf-8"))["lens"], f"{path} lens")
    except FileNotFoundError as error:
        raise FormatError(f"{path}: there is no such file. Make it with `battleplate calibrate-lens`.") from error
    except (ValueError, KeyError, TypeError, BattleplateError) as error:
        raise FormatError(f"{path}: is no lens file ({error}). Make it with `battleplate calibrate-lens`.") from error
    values = [value for value in asdict(found).values()]
    if not all(map(math.isfinite, values)) or min(values[:4]) <= 0:
        raise FormatError(f"{path}: its sizes and focal lengths must be above 0. Calibrate again.")
    x, y = width / found.width, height / found.height
    if min(abs(x / y - 1), abs(x * pixel_aspect / y - 1)) > SAME_SHAPE:
        raise FormatError(
            f"{path}: was measured on {found.width} x {found.height}, the plate is {width} x {height}: not the same shape. "
            "Film the chart in the plate's own format."
        )
    return scaled(found, width, height)
