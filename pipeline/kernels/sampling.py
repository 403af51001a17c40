"""Which two colours mix in a pixel of the unknown band: sampled around it, front and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import RUN, banded
from pipeline.kernels.check import shaped
from pipeline.kernels.matting import BACK, FRONT, UNKNOWN

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
_RAYS = 8
_FAR = 1 << 20  # steps: farther than any picture reaches
_NOISE = np.float32(0.02)  # squared difference, as a share of the light, that grain makes of one colour
_NEAR = np.float32(2e-5)  # cost of a neighbour's pair, per squared pixel away
_SLACK = np.float32(1e-6)  # squared cost below which pairs are equally good
_DOUBT = np.float32(2e-3)  # variance of alpha among good pairs at which half the confidence is left


@dataclass(frozen=True, eq=False)
class Sampled:
    """Of N unknown pixels in reading order: alpha (N,) float32 0..1 and how much it is worth, confidence (N,) 0..1."""

    alpha: Floats
    confidence: Floats


def sample(picture: Floats, trimap: Bytes, toe: float, reach_px: int, back: Floats | None = None) -> Sampled:
    """For each unknown pixel the pair of a front and a back colour around it that explains it best.

    picture: (H, W, 3) float32 scene-linear; trimap: (H, W) uint8 of BACK, FRONT, UNKNOWN; toe: light below which a
    difference is noise; back: (H, W, 3), the background where it is known at every pixel (a keyed screen), so that only
    fronts are sought. Rays of up to reach_px leave each pixel, turned from one to the next; neighbours then share what
    they found. Bit-identical for any number of threads. Raises ValueError on another shape or dtype.

    Source: after Gastal and Oliveira, "Shared sampling for real-time alpha matting", EUROGRAPHICS 2010.
    """
    height, width = trimap.shape
    shaped((height, width), 3, picture=picture)
    shaped((height, width), dtype=np.uint8, trimap=trimap)
    if back is not None:
        shaped((height, width), 3, back=back)
    ys, xs = np.nonzero(trimap == UNKNOWN)
    count = len(ys)
    number = np.full((height, width), -1, np.int32)
    number[ys, xs] = np.arange(count, dtype=np.int32)
    fronts, backs = np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
    spans, costs = np.zeros((count, 2), np.float32), np.full(count, np.inf, np.float32)
    known = picture if back is None else back
    places = ys.astype(np.int64), xs.astype(np.int64)
    toe_ = np.float32(toe)
    ways = _to(trimap, FRONT), _to(trimap, BACK)
    pairs = fronts, backs, spans, costs
    seen = picture, trimap, *ways, known, back is not None, *places
    banded(_gather, count, *seen, int(reach_px), toe_, *pairs, rows=RUN)
    alpha, confidence = np.zeros(count, np.float32), np.zeros(count, np.float32)
    around = picture, known, back is not None, number, *places
    banded(_share, count, *around, toe_, *pairs, alpha, confidence, rows=RUN)
    return Sampled(alpha, confidence)


@njit(inline="always")
def _mix(c, f, b, toe):
    """Alpha of colour c between f and b, the squared residue and the squared distance of f and b, in units of c's light."""
    scale = np.float32(1) / ((c[0] + c[1] + c[2]) / np.float32(3) + toe)
    along, length = np.float32(0), np.float32(0)
    for k in range(3):
        way = f[k] - b[k]
        along += (c[k] - b[k]) * way
        length += way * way
    alpha = min(max(along / (length + np.float32(1e-12)), np.float32(0)), np.float32(1))
    left = np.float32(0)
    for k in range(3):
        d = c[k] - alpha * f[k] - (np.float32(1) - alpha) * b[k]
        left += d * d
    return alpha, left * scale * scale, length * scale * scale


@njit(nogil=True, cache=True)
def _to(trimap, kind):
    """Steps, straight or diagonal, from each pixel to the nearest of a kind: (H, W) int32.

    Source: Rosenfeld and Pfaltz, "Distance functions on digital pictures", Pattern Recognition 1968.
    """
    height, width = trimap.shape
    out = np.full((height + 2, width + 2), _FAR, np.int32)
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            if trimap[y - 1, x - 1] == kind:
                out[y, x] = 0
            else:
                above = min(out[y - 1, x - 1], min(out[y - 1, x], out[y - 1, x + 1]))
                out[y, x] = min(min(above, out[y, x - 1]) + 1, _FAR)
    for y in range(height, 0, -1):
        for x in range(width, 0, -1):
            below = min(out[y + 1, x - 1], min(out[y + 1, x], out[y + 1, x + 1]))
            out[y, x] = min(out[y, x], min(below, out[y, x + 1]) + 1)
    return out[1:-1, 1:-1]


