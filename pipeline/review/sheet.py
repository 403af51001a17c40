"""The contact sheet: plate and comp side by side at several frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.review import slate

Array = np.ndarray[Any, Any]

MARGIN_PX, GAP_PX, HEAD_PX, LABEL_PX = 28, 12, 64, 30


@dataclass(frozen=True, slots=True)
class Pair:
    """One row. plate, comp: (h, w, 3) uint8 for the display, of one size in the whole sheet."""

    frame: int
    timecode: str
    plate: Array
    comp: Array


def contact_sheet(title: str, subtitle: str, pairs: Sequence[Pair]) -> Array:
    """Lay the pairs out under a headline: (H, W, 3) uint8."""
    height, width = pairs[0].plate.shape[:2]
    row = height + LABEL_PX + GAP_PX
    sheet = np.empty((MARGIN_PX * 2 + HEAD_PX + row * len(pairs), MARGIN_PX * 2 + width * 2 + GAP_PX, 3), np.uint8)
    sheet[:] = slate.PAPER
    slate.write(sheet, title, MARGIN_PX, MARGIN_PX + 22, 24, weight=slate.BOLD)
    slate.write(sheet, subtitle, MARGIN_PX, MARGIN_PX + 46, 14, slate.FAINT)
    for number, pair in enumerate(pairs):
        top = MARGIN_PX + HEAD_PX + number * row
        for column, (name, picture) in enumerate((("plate", pair.plate), ("comp", pair.comp))):
            left = MARGIN_PX + column * (width + GAP_PX)
            sheet[top : top + height, left : left + width] = picture
            slate.write(sheet, f"{name} {pair.frame}", left, top + height + 20, 14)
            if pair.timecode:
                x = left + width - slate.width_of(pair.timecode, 14)
                slate.write(sheet, pair.timecode, x, top + height + 20, 14, slate.FAINT)
    return sheet


def spread(first: int, last: int, count: int) -> list[int]:
    """`count` frames from first to last, evenly, each once."""
    return sorted({round(f) for f in np.linspace(first, last, count).tolist()})
