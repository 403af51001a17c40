"""Steps of a comp that each pass over memory once: a layer laid over, and missing grain with the half float that leaves.

Results are the same bits for any number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.kernels import comprows as rows
from pipeline.kernels.bands import in_bands
from pipeline.kernels.comprows import COLUMNS
from pipeline.kernels.grain import Grain, graining, swells, textured
from pipeline.kernels.grainpatches import swell_row
from pipeline.kernels.grainrows import any_lost, fill_white, grain_rows, mix_row, noise_rows, planes_of
from pipeline.kernels.halves import float_of, half_of
from pipeline.kernels.noiselanes import ROWS as AT_ONCE
from pipeline.kernels.overlanes import BELOW_ONE, SIXTEEN, over_sixteen

_ZERO, _ONE = np.float32(0), np.float32(1)


def lay_over(layer: np.ndarray, picture: np.ndarray, kept: np.ndarray) -> None:
    """Lay a layer over `picture` and take it from `kept`, in one pass; both change in place.

    layer: (H, W, 4) float32, premultiplied; picture: (H, W, 3) float32; kept: (H, W) float16 as `held` makes it, the share
    of the plate's own signal, times 1 - alpha afterwards: what was below 1 stays below. Where alpha and colour are 0 both
    keep their values. Raises ValueError on other shapes.

    Source: Porter and Duff, "Compositing Digital Images", SIGGRAPH 1984.
    """
    size = kept.shape
    _fits("layer", layer, (*size, 4), (np.float32,))
    _fits("picture", picture, (*size, 3), (np.float32,))
    _fits("kept", kept, size, (np.float16,))
    share = kept.view(np.uint16)
    in_bands(size[0], lambda top, bottom: _lay_over(top, bottom, layer, picture, share), shrinking=True)


def held(share: np.ndarray) -> np.ndarray:
    """A share of the plate, any shape, float32, as the steps here hold it: float16, what is below 1 at most the half before
    it. It is read and written once a layer: over moves a twelfth less than with float32.
    """
    return np.where(share < 1, np.minimum(share, BELOW_ONE), share).astype(np.float16)


def finish(
    plate: np.ndarray, picture: np.ndarray, kept: np.ndarray, grain: Grain, seed: int, frame: int
) -> tuple[np.ndarray, np.ndarray]:
    """The grain that a picture lacks and the half float that leaves, in one pass: (H, W, 3) float32 and float16.

    plate: (H, W, 3) float16 as shot; picture: (H, W, 3) float32, the same with layers over it; kept: (H, W) float16.
    Where kept is 1 the second has the plate's bits and the first the picture's. Raises ValueError on other shapes.
    """
    size = kept.shape
    _fits("plate", plate, (*size, 3), (np.float16,))
    _fits("picture", picture, (*size, 3), (np.float32,))
    _fits("kept", kept, size, (np.float16,))
    grained, final = np.empty_like(picture), np.empty_like(plate)
    made = graining(grain, seed, frame), swells(grain, seed, frame, size, cells=textured(grain, picture))
    how = plate.view(np.uint16), picture, kept.view(np.uint16), *made, grained, final.view(np.uint16)
    in_bands(size[0], lambda top, bottom: _finish(top, bottom, *how))
    return grained, final


def _fits(name: str, array: np.ndarray, shape: tuple[int, ...], types: tuple[type, ...]) -> None:
    if array.shape != shape or array.dtype not in types or not array.flags.c_contiguous:
        wanted = " or ".join(np.dtype(t).name for t in types)
        raise ValueError(f"{name} is {array.shape} {array.dtype}; wanted {shape} {wanted} in C order.")


@njit(nogil=True, cache=True)
def _lay_over(top, bottom, layer, picture, kept):
    width = kept.shape[1]
    whole = width - width % SIXTEEN
    for y in range(top, bottom):
        front, behind, share = layer[y], picture[y], kept[y]
        for x in range(0, whole, SIXTEEN):
            over_sixteen(front, behind, share, x)
        for x in range(whole, width):
            through = _ONE - front[x, 3]
            if through != _ONE or front[x, 0] != _ZERO or front[x, 1] != _ZERO or front[x, 2] != _ZERO:
                for c in range(3):
                    behind[x, c] = front[x, c] + through * behind[x, c]
                left = float_of(share[x]) * (_ZERO if through < _ZERO else through)
                if left < _ONE and left > BELOW_ONE:
                    left = BELOW_ONE
                share[x] = half_of(left)


@njit(nogil=True, cache=True)
def _finish(top, bottom, plate, picture, kept, graining, swelling, grained, final):
    law, sources, hashed = graining
    reach, width = sources[0].shape[1] // 2, kept.shape[1]
    for left in range(0, width, COLUMNS):
        n = min(COLUMNS, width - left)
        white = np.empty((planes_of(sources), bottom - top + 2 * reach, n + 2 * reach), np.float32)
        had, has = np.empty((3, n), np.float32), np.empty((3, n), np.float32)
        made, done = np.empty((AT_ONCE, len(sources[0]), n), np.float32), np.empty((3, n), np.float32)
        shot, sent, share = np.empty((3, n), np.uint16), np.empty((3, n), np.uint16), np.empty(n, np.float32)
        filled, made_to = False, top
        for y in range(top, bottom):
            for x in range(n):
                share[x] = float_of(kept[y, left + x])
            if not any_lost(share):
                grained[y, left : left + n] = picture[y, left : left + n]
                final[y, left : left + n] = plate[y, left : left + n]
                continue
            if not filled:
                fill_white(white, top - reach, left - reach, sources, hashed)
                filled = True
            if y >= made_to:
                first, made_to = y, min(y + AT_ONCE, bottom)
                noise_rows(white, sources, first - top, made_to - first, made)
            swell_row(made[y - first], y, left, swelling)
            mix_row(made[y - first], sources)
            rows.load_pixels(plate[y, left : left + n], shot)
            rows.load_halves(shot, had)
            rows.load_pixels(picture[y, left : left + n], has)
            grain_rows(had, has, share, law, made[y - first], done)
            for c in range(3):
                rows.half_row(done[c], shot[c], share, sent[c])
            rows.store_pixels(done, grained[y, left : left + n])
            rows.store_pixels(sent, final[y, left : left + n])
