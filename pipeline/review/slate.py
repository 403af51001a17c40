"""Letters on pictures: burn-ins under a review frame, labels on contact sheets."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

PAPER = (16, 17, 19)  # sRGB
INK = (222, 222, 218)
FAINT = (136, 138, 142)
REGULAR, BOLD = 400, 600
BAND = 0.052  # height of the burn-in, of the picture's


def burn_in(picture: Array, left: str, middle: str, right: str) -> Array:
    """Add a band with three words below (H, W, 3) uint8: nothing of the picture is covered. Returns (H + band, W, 3)."""
    height, width = picture.shape[:2]
    band = band_height(height)
    out = np.empty((height + band, width, 3), np.uint8)
    out[:height] = picture
    out[height:] = PAPER
    size = round(band * 0.52)
    baseline = height + round(band * 0.68)
    margin = round(band * 0.5)
    write(out, left, margin, baseline, size)
    write(out, middle, (width - width_of(middle, size, BOLD)) // 2, baseline, size, weight=BOLD)
    write(out, right, width - margin - width_of(right, size), baseline, size)
    return out


def band_height(picture_height: int) -> int:
    """Rows of the band below a picture of that height: even, and the whole too, for 4:2:0."""
    band = max(24, round(picture_height * BAND))
    return band + (picture_height + band) % 2


def write(
    picture: Array,
    text: str,
    x: int,
    baseline: int,
    size: int,
    ink: tuple[int, int, int] = INK,
    weight: int = REGULAR,
) -> None:
    """Write `text` into (H, W, 3) uint8 RGB, letters about `size` pixels high, in place."""
    import cv2

    # The picture counts as BGR to OpenCV; our channels are given in our own order, so the colour is too.
    cv2.putText(picture, text, (int(x), int(baseline)), ink, _font(), int(size), weight)


def width_of(text: str, size: int, weight: int = REGULAR) -> int:
    """How many pixels wide `text` will be."""
    import cv2

    return int(cv2.getTextSize((1 << 14, 1 << 8), text, (0, 0), _font(), int(size), weight)[2])


@lru_cache(maxsize=1)
def _font() -> Any:
    import cv2

    return cv2.FontFace("sans")  # comes with OpenCV 5: the same letters on every machine
