"""Plane sweep: how well does each depth explain what the neighbouring frames saw? Zero-mean correlation of windows.

Inverse depth q = 1/z throughout: steps in q are even steps in the picture, and q = 0 is the sky.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WINDOW = (2, 2)  # rows and columns to either side: 5 x 5; larger ones fatten edges, smaller ones trust grain
WORST = 254  # cost of a depth that explains nothing


def photo_cost(
    reference: Floats,
    rays: Floats,
    pictures: Floats,
    turns: Floats,
    shifts: Floats,
    base: Floats,
    offsets: Floats,
    noise: float,
    window: tuple[int, int] = WINDOW,
) -> NDArray[np.uint8]:
    """Cost (H, W, D) uint8 of inverse depths `base + offsets[d]`: 0 = the neighbours look alike, WORST = unlike.

    reference: (H, W) float32, log-encoded grey 0..1. rays: (H, W, 2) float32, x/z and y/z through its pixels.
    pictures: (N, h, w) float32, neighbours seen by a pinhole. turns: (N, 3, 3) and shifts: (N, 3) float32, such that the
    point at inverse depth q lies at array index p[:2] / p[2], p = turn @ (x/z, y/z, 1) + q * shift. base: (H, W) float32,
    1/m, zero for a plane sweep or a surface to search around (windows then follow its slant). offsets: (D,) float32.
    noise: standard deviation of the grain; texture weaker than that explains nothing.
    window: rows and columns to either side of a pixel that are compared with it; low and wide for ground seen at a graze.
    A pixel's cost is the mean of the better half of its neighbours: those behind an edge are left out.
    Raises ValueError on other shapes.

    Source: Collins, "A space-sweep approach to true multi-image matching", CVPR 1996; the better half after Kang,
    Szeliski and Chai, "Handling occlusions in dense multi-view stereo", CVPR 2001.
    """
    count, height, width = len(pictures), *reference.shape
    if rays.shape != (height, width, 2) or base.shape != (height, width):
        raise ValueError(f"rays {rays.shape} and base {base.shape} do not fit reference {reference.shape}")
    if turns.shape != (count, 3, 3) or shifts.shape != (count, 3) or count == 0 or pictures.ndim != 3:
        raise ValueError(f"pictures {pictures.shape}, turns {turns.shape} and shifts {shifts.shape} do not fit")
    cost = np.empty((height, width, len(offsets)), np.uint8)
    reference, rays, pictures, turns, shifts, base, offsets = (
        np.ascontiguousarray(a, np.float32) for a in (reference, rays, pictures, turns, shifts, base, offsets)
    )
    _photo_cost(
        reference,
        rays,
        pictures,
        turns,
        shifts,
        base,
        offsets,
        np.float32(noise * noise),
        (0,) * window[0],
        (0,) * window[1],
        cost,
    )
    return cost


@njit(cache=True)
def _photo_cost(reference, rays, pictures, turns, shifts, base, offsets, floor, rows, columns, cost):
    height, width = reference.shape
    count = len(pictures)
    mean, variance = _box_moments(reference, rows, columns)
    scores = np.empty((count, height, width), np.float32)
    warped = np.empty((height, width), np.float32)
    inside = np.empty((height, width), np.bool_)
    for d in range(len(offsets)):
        for n in range(count):
            _warp(pictures[n], rays, turns[n], shifts[n], base, offsets[d], warped, inside)
            _zncc(reference, mean, variance, warped, inside, floor, rows, columns, scores[n])
        _better_half(scores, cost, d)


@njit(cache=True)
def _warp(picture, rays, turn, shift, base, offset, warped, inside):
    height, width = warped.shape
    rows, columns = picture.shape
    right, bottom = np.float32(columns - 1), np.float32(rows - 1)
    for y in range(height):
        for x in range(width):
            q = max(base[y, x] + offset, np.float32(0))
            rx, ry = rays[y, x, 0], rays[y, x, 1]
            w = turn[2, 0] * rx + turn[2, 1] * ry + turn[2, 2] + q * shift[2]
            if w < np.float32(1e-4):
                inside[y, x] = False
                warped[y, x] = np.float32(0)
                continue
            u = (turn[0, 0] * rx + turn[0, 1] * ry + turn[0, 2] + q * shift[0]) / w
            v = (turn[1, 0] * rx + turn[1, 1] * ry + turn[1, 2] + q * shift[1]) / w
            inside[y, x] = (u >= 0) and (v >= 0) and (u <= right) and (v <= bottom)
            u = min(max(u, np.float32(0)), right)
            v = min(max(v, np.float32(0)), bottom)
            i, j = min(int(u), columns - 2), min(int(v), rows - 2)
            a, b = u - np.float32(i), v - np.float32(j)
            top = picture[j, i] + a * (picture[j, i + 1] - picture[j, i])
            low = picture[j + 1, i] + a * (picture[j + 1, i + 1] - picture[j + 1, i])
            warped[y, x] = top + b * (low - top)


@njit(cache=True)
def _zncc(reference, mean, variance, warped, inside, floor, rows, columns, score):
    """Zero-mean normalised cross-correlation of every window; -2 where the neighbour does not see the pixel."""
    up, aside = len(rows), len(columns)  # tuples: their lengths are known when this is compiled, 1.4 times as fast
    height, width = reference.shape
    sums = np.zeros((3, width + 2 * aside + 1), np.float32)
    share = np.float32(1.0 / ((2 * up + 1) * (2 * aside + 1)))
    for y in range(height):
        for x in range(width):
            s, ss, rs = np.float32(0), np.float32(0), np.float32(0)
            for k in range(-up, up + 1):  # the rim repeats
                j = min(max(y + k, 0), height - 1)
                value = warped[j, x]
                s += value
                ss += value * value
                rs += value * reference[j, x]
            sums[0, x + aside], sums[1, x + aside], sums[2, x + aside] = s, ss, rs
        for c in range(3):
            for k in range(aside):
                sums[c, k] = sums[c, aside]
                sums[c, width + aside + k] = sums[c, width + aside - 1]
        for x in range(width):
            if not inside[y, x]:
                score[y, x] = np.float32(-2)
                continue
            s, ss, rs = np.float32(0), np.float32(0), np.float32(0)
            for k in range(2 * aside + 1):
                s += sums[0, x + k]
                ss += sums[1, x + k]
                rs += sums[2, x + k]
            s *= share
            spread = max(ss * share - s * s, np.float32(0))
            both = (spread + floor) * (variance[y, x] + floor)
            score[y, x] = (rs * share - s * mean[y, x]) / np.sqrt(both)


@njit(cache=True)
def _box_moments(image, rows, columns):
    up, aside = len(rows), len(columns)
    height, width = image.shape
    mean, variance = np.empty_like(image), np.empty_like(image)
    share = np.float32(1.0 / ((2 * up + 1) * (2 * aside + 1)))
    for y in range(height):
        for x in range(width):
            s, ss = np.float32(0), np.float32(0)
            for k in range(-up, up + 1):
                for m in range(-aside, aside + 1):
                    value = image[min(max(y + k, 0), height - 1), min(max(x + m, 0), width - 1)]
                    s += value
                    ss += value * value
            mean[y, x] = s * share
            variance[y, x] = max(ss * share - mean[y, x] * mean[y, x], np.float32(0))
    return mean, variance


@njit(cache=True)
def _better_half(scores, cost, d):
    count, height, width = scores.shape
    best = np.empty(count, np.float32)
    for y in range(height):
        for x in range(width):
            seen = 0
            for n in range(count):  # insertion sort, best first; absent ones drop out
                value = scores[n, y, x]
                if value <= np.float32(-2):
                    continue
                k = seen
                while k > 0 and best[k - 1] < value:
                    best[k] = best[k - 1]
                    k -= 1
                best[k] = value
                seen += 1
            if seen == 0:
                cost[y, x, d] = WORST // 2
                continue
            half = (seen + 1) // 2
            total = np.float32(0)
            for k in range(half):
                total += best[k]
            unlike = min(max(np.float32(1) - total / np.float32(half), np.float32(0)), np.float32(1))
            cost[y, x, d] = np.uint8(unlike * np.float32(WORST) + np.float32(0.5))
