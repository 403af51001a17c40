"""Choose one depth per pixel out of costs: the smoothest good answer (semi-global matching), or the lowest."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def smoothest(
    cost: NDArray[np.uint8], guide: Floats, small_step: int = 6, large_step: int = 70
) -> tuple[Floats, Floats]:
    """The index (H, W) float32 into D that keeps cost low and neighbours alike, and how clear it is (H, W) float32 0..1.

    cost: (H, W, D) uint8. guide: (H, W) float32, log-encoded grey: a jump in depth is cheaper where it jumps.
    small_step, large_step: price of a step of one index and of a jump, in units of cost.
    Eight paths, sub-index by parabola. Raises ValueError when the shapes differ or D < 3.

    Source: Hirschmueller, "Stereo processing by semiglobal matching and mutual information", PAMI 2008.
    """
    if cost.ndim != 3 or cost.dtype != np.uint8 or cost.shape[2] < 3 or guide.shape != cost.shape[:2]:
        raise ValueError(f"cost {cost.dtype} {cost.shape} and guide {guide.shape} do not fit")
    total = np.zeros(cost.shape, np.uint16)
    guide = np.ascontiguousarray(guide, np.float32)
    cost = np.ascontiguousarray(cost)
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
        _add_path(cost, guide, down, right, small_step, large_step, total)
    index = np.empty(guide.shape, np.float32)
    clear = np.empty(guide.shape, np.float32)
    _best(total, index, clear)
    return index, clear


def lowest(cost: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Per pixel, the sub-index (H, W) float32 of the lowest of (H, W, D) costs by parabola, and that cost (H, W) float32."""
    if cost.ndim != 3 or cost.shape[2] < 3:
        raise ValueError(f"cost {cost.shape} needs three or more depths")
    index = np.empty(cost.shape[:2], np.float32)
    value = np.empty(cost.shape[:2], np.float32)
    _lowest(cost, index, value)
    return index, value


@njit(cache=True)
def _add_path(cost, guide, down, right, small_step, large_step, total):
    height, width, depths = cost.shape
    before = np.zeros((width, depths), np.int32)  # path costs of the row (or pixel) the path comes from
    now = np.zeros((width, depths), np.int32)
    rows = range(height) if down >= 0 else range(height - 1, -1, -1)
    for y in rows:
        for step in range(width):
            x = step if right >= 0 else width - 1 - step
            from_x, from_y = x - right, y - down
            if from_x < 0 or from_x >= width or from_y < 0 or from_y >= height:
                for d in range(depths):
                    now[x, d] = cost[y, x, d]
                    total[y, x, d] += np.uint16(now[x, d])
                continue
            last = now[from_x] if down == 0 else before[from_x]
            lowest_before = last[0]
            for d in range(1, depths):
                lowest_before = min(lowest_before, last[d])
            edge = abs(guide[y, x] - guide[from_y, from_x])
            jump = lowest_before + max(int(large_step / (1.0 + 25.0 * edge)), 2 * small_step)
            for d in range(depths):
                best = min(last[d], jump)
                if d > 0:
                    best = min(best, last[d - 1] + small_step)
                if d < depths - 1:
                    best = min(best, last[d + 1] + small_step)
                now[x, d] = cost[y, x, d] + best - lowest_before
                total[y, x, d] += np.uint16(now[x, d])
        before, now = now, before


@njit(cache=True)
def _best(total, index, clear):
    height, width, depths = total.shape
    for y in range(height):
        for x in range(width):
            best = 0
            for d in range(1, depths):
                if total[y, x, d] < total[y, x, best]:
                    best = d
            second = 1 << 30
            for d in range(depths):
                if abs(d - best) > 1 and total[y, x, d] < second:
                    second = int(total[y, x, d])
            index[y, x] = best + _parabola(total[y, x], best)
            clear[y, x] = min(1.0, (second - int(total[y, x, best])) / (8.0 * 30.0))


@njit(cache=True)
def _lowest(cost, index, value):
    height, width, depths = cost.shape
    for y in range(height):
        for x in range(width):
            best = depths // 2  # equal costs keep the middle, the surface we came from
            for d in range(depths):
                if cost[y, x, d] < cost[y, x, best]:
                    best = d
            index[y, x] = best + _parabola(cost[y, x], best)
            value[y, x] = cost[y, x, best]


@njit(cache=True)
def _parabola(values, best):
    if best == 0 or best == len(values) - 1:
        return 0.0
    left, middle, right = float(values[best - 1]), float(values[best]), float(values[best + 1])
    bend = left - 2 * middle + right
    return 0.5 * (left - right) / bend if bend > 0 else 0.0
