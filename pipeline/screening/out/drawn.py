"""Strokes drawn over a frame's picture, with smooth edges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pipeline.screening.out.remarks import Stroke

Array = np.ndarray[Any, Any]

_FINE = 4  # samples along each side of a pixel
_SHIFT = 4  # fractional bits of OpenCV's coordinates


def drawn(picture: Array, strokes: Iterable[Stroke]) -> Array:
    """(H, W, 3) uint8 sRGB with the strokes over it, a new array. Later strokes lie on earlier ones; ends are round."""
    out = picture.copy()
    for stroke in strokes:
        _draw(out, stroke)
    return out


def _draw(out: Array, stroke: Stroke) -> None:
    """Coverage is counted at _FINE x _FINE samples of a pixel, in the stroke's own part of the picture."""
    import cv2

    height, width = out.shape[:2]
    points = np.array(stroke.points, np.float64) * (width, height)
    thick = max(1.0, stroke.width * width)
    edge = thick / 2 + 1
    left, top = np.maximum(np.floor(points.min(axis=0) - edge), 0).astype(int)
    right, bottom = np.minimum(np.ceil(points.max(axis=0) + edge), (width, height)).astype(int)
    if left >= right or top >= bottom:
        return
    mask = np.zeros(((bottom - top) * _FINE, (right - left) * _FINE), np.uint8)
    # OpenCV's coordinates name the middles of samples.
    fine = (points - (left, top)) * _FINE - 0.5
    placed = np.rint(fine * 2**_SHIFT).astype(np.int32)
    if len(placed) == 1:
        radius = round(thick / 2 * _FINE * 2**_SHIFT)
        cv2.circle(mask, [int(v) for v in placed[0]], radius, 255, -1, cv2.LINE_8, _SHIFT)
    else:
        cv2.polylines(mask, [placed], False, 255, max(1, round(thick * _FINE)), cv2.LINE_8, _SHIFT)
    share = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)
    part = out[top:bottom, left:right]
    part[:] = np.rint(part + (np.array(stroke.colour, np.float32) - part) * share).astype(np.uint8)
