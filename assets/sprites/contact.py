"""A sheet of an atlas to look at: a row per character and motion, sprites over grey, as a display shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assets.sprites.demand import Wanted
from pipeline.io.color import to_display_8bit

Array = np.ndarray[Any, Any]
_GREY = 0.14  # scene-linear, behind the figures
_COLUMNS = 16
_MOST_ROWS = 40


def contact_sheet(sprites: Array, wanted: Sequence[Wanted]) -> Array:
    """(rows * H, 16 * W, 3) uint8. sprites: (S, H, W, 4) premultiplied ACEScg, in the order of `wanted`."""
    height, width = sprites.shape[1:3]
    rows: dict[tuple[str, str, int, bool], list[int]] = {}
    for i, sprite in enumerate(wanted):
        rows.setdefault((sprite.character, sprite.motion, sprite.variant, sprite.change is None), []).append(i)
    shown = list(rows.values())[:_MOST_ROWS]
    sheet = np.full((max(1, len(shown)) * height, _COLUMNS * width, 3), _GREY, np.float32)
    for row, members in enumerate(shown):
        picks = np.unique(np.linspace(0, len(members) - 1, _COLUMNS).round().astype(int))
        for column, pick in enumerate(picks):
            rgba = np.asarray(sprites[members[pick]], np.float32)
            y, x = row * height, column * width
            sheet[y : y + height, x : x + width] = rgba[..., :3] + (1 - rgba[..., 3:]) * _GREY
    return np.asarray(to_display_8bit(sheet))
