"""What a moving shadow explains of a difference, so that it is not taken for a person."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_WINDOWS = ((7, 7), (13, 3))  # shadows lie flat: the second window fits into a narrow one
_ALIKE = 0.55  # correlation from which two windows show the same texture


def unexplained(picture: Floats, behind: Floats) -> Floats:
    """(h, w) float32: what remains of picture - behind (h, w, 3 each, encoded) when a shadow may come or go; inf where none can.

    In a window around the pixel the one must be a darker print of the other, of about its colour and with its texture.
    Any darkening from none to the window's counts, so that the soft edge of a shadow is explained as well.
    """
    apart, grey, ground = picture - behind, picture.mean(axis=2), behind.mean(axis=2)
    least = np.full(grey.shape, np.inf, np.float32)
    for size in _WINDOWS:
        a, b = grey - cv2.blur(grey, size), ground - cv2.blur(ground, size)
        alike = cv2.blur(a * b, size) / np.sqrt((cv2.blur(a * a, size) + 2e-5) * (cv2.blur(b * b, size) + 2e-5))
        shade = np.asarray(cv2.blur(apart, size), np.float32)
        level = shade.mean(axis=2)
        tint = np.abs(shade - level[..., None]).max(axis=2)
        fits = (np.abs(level) > 0.012) & (np.abs(level) < 0.4) & (tint < 0.02 + 0.25 * np.abs(level)) & (alike > _ALIKE)
        x, y = size[0] // 2, size[1] // 2
        for move in ((0, 0), (y, 0), (-y, 0), (0, x), (0, -x)):
            near, there = np.roll(shade, move, axis=(0, 1)), np.roll(fits, move, axis=(0, 1))
            share = np.clip((apart * near).sum(axis=2) / np.maximum((near * near).sum(axis=2), 1e-6), 0, 1)
            left = np.abs(apart - share[..., None] * near).max(axis=2)
            least = np.minimum(least, np.where(there, left, np.inf))
    return least.astype(np.float32)


def upright(marked: Bools, picture: Floats, behind: Floats) -> Bools:
    """Of the marked pixels (h, w), those that no shadow on the ground can be.

    A shadow, come or gone, changes the light and hardly the colour, and lies flat: its part of any column is short.
    People stand. picture, behind: (h, w, 3) encoded, NaN where unknown.
    """
    apart = np.nan_to_num(picture - behind)
    apart = np.asarray(cv2.blur(apart, (3, 3)), np.float32)
    level = apart.mean(axis=2)
    tint = np.abs(apart - level[..., None]).max(axis=2)
    shade = (np.abs(level) < 0.5) & (tint < 0.03 + 0.4 * np.abs(level))
    height = marked.shape[0]
    tall = np.ones((max(7, height // 18), 1), np.uint8)
    stands = np.zeros(marked.shape, np.bool_)
    for sign in (level < 0, level >= 0):
        columns = cv2.morphologyEx((marked & sign).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8))
        stands |= cv2.morphologyEx(columns, cv2.MORPH_OPEN, tall) > 0
    beside = cv2.dilate(stands.astype(np.uint8), np.ones((3, 2 * (height // 50) + 1), np.uint8)) > 0
    return marked & (~shade | beside)