@njit(nogil=True, cache=True, error_model="numpy")
def _gather(
    first, last, picture, trimap, to_front, to_back, known, has_back, ys, xs, reach, toe, fronts, backs, spans, costs
):
    height, width = trimap.shape
    for n in range(first, last):
        y, x = ys[n], xs[n]
        found_f, found_b = np.empty((_RAYS, 3), np.float32), np.empty((_RAYS, 3), np.float32)
        far_f, far_b = np.empty(_RAYS, np.float32), np.empty(_RAYS, np.float32)
        count_f = count_b = 0
        if has_back:
            for k in range(3):  # not a row at once: that brings numba's checks of shapes along, seconds of compiling
                found_b[0, k] = known[y, x, k]
            far_b[0] = np.float32(1)
            count_b = 1
        turn = ((y % 3) * 3 + x % 3) / 9.0
        for ray in range(_RAYS):
            angle = (ray + turn) * (2 * np.pi / _RAYS)
            dx, dy = np.cos(angle), np.sin(angle)
            needs_f, needs_b = True, not has_back
            step = 1
            while step <= reach:
                j, i = int(np.floor(y + 0.5 + step * dy)), int(np.floor(x + 0.5 + step * dx))
                if j < 0 or i < 0 or j >= height or i >= width or not (needs_f or needs_b):
                    break
                kind = trimap[j, i]
                if needs_f and kind == FRONT:
                    for k in range(3):
                        found_f[count_f, k] = picture[j, i, k]
                    far_f[count_f] = np.float32(step)
                    count_f += 1
                    needs_f = False
                elif needs_b and kind == BACK:
                    for k in range(3):
                        found_b[count_b, k] = picture[j, i, k]
                    far_b[count_b] = np.float32(step)
                    count_b += 1
                    needs_b = False
                # A step moves by a pixel at most: nearer than this there is none of what is sought.
                on = _FAR
                if needs_f:
                    on = min(on, to_front[j, i])
                if needs_b:
                    on = min(on, to_back[j, i])
                step += max(on, 1)
        if count_f == 0 or count_b == 0:
            continue
        least_f, least_b = far_f[0], far_b[0]
        for k in range(1, count_f):
            least_f = min(least_f, far_f[k])
        for k in range(1, count_b):
            least_b = min(least_b, far_b[k])
        for f in range(count_f):
            for b in range(count_b):
                _, left, _ = _mix(picture[y, x], found_f[f], found_b[b], toe)
                cost = left + np.float32(2e-4) * (far_f[f] / least_f + far_b[b] / least_b)
                if cost < costs[n]:
                    costs[n] = cost
                    for k in range(3):
                        fronts[n, k] = found_f[f, k]
                        backs[n, k] = found_b[b, k]
                    spans[n, 0], spans[n, 1] = far_f[f], far_b[b]


@njit(nogil=True, cache=True, error_model="numpy")
def _share(first, last, picture, known, has_back, number, ys, xs, toe, fronts, backs, spans, costs, alpha, confidence):
    """Each pixel tries the pairs of its neighbours; those that explain it make its alpha, by how well they do.

    Where pairs that explain it alike say different alphas, none is worth much.
    """
    height, width = number.shape
    for n in range(first, last):
        y, x = ys[n], xs[n]
        weight, total, square = np.float32(0), np.float32(0), np.float32(0)
        left, length = np.float32(0), np.float32(0)
        for j in range(max(y - 3, 0), min(y + 4, height)):
            for i in range(max(x - 3, 0), min(x + 4, width)):
                m = number[j, i]
                if m < 0 or not costs[m] < np.inf:
                    continue
                behind = known[y, x] if has_back else backs[m]
                a, rest, apart = _mix(picture[y, x], fronts[m], behind, toe)
                cost = rest + _NEAR * np.float32((j - y) * (j - y) + (i - x) * (i - x)) + _NOISE / (apart + _NOISE)
                w = np.float32(1) / (cost * cost + _SLACK)
                weight += w
                total += w * a
                square += w * a * a
                left += w * rest
                length += w * apart
        if weight > 0:
            total, left, length = total / weight, left / weight, length / weight
            doubt = max(square / weight - total * total, np.float32(0))
            alpha[n] = total
            confidence[n] = np.exp(-left / _NOISE) * length / (length + _NOISE) / (np.float32(1) + doubt / _DOUBT)
