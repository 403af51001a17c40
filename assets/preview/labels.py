"""Numbers over people, few enough to read: large for the near, none for the far, and the same ones from frame to frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.review import slate

Picture = NDArray[np.uint8]
SMALLEST_PX, LARGEST_PX = 9, 20  # letters
LETTERS = 0.22  # of the figure's height
LEAST_TALL_PX = 13.0  # figures smaller than this carry no number
GAP_PX = 3  # between two numbers
LIFTS = (0, 1, 2, 3, 4)  # where there is no room over the head, so many rows higher, on a line
# Told apart on stone, grass and sky, by people who see red and green alike too.
COLOURS = (
    (255, 213, 79),
    (79, 195, 247),
    (255, 138, 101),
    (174, 213, 129),
    (206, 147, 216),
    (240, 240, 240),
    (77, 208, 178),
    (244, 143, 177),
)


def zone_colours(zones: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """A colour (sRGB) for each zone, in the order of first mention."""
    return {zone: COLOURS[i % len(COLOURS)] for i, zone in enumerate(dict.fromkeys(zones))}


@dataclass(frozen=True, slots=True)
class Label:
    """A number over the point (x, y), pixels: letters `size` pixels high, raised by `lift` rows."""

    number: int
    x: float
    y: float
    size: int
    colour: tuple[int, int, int]
    lift: int = 0


def size_for(tall_px: float) -> int:
    """Height of the letters over a figure so tall on screen, pixels; 0: none."""
    return 0 if tall_px < LEAST_TALL_PX else min(max(round(LETTERS * tall_px), SMALLEST_PX), LARGEST_PX)


def thinned(labels: Sequence[Label], size: tuple[int, int], kept: Mapping[int, Label]) -> dict[int, Label]:
    """Those of `labels`, nearest first, that overlap no other, by number, raised where that makes room.

    kept: what the last frame showed; these go first and stay as high, so that nothing flickers. size: (height, width) of
    the picture; what would be cut off is left out.
    """
    height, width = size
    taken, count = np.empty((2 * len(labels), 4)), 0
    chosen: dict[int, Label] = {}
    for label in sorted(labels, key=lambda one: one.number not in kept):
        left, top, right, bottom = _box(replace(label, lift=0))
        lifts = np.array((kept[label.number].lift,) if label.number in kept else LIFTS)
        up = lifts * _row(label)
        free = (left >= 0) & (right <= width) & (top - up >= 0) & (bottom - up <= height)
        others = taken[:count]
        beside = others[(others[:, 0] < right + GAP_PX) & (others[:, 2] > left - GAP_PX)]
        free &= ~((beside[:, 1] < bottom - up[:, None] + 1) & (beside[:, 3] > top - up[:, None] - 1)).any(axis=1)
        if free.any():
            raised = replace(label, lift=int(lifts[free.argmax()]))
            box = _box(raised)
            # The line down to the head is kept free too, or the next number would stand on it.
            taken[count : count + 2] = box, (label.x - 1, box[3], label.x + 1, max(label.y, box[3]))
            count += 2
            chosen[label.number] = raised
    return chosen


def draw(picture: Picture, labels: Mapping[int, Label]) -> None:
    """Write the numbers into (H, W, 3) uint8, in place, with a dark rim. They must lie inside (see `thinned`)."""
    for label in labels.values():
        if label.lift:
            _leader(picture, label)
    for label in labels.values():
        ink = _stamp(str(label.number), label.size)
        left, top, right, bottom = _box(label)
        under = picture[top:bottom, left:right]
        under[:] = np.rint(under * (1 - 0.75 * _rim(str(label.number), label.size)[..., None]))
        under[:] = np.rint(under + ink[..., None] * (np.array(label.colour, np.float32) - under))


def _leader(picture: Picture, label: Label) -> None:
    """A thin line, half there, from a raised number to the head."""
    x = int(np.clip(round(label.x), 0, picture.shape[1] - 1))
    top, bottom = _box(label)[3] - 2, min(round(label.y), picture.shape[0])
    under = picture[top:bottom, x]
    under[:] = np.rint(0.45 * under + 0.55 * np.array(label.colour))


def _box(label: Label) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a number's pixels."""
    rows, columns = _stamp(str(label.number), label.size).shape
    left, bottom = round(label.x - columns / 2), round(label.y) - label.lift * _row(label)
    return left, bottom - rows, left + columns, bottom


def _row(label: Label) -> int:
    """Pixels from one number to the next above it."""
    return label.size + 4


@lru_cache(maxsize=8192)
def _stamp(text: str, size: int) -> NDArray[np.float32]:
    """(h, w) float32: how much ink each pixel of the written text takes, 0..1."""
    canvas = np.zeros((size + 5, slate.width_of(text, size, slate.BOLD) + 5, 3), np.uint8)
    slate.write(canvas, text, 2, size + 1, size, (255, 255, 255), slate.BOLD)
    return np.asarray(canvas[..., 0] / np.float32(255), np.float32)


@lru_cache(maxsize=8192)
def _rim(text: str, size: int) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.dilate(_stamp(text, size), np.ones((3, 3), np.uint8)), np.float32)
