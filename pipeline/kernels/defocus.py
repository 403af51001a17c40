"""Depth of field of a layer: every point spreads over the iris, nearer ones before farther ones."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import banded
from pipeline.kernels.blur import gaussian
from pipeline.kernels.check import same_rgba, shaped
from pipeline.kernels.iris import STEPS, index_of, spans

Array = NDArray[np.float32]
ONE = np.int64(1) << np.int64(
    40
)  # fixed point: sums come out the same in any order, and light ends exactly where it ends
MOST_LIGHT = 65504.0  # half float's
COVER = 4096  # fixed point of coverage
CELL_PX = 4  # what is hidden is guessed on a grid this coarse
STEP_PX, STEP_SHARE = 1.0, 1 / 6  # blur differs within a slice of depth by no more than the larger of these


def defocus(
    layer: Array,
    depth_m: Array,
    radius_px: Array,
    out: Array,
    out_depth_m: Array,
    *,
    blades: int = 0,
    rotation_deg: float = 0.0,
) -> None:
    """Spread every pixel of a layer over the picture of the iris that its radius tells.

    layer, out: (H, W, 4) float32 premultiplied scene-linear; depth_m, out_depth_m: (H, W) float32, +inf where empty;
    radius_px: (H, W) float32, half the circle of confusion, negative nearer than the focus, so it grows with depth.
    blades, rotation_deg: as in iris.spans. `out` must not be `layer`. Under a radius of 0.25 px pixels keep their bits.

    The layer is cut into slices of like blur. Each slice spreads as it is, and is laid under the nearer ones: what is
    sharp in front stays sharp, what is soft in front covers softly. Where a nearer slice or the frame's edge hides what
    a slice would show, its surroundings stand in. Light is kept, also at the borders. out_depth_m is that of the slice
    with the largest share. Sums are of whole numbers: equal for any number of threads. A NaN marks all that it reaches.

    Source: occlusion by slices after Kraus and Strengert, "Depth-of-Field Rendering by Pyramidal Image Processing",
    Eurographics 2007; difference sums after Kosloff, Tao and Barsky, "Depth of Field Postprocessing for Layered Scenes
    Using Constant-Time Rectangle Spreading", Graphics Interface 2009, with spans of a disc for their rectangles.
    """
    size = same_rgba(layer=layer, out=out)
    shaped(size, depth_m=depth_m, out_depth_m=out_depth_m, radius_px=radius_px)
    if out is layer or out_depth_m is depth_m:
        raise ValueError("defocus spreads to neighbours: out must not be the layer itself.")
    covered = layer[..., 3] > 0
    kinds = np.where(covered, index_of(radius_px), np.int32(0))
    if not kinds.any():
        out[...] = layer
        out_depth_m[...] = depth_m
        return
    broken = np.any(~np.isfinite(layer), axis=2, keepdims=True)[..., 0]
    clean = np.where(broken[..., None], np.float32(0), layer) if broken.any() else layer
    opening = spans(int(kinds.max()), blades, float(rotation_deg))
    slices = np.where(covered, _slice_of(np.sign(radius_px) * kinds / STEPS), np.int32(0))
    out[...], out_depth_m[...] = 0, np.inf
    through, largest, hidden = np.ones(size), np.zeros(size), np.zeros(size, np.float32)
    shown, free = (np.empty((size[0], size[1] + 1), np.int32) for _ in range(2))
    hides_px = 0.0  # radius of the widest slice laid so far
    for number in np.unique(slices[covered]):
        own = covered & (slices == number)
        widest_px = float(kinds[own].max()) / STEPS
        guess = _behind(clean, depth_m, own, hidden, max(hides_px, widest_px)) if hides_px else _nothing(size)
        y, x = np.nonzero(own)
        starts = np.searchsorted(y, np.arange(size[0] + 1)).astype(np.int64)
        light = _fixed(clean[y, x], depth_m[y, x], opening.areas[kinds[y, x]])
        usual = int(np.median(kinds[y, x]))
        sign = -1 if number < 0 else 1
        banded(_cover, len(own), clean, own, hidden, shown, free)
        given = light, x.astype(np.int64), kinds[y, x], starts, opening.lows, opening.highs, opening.areas, sign, usual
        banded(_lay, len(out), *given, shown, free, guess, through, largest, out, out_depth_m, rows=8)
        hidden = np.where(own, np.minimum(clean[..., 3], np.float32(1)), hidden)
        hides_px = max(hides_px, widest_px)
    _mark(broken, kinds, out)


def _mark(broken: NDArray[np.bool_], kinds: NDArray[np.int32], out: Array) -> None:
    """NaN wherever a broken pixel may have reached."""
    for y, x in zip(*np.nonzero(broken), strict=True):
        reach = int(kinds[y, x]) // STEPS + 1
        out[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = np.nan


def _slice_of(radius_px: NDArray[np.float64]) -> NDArray[np.int32]:
    """Which slice a signed radius belongs to: fine near the focus, by ratio far from it."""
    even = STEP_PX / STEP_SHARE
    return np.rint(np.arcsinh(radius_px / even) / STEP_SHARE).astype(np.int32)


def _fixed(rgba: Array, depth_m: Array, areas: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N, 5) what a pixel gives to each that it covers: R, G, B, A, and A over depth, in fixed point."""
    near = rgba[:, 3:] / np.maximum(depth_m, np.float32(1e-3))[:, None]
    given = np.concatenate([np.clip(rgba, -MOST_LIGHT, MOST_LIGHT), near], axis=1)
    return np.rint(given.astype(np.float64) * (float(ONE) / areas[:, None])).astype(np.int64)


