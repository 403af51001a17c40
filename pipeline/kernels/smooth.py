"""Edge-aware smoothing and hole filling: values flow along the picture's surfaces and stop at its edges."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def flow(values: Floats, weights: Floats, guide: Floats, reach_px: float, edge: float) -> Floats:
    """Smooth (H, W) float32 `values`, each trusted by `weights` (H, W), within the surfaces of `guide`.

    weights: 0 = a hole, to be filled from around it. guide: (H, W, C) float32, the picture, log-encoded.
    reach_px: how far a value flows over even ground. edge: the difference in the guide that stops it (1/e).
    A place that no weight reaches keeps its value. Raises ValueError when shapes differ.

    Source: Min, Choi, Lu, Ham, Sohn and Do, "Fast global image smoothing based on weighted least squares", TIP 2014.
    """
    values, weights = (np.ascontiguousarray(a, np.float32) for a in (values, weights))
    guide = np.ascontiguousarray(guide, np.float32)
    if values.ndim != 2 or weights.shape != values.shape or guide.shape[:2] != values.shape or guide.ndim != 3:
        raise ValueError(f"values {values.shape}, weights {weights.shape} and guide {guide.shape} do not fit")
    pair = np.stack([values * weights, weights], axis=-1).astype(np.float64)
    _flow(pair, guide, float(reach_px) ** 2, float(edge))
    reached = pair[..., 1] > 1e-9
    return np.where(reached, pair[..., 0] / np.where(reached, pair[..., 1], 1), values).astype(np.float32)


def spread(values: Floats, guide: Floats, reach_px: float, edge: float) -> Floats:
    """`flow` with equal trust everywhere: an edge-aware blur of (H, W) float32."""
    return flow(values, np.ones_like(values), guide, reach_px, edge)


@njit(cache=True)
def _flow(pair, guide, strength, edge):
    height, width, _ = pair.shape
    rounds = 3
    for t in range(rounds):
        step = 1.5 * strength * 4.0 ** (rounds - 1 - t) / (4.0**rounds - 1.0)
        links = np.empty(width)
        for y in range(height):
            for x in range(1, width):
                links[x] = step * _alike(guide[y, x], guide[y, x - 1], edge)
            _solve(pair[y], links)
        links = np.empty(height)
        for x in range(width):
            for y in range(1, height):
                links[y] = step * _alike(guide[y, x], guide[y - 1, x], edge)
            _solve(pair[:, x], links)


@njit(cache=True)
def _alike(a, b, edge):
    total = 0.0
    for c in range(len(a)):
        total += (a[c] - b[c]) ** 2
    return np.exp(-np.sqrt(total) / edge)


@njit(cache=True)
def _solve(line, links):
    """Solve (1 + links) u - links * neighbours = line in place: a tridiagonal system, forward and back."""
    count = len(line)
    upper = np.empty(count)
    for k in range(count):
        before = links[k] if k > 0 else 0.0
        after = links[k + 1] if k < count - 1 else 0.0
        pivot = 1.0 + before + after
        if k > 0:
            pivot += before * upper[k - 1]
            line[k, 0] = (line[k, 0] + before * line[k - 1, 0]) / pivot
            line[k, 1] = (line[k, 1] + before * line[k - 1, 1]) / pivot
        else:
            line[k, 0] /= pivot
            line[k, 1] /= pivot
        upper[k] = -after / pivot
    for k in range(count - 2, -1, -1):
        line[k, 0] -= upper[k] * line[k + 1, 0]
        line[k, 1] -= upper[k] * line[k + 1, 1]


def weighted_median(
    values: Floats, weights: Floats, guide: Floats, where: NDArray[np.bool_], radius: int, edge: float
) -> Floats:
    """(H, W) float32: at pixels of `where` (H, W) bool, the median of `values` around, by trust and likeness of the picture.

    A median makes no values in between: a jump in depth moves to the edge in the guide and stays a jump.
    weights: (H, W) trust of each value; guide: (H, W, C); radius: of the square window, pixels; edge: as in `flow`.
    Pixels around which nothing is trusted keep their value. Raises ValueError when shapes differ.

    Source: Ma, He, Wei, Sun and Wu, "Constant time weighted median filtering for stereo matching", ICCV 2013.
    """
    values, weights = (np.ascontiguousarray(a, np.float32) for a in (values, weights))
    guide = np.ascontiguousarray(guide, np.float32)
    if not values.shape == weights.shape == guide.shape[:2] == where.shape or guide.ndim != 3:
        raise ValueError(f"values {values.shape}, weights {weights.shape} and guide {guide.shape} do not fit")
    out = values.copy()
    _weighted_median(values, weights, guide, where, radius, float(edge), out)
    return out


@njit(cache=True)
def _weighted_median(values, weights, guide, where, radius, edge, out):
    height, width = values.shape
    most = (2 * radius + 1) ** 2
    found, trust = np.empty(most, np.float32), np.empty(most)
    for y in range(height):
        for x in range(width):
            if not where[y, x]:
                continue
            count, total = 0, 0.0
            for j in range(max(y - radius, 0), min(y + radius + 1, height)):
                for i in range(max(x - radius, 0), min(x + radius + 1, width)):
                    if weights[j, i] > 0:
                        found[count] = values[j, i]
                        trust[count] = weights[j, i] * _alike(guide[y, x], guide[j, i], edge)
                        total += trust[count]
                        count += 1
            if total < 1e-4:
                continue
            order = np.argsort(found[:count])
            passed = 0.0
            for k in order:
                passed += trust[k]
                if passed >= 0.5 * total:
                    out[y, x] = found[k]
                    break
