"""A comp in one pass over memory: block by block, each step on a row that still lies in the cache.

Pictures are planes (C, H, W), as EXR stores them. Results are the same bits for any number of threads and any tiling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.kernels import comprows as rows
from pipeline.kernels.bands import in_bands
from pipeline.kernels.color import LUMINANCE, Grade, linear
from pipeline.kernels.comprows import COLUMNS
from pipeline.kernels.grain import (
    TAPS,
    Grain,
    _any_lost,
    _fill_white,
    _grain_rows,
    _graining,
    _noise_row,
)
from pipeline.kernels.halves import bits


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies around a comp's one layer; each is left out when None.

    outside: (4, H, W) float32, blurred: what is behind the layer times its transparency, and that transparency; its
    light creeps over the layer's edge by `wrap`, as bright as it is against `white`, a luminance. shadow: (H, W) float32, 1 = untouched. veil: (3, H, W) float32, the
    haze before the plate that a shadow leaves. depth_m: (H, W) float32 of the layer, hazed by colour and extinction.
    """

    outside: np.ndarray | None = None
    wrap: float = 0.0
    white: float = 1.0
    shadow: np.ndarray | None = None
    veil: np.ndarray | None = None
    depth_m: np.ndarray | None = None
    air: tuple[float, float, float] = (0.0, 0.0, 0.0)
    extinction_per_m: float = 0.0


def comp(
    front: np.ndarray,
    plate: np.ndarray,
    out: np.ndarray,
    grain: Grain,
    seed: int,
    frame: int,
    by: Grade | None = None,
    beside: Beside | None = None,
    origin: tuple[int, int] = (0, 0),
) -> None:
    """One layer into the plate: grade, haze, shadow on the plate, light wrap, over, missing grain, half.

    front: (4, H, W) float32 or float16, premultiplied scene-linear ACEScg. plate, out: (3, H, W) float16; not the same.
    Pixels without alpha, light or shadow leave with the plate's bits. Finite values stay finite in half. NaN stays NaN.
    origin: (x, y) of this tile in the whole picture. Raises ValueError on other shapes or types, or what is not in C
    order.
    """
    beside = beside or Beside()
    size = plate.shape[1:]
    extra = ((beside.outside, (4, *size)), (beside.veil, (3, *size)), (beside.shadow, size), (beside.depth_m, size))
    _fits("plate", plate, (3, *size), (np.float16,))
    _fits("out", out, (3, *size), (np.float16,))
    _fits("front", front, (4, *size), (np.float16, np.float32))
    for array, shape in extra:
        if array is not None:
            _fits("an array of beside", array, shape, (np.float32,))
    if np.may_share_memory(plate, out):
        raise ValueError("out must not be the plate: untouched pixels are copied from it.")
    none3, none2 = np.empty((0, 0, 0), np.float32), np.empty((0, 0), np.float32)
    outside, veil, shadow, depth = (a if a is not None else none3 if len(s) == 3 else none2 for a, s in extra)
    look = (
        np.asarray(beside.air, np.float32),
        *(np.float32(v) for v in (beside.extinction_per_m, beside.wrap, beside.white)),
        LUMINANCE,
    )
    arrays = bits(front), bits(plate), outside, veil, shadow, depth
    how = look, _grading(by), _graining(grain, seed, frame), np.int64(origin[0]), np.int64(origin[1]), bits(out)
    in_bands(size[0], lambda top, bottom: _comp(top, bottom, *arrays, *how))


def lay_over(layer: np.ndarray, picture: np.ndarray, kept: np.ndarray) -> None:
    """Lay a layer over `picture` and take it from `kept`, in one pass; both change in place.

    layer: (H, W, 4) float32, premultiplied; picture: (H, W, 3) float32; kept: (H, W) float32, the share of the plate's
    own signal, times 1 - alpha afterwards. Where alpha and colour are 0 both keep their bits. Raises ValueError on other
    shapes.

    Source: Porter and Duff, "Compositing Digital Images", SIGGRAPH 1984.
    """
    size = kept.shape
    for name, array, shape in (("layer", layer, (*size, 4)), ("picture", picture, (*size, 3)), ("kept", kept, size)):
        _fits(name, array, shape, (np.float32,))
    in_bands(size[0], lambda top, bottom: _lay_over(top, bottom, layer, picture, kept))


def finish(
    plate: np.ndarray, picture: np.ndarray, kept: np.ndarray, grain: Grain, seed: int, frame: int
) -> tuple[np.ndarray, np.ndarray]:
    """The grain that a picture lacks and the half float that leaves, in one pass: (H, W, 3) float32 and float16.

    plate: (H, W, 3) float16 as shot; picture: (H, W, 3) float32, the same with layers over it; kept: (H, W) float32.
    Where kept is 1 the second has the plate's bits and the first the picture's. Raises ValueError on other shapes.
    """
    size = kept.shape
    _fits("plate", plate, (*size, 3), (np.float16,))
    _fits("picture", picture, (*size, 3), (np.float32,))
    _fits("kept", kept, size, (np.float32,))
    grained, final = np.empty_like(picture), np.empty_like(plate)
    how = plate.view(np.uint16), picture, kept, _graining(grain, seed, frame), grained, final.view(np.uint16)
    in_bands(size[0], lambda top, bottom: _finish(top, bottom, *how))
    return grained, final


def _fits(name: str, array: np.ndarray, shape: tuple[int, ...], types: tuple[type, ...]) -> None:
    if array.shape != shape or array.dtype not in types or not array.flags.c_contiguous:
        wanted = " or ".join(np.dtype(t).name for t in types)
        raise ValueError(f"{name} is {array.shape} {array.dtype}; wanted {shape} {wanted} in C order.")