def _nothing(size: tuple[int, int]) -> Array:
    return np.zeros((-(-size[0] // CELL_PX), -(-size[1] // CELL_PX), 6), np.float32)


def _behind(rgba: Array, depth_m: Array, own: NDArray[np.bool_], hidden: Array, reach_px: float) -> Array:
    """(h, w, 6) per cell: what a slice shows around there, as R, G, B, A, A over depth, and how little of it is seen: 0
    where all is, 1 where most is hidden."""
    height, width = own.shape
    cells = np.zeros((-(-height // CELL_PX), -(-width // CELL_PX), 7), np.float32)
    banded(_gather_cells, len(cells), rgba, depth_m, own, hidden, cells, rows=8)
    gaussian(cells, 0.6 * reach_px / CELL_PX + 0.5, cells)
    seen = cells[..., 5]
    guess = cells[..., :6] / np.maximum(seen, np.float32(1e-4))[..., None]
    guess[..., 5] = np.clip(1 - seen / cells[..., 6], 0, 1)
    return np.asarray(guess, np.float32)


@njit(nogil=True, cache=True, error_model="numpy")
def _gather_cells(top, bottom, rgba, depth, own, hidden, cells):
    """Sums per cell: of a slice R, G, B, A, A over depth; of all pixels what is not hidden, and their number."""
    height, width = own.shape
    for j in range(top, bottom):
        for y in range(j * CELL_PX, min((j + 1) * CELL_PX, height)):
            for x in range(width):
                i = x // CELL_PX
                if own[y, x]:
                    for c in range(4):
                        cells[j, i, c] += rgba[y, x, c]
                    cells[j, i, 4] += rgba[y, x, 3] / max(depth[y, x], np.float32(1e-3))
                cells[j, i, 5] += np.float32(1) - hidden[y, x]
                cells[j, i, 6] += np.float32(1)


@njit(nogil=True, cache=True, error_model="numpy")
def _cover(top, bottom, rgba, own, hidden, shown, free):
    """Sums along rows, (H, W + 1), of what a slice covers and of where it is known to be empty; fixed point COVER."""
    _, width = own.shape
    for y in range(top, bottom):
        mine, empty = np.int32(0), np.int32(0)
        shown[y, 0], free[y, 0] = mine, empty
        for x in range(width):
            here = min(rgba[y, x, 3], np.float32(1)) if own[y, x] else np.float32(0)
            left = max(np.float32(1) - hidden[y, x] - here, np.float32(0))
            mine += np.int32(here * COVER + np.float32(0.5))
            empty += np.int32(left * COVER + np.float32(0.5))
            shown[y, x + 1], free[y, x + 1] = mine, empty


@njit(inline="always")
def _part(sums, row, x, first, last):
    """Of sums along a row, how much lies from `first` to `last`, positions from the middle of pixel x.

    Whole pixels are subtracted as whole numbers: the same wherever in the frame it lies.
    """
    width = sums.shape[1] - 1
    whole, part = np.int64(0), 0.0
    for side in range(2):
        at = (last if side == 0 else first) + 0.5
        down = int(np.floor(at))
        sign = 1 if side == 0 else -1
        left = x + down
        if left < 0:
            continue
        if left >= width:
            whole += sign * np.int64(sums[row, width])
            continue
        whole += sign * np.int64(sums[row, left])
        part += sign * (at - down) * (sums[row, left + 1] - sums[row, left])
    return whole + part


@njit(inline="always")
def _seen(y, x, lows, highs, area, sign, shown, free):
    """Shares of an opening around a pixel in which a slice is, and in which it is known not to be."""
    height, reach = shown.shape[0], lows.shape[0] // 2
    own, empty = 0.0, 0.0
    for k in range(lows.shape[0]):
        low, high = -highs[k], -lows[k]
        row = y - sign * (k - reach)
        if high <= low or row < 0 or row >= height:
            continue
        if sign < 0:
            low, high = -high, -low
        own += _part(shown, row, x, low, high)
        empty += _part(free, row, x, low, high)
    return own / (area * COVER), empty / (area * COVER)


@njit(inline="always")
def _add(sums, x, at, light, sign):
    """Begin (or end, sign -1) a span `at` from the middle of pixel x, shared by the two pixels that it falls between."""
    down = int(np.floor(at + 0.5))
    late = at + 0.5 - down
    left = x + down
    if left < 0:
        left, late = 0, 0.0
    elif left >= sums.shape[0] - 1:
        return
    for c in range(5):
        second = np.int64(light[c] * late)
        sums[left, c] += sign * (light[c] - second)
        sums[left + 1, c] += sign * second


@njit(nogil=True, cache=True, error_model="numpy")
def _lay(
    top, bottom, light, xs, kinds, starts, lows, highs, areas, sign, usual, shown, free, guess, through, largest, out, out_depth
):  # fmt: skip
    """Spread one slice and lay it under what has been laid."""
    height, width, _ = out.shape
    reach = lows.shape[1] // 2
    for y in range(top, bottom):
        sums = np.zeros((width + 1, 5), np.int64)
        for k in range(lows.shape[1]):
            row = y - sign * (k - reach)
            if row < 0 or row >= height:
                continue
            for i in range(starts[row], starts[row + 1]):
                low, high = lows[kinds[i], k], highs[kinds[i], k]
                if high > low:
                    if sign < 0:
                        low, high = -high, -low
                    _add(sums, xs[i], low, light[i], 1)
                    _add(sums, xs[i], high, light[i], -1)
        _lay_row(y, sums, lows[usual], highs[usual], areas[usual], usual, sign, shown, free, guess, through, largest,
                 out, out_depth)  # fmt: skip


@njit(cache=True)
def _lay_row(y, sums, lows, highs, area, usual, sign, shown, free, guess, through, largest, out, out_depth):
    width = out.shape[1]
    reach = usual // STEPS + 1 if usual else 0
    at_edge_y = y < reach or y >= out.shape[0] - reach
    running = np.zeros(5, np.int64)
    here, behind = np.empty(5), np.empty(6)
    for x in range(width):
        for c in range(5):
            running[c] += sums[x, c]
            here[c] = running[c] / ONE
        if through[y, x] <= 0:
            continue
        _between(guess, y, x, behind)
        if running[3] <= 0 and behind[3] <= 0:
            continue
        lost = behind[5] > 1e-4 or (reach > 0 and (at_edge_y or x < reach or x >= width - reach))
        if lost or (usual > 0 and here[3] < 0.999):
            own, empty = _seen(y, x, lows, highs, area, sign, shown, free)
            known = min(own + empty, 1.0) if behind[5] > 1e-4 else 1.0  # beyond the frame it goes on as inside
            gain = known / (here[3] + empty) if usual > 0 and here[3] + empty > 1e-6 else 1.0
            for c in range(5):
                here[c] = gain * here[c] + (1 - known) * behind[c]
        if here[3] <= 0:
            continue
        if here[3] > 1:
            for c in range(4):
                here[c] /= here[3]
            here[4] /= here[3]
            here[3] = 1.0
        share = through[y, x] * here[3]
        for c in range(4):
            out[y, x, c] += np.float32(through[y, x] * here[c])
        through[y, x] -= share
        if through[y, x] < 1e-5:
            through[y, x] = 0
        if share > largest[y, x]:
            largest[y, x] = share
            out_depth[y, x] = np.float32(here[3] / max(here[4], 1e-9))


@njit(inline="always")
def _between(cells, y, x, out):
    """Bilinear sample of per-cell values at a pixel."""
    rows, columns, count = cells.shape
    down, right = (y + 0.5) / CELL_PX - 0.5, (x + 0.5) / CELL_PX - 0.5
    top, left = int(np.floor(down)), int(np.floor(right))
    low, far = down - top, right - left
    above, below = max(top, 0), min(top + 1, rows - 1)
    before, after = max(left, 0), min(left + 1, columns - 1)
    for c in range(count):
        first = cells[above, before, c] + far * (cells[above, after, c] - cells[above, before, c])
        second = cells[below, before, c] + far * (cells[below, after, c] - cells[below, before, c])
        out[c] = first + low * (second - first)
