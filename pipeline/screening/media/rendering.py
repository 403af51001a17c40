"""The frames of a comp that is being rendered: seen as they come, before there is a version."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.latest import latest_folder
from pipeline.screening.media.footage import Footage, rate_of

STAGE = "composite"
_NAME = "comp.%04d.exr"
_FRAME = re.compile(r"comp\.(\d{4,9})\.exr")


def newest_frame(build: Path) -> int | None:
    """The frame that was finished last of the comp that is being made; None where none is."""
    found = _at_work(build)
    return found[1] if found else None


def rendering(shot: str, build: Path, frame: int, *, display: str, view: str) -> Footage:
    """That frame as footage, of version 0. Raises LookupError where it is not there, or its plate is not."""
    found = _at_work(build)
    if found is None or not (found[0] / (_NAME % frame)).is_file():
        raise LookupError(f"{shot}: frame {frame} is not being rendered.")
    try:
        receipt = json.loads((latest_folder(build, "ingest") / "receipt.json").read_text("utf-8"))["result"]
        width, height, aspect = int(receipt["width"]), int(receipt["height"]), float(receipt["pixel_aspect"])
        rate = rate_of(f"{receipt['rate']['numerator']}/{receipt['rate']['denominator']}")
    except (StoreError, OSError, ValueError, KeyError, TypeError) as error:
        raise LookupError(f"{shot}: its plate cannot be read ({type(error).__name__}).") from error
    comp = FrameFiles(found[0], _NAME, FrameRange(frame, frame))
    return Footage(shot, 0, comp, None, rate, "", width, height, aspect, display, view)


def _at_work(build: Path) -> tuple[Path, int] | None:
    """The newest folder of the stage that is not finished, and the frame that was written last in it."""
    try:
        with os.scandir(build / STAGE) as entries:
            folders = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.is_dir()]
        newest = max(folders)[1]
        if os.path.exists(os.path.join(newest, "receipt.json")):
            return None
        with os.scandir(newest) as entries:
            frames = [(e.stat().st_mtime_ns, int(m[1])) for e in entries if (m := _FRAME.fullmatch(e.name))]
        return Path(newest), max(frames)[1]
    except (OSError, ValueError):  # not begun, or no frame yet
        return None
