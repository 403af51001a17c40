"""The contact sheet of takes: a row each, to pick from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.io.color import to_display_8bit
from pipeline.review import slate

Array = np.ndarray[Any, Any]
_GREY = 0.14  # scene-linear, behind the figures
_MARGIN_PX, _HEAD_PX, _LABEL_PX = 24, 60, 200


def contact_sheet(title: str, about: str, rows: Sequence[tuple[str, str, Sequence[Array]]]) -> Array:
    """(H, W, 3) uint8. rows: of each take its name, a line about it, and its pictures (h, w, 4), premultiplied ACEScg."""
    strips = [_strip(pictures) for _, _, pictures in rows]
    width = _LABEL_PX + max(strip.shape[1] for strip in strips) + 2 * _MARGIN_PX
    height = _HEAD_PX + sum(strip.shape[0] + _MARGIN_PX for strip in strips) + _MARGIN_PX
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = slate.PAPER
    slate.write(sheet, title, _MARGIN_PX, 36, 24, weight=slate.BOLD)
    slate.write(sheet, about, _MARGIN_PX, 58, 14, slate.FAINT)
    top = _HEAD_PX + _MARGIN_PX // 2
    for (name, line, _), strip in zip(rows, strips, strict=True):
        slate.write(sheet, name, _MARGIN_PX, top + 30, 26, weight=slate.BOLD)
        slate.write(sheet, line, _MARGIN_PX, top + 54, 14, slate.FAINT)
        sheet[top : top + strip.shape[0], _MARGIN_PX + _LABEL_PX :][:, : strip.shape[1]] = strip
        top += strip.shape[0] + _MARGIN_PX
    return sheet


def _strip(pictures: Sequence[Array]) -> Array:
    """Pictures side by side over grey, as a display shows them."""
    height = max(picture.shape[0] for picture in pictures)
    padded = [np.pad(picture, ((0, height - picture.shape[0]), (0, 0), (0, 0))) for picture in pictures]
    rgba = np.concatenate(padded, axis=1).astype(np.float32)
    return np.asarray(to_display_8bit(rgba[..., :3] + (1 - rgba[..., 3:]) * np.float32(_GREY)))