def _grading(by: Grade | None) -> tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.float32]:
    """How (0 not at all, 1 linear, 2 with power), matrix or gain, offset, power, luminance, saturation."""
    by = by or Grade()
    if by.power == (1.0, 1.0, 1.0):
        matrix, offset = linear(by)
        return int(by != Grade()), matrix, offset, np.ones(3, np.float32), LUMINANCE, np.float32(1)
    gain = np.diag(np.asarray(by.slope) * 2.0**by.exposure_ev).astype(np.float32)
    offset, exponent = np.asarray(by.offset, np.float32), np.asarray(by.power, np.float32)
    return 2, gain, offset, exponent, LUMINANCE, np.float32(by.saturation)


@njit(cache=True)
def _grade(rgba, grading):
    how, matrix, offset, exponent, weights, saturation = grading
    if how == 1:
        rows.grade_linear_row(rgba, matrix, offset)
    elif how == 2:
        gain = np.array([matrix[0, 0], matrix[1, 1], matrix[2, 2]])
        rows.grade_row(rgba, gain, offset, exponent, saturation, weights)


@njit(nogil=True, cache=True)
def _comp(top, bottom, front, plate, outside, veil, shadow, depth, look, grading, graining, x0, y0, out):
    air, extinction, wrap, white_at, weights = look
    law, kernels, mix, (table, key) = graining
    reach, width = TAPS // 2, out.shape[2]
    for left in range(0, width, COLUMNS):
        n = min(COLUMNS, width - left)
        white = np.empty((3, bottom - top + 2 * reach, n + 2 * reach), np.float32)
        rgba, beside = np.empty((4, n), np.float32), np.empty((4, n), np.float32)
        had, picture = np.empty((3, n), np.float32), np.empty((3, n), np.float32)
        haze = np.zeros((3, n), np.float32)
        made, done = np.empty((3, n), np.float32), np.empty((3, n), np.float32)
        kept, lit = np.ones(n, np.float32), np.empty(n, np.uint8)
        filled = False
        for y in range(top, bottom):
            rows.load(front, y, left, rgba)
            if shadow.shape[0]:
                rows.hold(shadow[y, left : left + n], kept)
            else:
                kept[:] = np.float32(1)
            bare = rows.empty(rgba)
            if bare and not _any_lost(kept):
                for c in range(3):
                    out[c, y, left : left + n] = plate[c, y, left : left + n]
                continue
            rows.load(plate, y, left, had)
            picture[:] = had
            if shadow.shape[0]:
                if veil.shape[0]:
                    rows.load(veil, y, left, haze)
                rows.shadow_row(picture, kept, haze)
            rows.lit_row(rgba, lit)
            if not bare:
                _grade(rgba, grading)
                if depth.shape[0] and extinction > np.float32(0):
                    rows.haze_row(rgba, depth[y, left : left + n], air, extinction)
                if outside.shape[0] and wrap > np.float32(0):
                    rows.load(outside, y, left, beside)
                    rows.wrap_row(rgba, beside, wrap, white_at, weights)
                rows.over_row(rgba, picture, kept)
            if not filled:
                _fill_white(white, y0 + top - reach, x0 + left - reach, table, key)
                filled = True
            _noise_row(white, kernels, mix, y - top, made)
            _grain_rows(had, picture, kept, law, made, done)
            for c in range(3):
                rows.half_row(done[c], plate[c, y, left : left + n], kept, lit, out[c, y, left : left + n])


@njit(nogil=True, cache=True)
def _lay_over(top, bottom, layer, picture, kept):
    width = kept.shape[1]
    for left in range(0, width, COLUMNS):
        n = min(COLUMNS, width - left)
        rgba, behind = np.empty((4, n), np.float32), np.empty((3, n), np.float32)
        for y in range(top, bottom):
            rows.load_pixels(layer[y, left : left + n], rgba)
            if rows.empty(rgba):
                continue
            rows.load_pixels(picture[y, left : left + n], behind)
            rows.over_row(rgba, behind, kept[y, left : left + n])
            rows.store_pixels(behind, picture[y, left : left + n])


@njit(nogil=True, cache=True)
def _finish(top, bottom, plate, picture, kept, graining, grained, final):
    law, kernels, mix, (table, key) = graining
    reach, width = TAPS // 2, kept.shape[1]
    for left in range(0, width, COLUMNS):
        n = min(COLUMNS, width - left)
        white = np.empty((3, bottom - top + 2 * reach, n + 2 * reach), np.float32)
        had, has = np.empty((3, n), np.float32), np.empty((3, n), np.float32)
        made, done = np.empty((3, n), np.float32), np.empty((3, n), np.float32)
        shot, sent = np.empty((3, 1, n), np.uint16), np.empty((3, n), np.uint16)
        lit = np.zeros(n, np.uint8)
        filled = False
        for y in range(top, bottom):
            share = kept[y, left : left + n]
            if not _any_lost(share):
                grained[y, left : left + n] = picture[y, left : left + n]
                final[y, left : left + n] = plate[y, left : left + n]
                continue
            if not filled:
                _fill_white(white, top - reach, left - reach, table, key)
                filled = True
            _noise_row(white, kernels, mix, y - top, made)
            rows.load_pixels(plate[y, left : left + n], shot[:, 0])
            rows.load(shot, 0, 0, had)
            rows.load_pixels(picture[y, left : left + n], has)
            _grain_rows(had, has, share, law, made, done)
            for c in range(3):
                rows.half_row(done[c], shot[c, 0], share, lit, sent[c])
            rows.store_pixels(done, grained[y, left : left + n])
            rows.store_pixels(sent, final[y, left : left + n])
