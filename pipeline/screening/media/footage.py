"""Where the frames of one delivered version lie, and the plate under it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.errors import BattleplateError, StoreError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import color
from pipeline.latest import latest_folder
from pipeline.review.screen import Screen, screen_for
from pipeline.types import Plate

MAX_WIDTH_PX = 1920  # of a proxy


@dataclass(frozen=True, slots=True)
class Footage:
    """One version of a shot: the frames that were delivered, and the plate's, None where the build is gone."""

    shot: str
    version: int
    comp: FrameFiles
    plate: FrameFiles | None
    rate: FrameRate
    timecode: str  # of the first frame, "" when unknown
    width: int  # pixels of a frame
    height: int
    pixel_aspect: float = 1.0
    display: str = color.DISPLAY
    view: str = color.VIEW

    @property
    def frames(self) -> FrameRange:
        return self.comp.frames

    def screen(self, max_width_px: int = MAX_WIDTH_PX) -> Screen:
        """How its frames are shown: square pixels, at most `max_width_px` wide."""
        plate = Plate(
            self.comp, self.width, self.height, self.pixel_aspect, self.rate, self.timecode, color.WORKING_SPACE
        )
        return screen_for(plate, self.display, self.view, max_width_px)

    def state(self, frames: FrameRange | None = None) -> str:
        """Hex digest of the frames' files by name, size and time of change, and of how they are shown.

        Another digest: what was made of them is stale. It costs one look at each file, no reading.
        """
        told = [str(self.screen()), str(self.rate), str(self.frames)]
        for files in (self.comp, self.plate):
            for frame in (frames or self.frames) if files else ():
                assert files is not None
                path = files.path(frame)
                try:
                    found = path.stat()
                    told.append(f"{path}:{found.st_size}:{found.st_mtime_ns}")
                except OSError:
                    told.append(f"{path}:missing")
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def footage(delivery: Path, build: Path, *, display: str = color.DISPLAY, view: str = color.VIEW) -> Footage:
    """The footage of a delivery folder, SHOT_vNNN; `build`: the shot's own build folder, where its plate lies.

    Names of files follow from the report's shot and version: what else the report says leads to no file. Raises StoreError
    where the report cannot be read or tells nonsense.
    """
    report = delivery / "report.json"
    try:
        found = report.stat()
        told = _told(report, found.st_mtime_ns, found.st_size, found.st_ino)
        shot, version = str(told["shot"]["name"]), int(told["shot"]["version"])
        frames = FrameRange.parse(str(told["shot"]["frames"]))
        rate = rate_of(str(told["shot"]["rate"]))
        width, height = (int(side) for side in told["plate"]["size_px"])
        aspect, timecode = float(told["plate"].get("pixel_aspect", 1)), str(told["plate"].get("timecode", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, BattleplateError) as error:
        raise StoreError(f"{report}: not a delivery's report ({error}). Deliver the shot again.") from error
    if delivery.name != f"{shot}_v{version:03d}" or min(width, height) < 1 or not 0.1 <= aspect <= 10:
        raise StoreError(f"{report}: is not of the delivery it lies in. Deliver the shot again.")
    comp = FrameFiles(delivery / "exr", f"{shot}_comp_v{version:03d}.%04d.exr", frames)
    plate = _plate(build)
    return Footage(shot, version, comp, plate, rate, timecode, width, height, aspect, display, view)


@lru_cache(maxsize=256)
def _told(report: Path, mtime_ns: int, size: int, inode: int) -> dict[str, Any]:
    """What a report tells of its pictures; thumbnails and stills ask again and again."""
    told = json.loads(report.read_text("utf-8"))
    return {name: told[name] for name in ("shot", "plate")}


def rate_of(text: str) -> FrameRate:
    """ "24000/1001" or "24" as a rate. Raises ValueError on anything else."""
    fraction = Fraction(text)
    if not 1 <= fraction <= 1000:
        raise ValueError(f"rate {text!r} is out of range")
    return FrameRate(fraction.numerator, fraction.denominator)


def _plate(build: Path) -> FrameFiles | None:
    try:
        folder = latest_folder(build, "ingest")
        files = json.loads((folder / "receipt.json").read_text("utf-8"))["result"]["files"]
        frames, name = FrameRange(int(files["frames"]["first"]), int(files["frames"]["last"])), str(files["name"])
    except (StoreError, OSError, ValueError, KeyError, TypeError):
        return None
    return FrameFiles(folder, name, frames) if "/" not in name and "\\" not in name else None
