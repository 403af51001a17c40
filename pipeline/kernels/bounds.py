"""The part of a picture where something is: what lies outside of it need not be looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Window = tuple[slice, slice]  # rows, columns


def around(there: NDArray[np.bool_], margin: int = 0) -> Window:
    """Rows and columns that hold all of `there` (H, W) and a margin of pixels; two empty slices when there is nothing."""
    height, width = there.shape
    rows = _held(np.asarray(there.any(axis=1)), margin, height)
    if rows.start == rows.stop:
        return rows, slice(0, 0)
    return rows, _held(np.asarray(there[rows].any(axis=0)), margin, width)


def nothing(window: Window) -> bool:
    """Is it empty?"""
    return any(lines.start >= lines.stop for lines in window)


def _held(lines: NDArray[np.bool_], margin: int, count: int) -> slice:
    found = np.flatnonzero(lines)
    if not len(found):
        return slice(0, 0)
    return slice(max(int(found[0]) - margin, 0), min(int(found[-1]) + 1 + margin, count))
