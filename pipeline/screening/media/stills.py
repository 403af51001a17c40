"""Stills on demand: one view of one frame with exposure and gamma, and thumbnails, decoded in bounded time."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.frames import FrameRange
from pipeline.io import images
from pipeline.io.files import replacing
from pipeline.screening.media import probe
from pipeline.screening.media.child import Child, Told
from pipeline.screening.media.footage import Footage
from pipeline.screening.media.views import COMP, graded, picture

Array = np.ndarray[Any, Any]

EXPOSURES_EV, GAMMAS = (-8.0, 8.0), (0.2, 5.0)
WIDTHS_PX = (16, 4096)
THUMBNAIL_PX = 384
_LIMIT_S = 30.0  # of one still
_KEPT_BYTES = 96 << 20


@dataclass(frozen=True, slots=True)
class Still:
    """What is asked for. exposure_ev: stops in scene light; gamma: of the display picture, above 1 brightens.

    width_px: at most; 0: the frame's own. Raises ValueError out of range.
    """

    view: str
    frame: int
    exposure_ev: float = 0.0
    gamma: float = 1.0
    width_px: int = 0
    form: Literal["png", "jpg"] = "png"

    def __post_init__(self) -> None:
        for name, (least, most) in (("exposure_ev", EXPOSURES_EV), ("gamma", GAMMAS)):
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name):g}, {least:g} to {most:g} are possible")
        if self.width_px and not WIDTHS_PX[0] <= self.width_px <= WIDTHS_PX[1]:
            raise ValueError(f"width is {self.width_px}, {WIDTHS_PX[0]} to {WIDTHS_PX[1]} are possible")


class Stills:
    """Makes stills in a process of their own, and keeps the last ones. folder: where thumbnails lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._child = Child(_LIMIT_S)
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, footage: Footage, still: Still) -> bytes:
        """The still as a PNG's or JPEG's bytes. Raises FormatError where the frame cannot be read in time."""
        key = tag(footage, still)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        data = bytes(self._child.run(make, footage, still))
        with self._lock:
            self._kept[key] = data
            while sum(map(len, self._kept.values())) > _KEPT_BYTES and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return data

    def thumbnail(self, footage: Footage) -> Path:
        """A JPEG of the comp's middle frame, made when it is first asked for. Raises FormatError."""
        middle = (footage.frames.first + footage.frames.last) // 2
        still = Still(COMP, middle, width_px=THUMBNAIL_PX, form="jpg")
        place = self.folder / f"{footage.shot}_v{footage.version:03d}"
        file = place / f"thumbnail.{tag(footage, still)}.jpg"
        if not file.is_file():
            data = bytes(self._child.run(make, footage, still))
            older = [other for other in place.glob("thumbnail.*.jpg") if other != file]  # two may have asked at once
            with replacing(file, durable=False) as temporary:
                temporary.write_bytes(data)
            for other in older:
                other.unlink(missing_ok=True)
        return file

    def tile(self, footage: Footage, view: str, frame: int, x: int, y: int) -> probe.Tile:
        """Values of a view's pixels from x, y on. Raises FormatError where the frame cannot be read in time."""
        told: probe.Tile = self._child.run(probe.make, footage, view, frame, x, y)
        return told

    def close(self) -> None:
        self._child.close()


def tag(footage: Footage, still: Still) -> str:
    """What decides a still's bytes, as 16 hex digits."""
    state = footage.state(FrameRange(still.frame, still.frame))
    return hashlib.sha256(f"{state} {still}".encode()).hexdigest()[:16]


def make(_tell: Told, footage: Footage, still: Still) -> bytes:
    """Read, show, encode. Raises FormatError."""
    shown = picture(footage, still.view, still.frame, exposure_ev=still.exposure_ev)
    shown = footage.screen(still.width_px or footage.width * 8).fit(shown)
    if still.gamma != 1 and graded(still.view):
        shown = _curve(still.gamma)[shown]
    return images.png(shown) if still.form == "png" else images.jpeg(shown, 90)


def _curve(gamma: float) -> Array:
    return np.rint(255 * (np.arange(256) / 255) ** (1 / gamma)).astype(np.uint8)
