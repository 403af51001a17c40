"""Carry frames into one another by depth and camera: splat forward, look up backward, agree on what stands still."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import banded

Floats = NDArray[np.float32]


def splat(pixels: NDArray[np.float64], inverse: NDArray[np.float64], height: int, width: int) -> Floats:
    """Drop points into a picture, the nearest wins: (height, width) float32 inverse depth, NaN where nothing fell.

    pixels: (N, 2) positions, centres at .5, each covers the four pixels around it; NaN drops it. inverse: (N,) 1/m.
    """
    if pixels.ndim != 2 or pixels.shape[1] != 2 or len(pixels) != len(inverse):
        raise ValueError(f"pixels {pixels.shape} and inverse {inverse.shape} do not fit")
    out = np.full((height, width), np.nan, np.float32)
    _splat(np.ascontiguousarray(pixels, np.float32), np.ascontiguousarray(inverse, np.float32), out)
    return out


def look_up(pictures: Floats, rays: Floats, turns: Floats, shifts: Floats, inverse: Floats) -> tuple[Floats, Floats]:
    """What neighbours show at the points that rays meet: values (N, H, W, C) float32 and expected inverse depth (N, H, W).

    pictures: (N, h, w, C) float32 as a pinhole sees them; turns, shifts, rays as in sweep.photo_cost. inverse: (H, W)
    1/m along the rays. Where a neighbour does not see the point, the expected inverse depth is NaN and values are 0.
    """
    count = len(pictures)
    if turns.shape != (count, 3, 3) or shifts.shape != (count, 3) or rays.shape != (*inverse.shape, 2):
        raise ValueError(f"pictures {pictures.shape}, turns {turns.shape}, rays {rays.shape} do not fit")
    values = np.zeros((count, *inverse.shape, pictures.shape[3]), np.float32)
    expected = np.full((count, *inverse.shape), np.nan, np.float32)
    pictures, rays, turns, shifts, inverse = (
        np.ascontiguousarray(a, np.float32) for a in (pictures, rays, turns, shifts, inverse)
    )
    _look_up(pictures, rays, turns, shifts, inverse, values, expected)
    return values, expected


def agree(values: Floats, present: NDArray[np.bool_], rank: float = 0.5) -> tuple[Floats, Floats, NDArray[np.int32]]:
    """What most neighbours say: median (H, W, C), their spread (H, W) and number (H, W).

    values: (N, H, W, C) float32; present: (N, H, W) bool. spread: the median distance from the median, over channels the
    largest. Of an even number the lower middle one counts. rank: another quantile than the median. Where none is present: NaN, inf, 0.
    """
    count, height, width, channels = values.shape
    if present.shape != (count, height, width):
        raise ValueError(f"values {values.shape} and present {present.shape} do not fit")
    median = np.full((height, width, channels), np.nan, np.float32)
    spread = np.full((height, width), np.inf, np.float32)
    number = np.zeros((height, width), np.int32)
    given = np.ascontiguousarray(values, np.float32), np.ascontiguousarray(present)
    banded(_agree, height, *given, rank, median, spread, number)
    return median, spread, number


@njit(cache=True)
def _splat(pixels, inverse, out):
    for n in range(len(pixels)):
        drop(out, pixels[n, 0], pixels[n, 1], inverse[n])


@njit(cache=True)
def drop(out, x, y, inverse):
    """One point of splat into `out` (H, W), for use inside kernels."""
    height, width = out.shape
    x, y = x - 0.5, y - 0.5
    if not (x > -1 and y > -1 and x < width and y < height):  # NaN fails too
        return
    left, top = int(np.floor(x)), int(np.floor(y))
    for j in range(max(top, 0), min(top + 2, height)):
        for i in range(max(left, 0), min(left + 2, width)):
            if np.isnan(out[j, i]) or inverse > out[j, i]:
                out[j, i] = inverse


@njit(cache=True)
def _look_up(pictures, rays, turns, shifts, inverse, values, expected):
    count, rows, columns, channels = pictures.shape
    height, width = inverse.shape
    for n in range(count):
        turn, shift = turns[n], shifts[n]
        for y in range(height):
            for x in range(width):
                q, rx, ry = inverse[y, x], rays[y, x, 0], rays[y, x, 1]
                w = turn[2, 0] * rx + turn[2, 1] * ry + turn[2, 2] + q * shift[2]
                if not w > 1e-4:
                    continue
                u = (turn[0, 0] * rx + turn[0, 1] * ry + turn[0, 2] + q * shift[0]) / w
                v = (turn[1, 0] * rx + turn[1, 1] * ry + turn[1, 2] + q * shift[1]) / w
                if not (u >= 0 and v >= 0 and u < columns - 1 and v < rows - 1):
                    continue
                i, j = int(u), int(v)
                a, b = u - np.float32(i), v - np.float32(j)
                for c in range(channels):
                    top = pictures[n, j, i, c] + a * (pictures[n, j, i + 1, c] - pictures[n, j, i, c])
                    low = pictures[n, j + 1, i, c] + a * (pictures[n, j + 1, i + 1, c] - pictures[n, j + 1, i, c])
                    values[n, y, x, c] = top + b * (low - top)
                expected[n, y, x] = q / w


@njit(nogil=True, cache=True, error_model="numpy")
def _agree(top, bottom, values, present, rank, median, spread, number):
    count, _, width, channels = values.shape
    for y in range(top, bottom):
        line = np.empty(count, np.float32)
        for x in range(width):
            widest = np.float32(0)
            seen = 0
            for c in range(channels):
                seen = 0
                for n in range(count):
                    if present[n, y, x]:
                        line[seen] = values[n, y, x, c]
                        seen += 1
                if seen == 0:
                    break
                middle = _ranked(line, seen, rank)
                median[y, x, c] = middle
                for k in range(seen):
                    line[k] = abs(line[k] - middle)
                widest = max(widest, _ranked(line, seen, 0.5))
            if seen:
                spread[y, x] = widest
                number[y, x] = seen


@njit(cache=True)
def _ranked(line, count, rank):
    """Sort the first `count` in place (insertion: there are few) and give the one of that rank, 0..1."""
    for k in range(1, count):
        value, at = line[k], k
        while at > 0 and line[at - 1] > value:
            line[at] = line[at - 1]
            at -= 1
        line[at] = value
    return line[int(rank * (count - 1))]
