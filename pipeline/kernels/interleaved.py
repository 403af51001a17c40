"""Eight interleaved pixels at a time, as registers: numba's loops fetch each value by itself.

`pixels` is a row (n, C) and `planes` (C, n), both with their last values side by side, float32 or halves' bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np import arrayobj

EIGHT = 8
_ELEMENTS = {types.float32: (ir.FloatType(), 4), types.uint16: (ir.IntType(16), 2)}  # and their bytes
_LONG, _INDEX = ir.IntType(64), ir.IntType(32)


def split_eight(pixels: np.ndarray, planes: np.ndarray, x: int, channels: int) -> None:
    """Pixels x to x + 7 of `channels` (3 or 4, a literal) into planes."""
    planes[:, x : x + EIGHT] = pixels[x : x + EIGHT].T


def join_eight(planes: np.ndarray, pixels: np.ndarray, x: int, channels: int) -> None:
    """The way back of split_eight."""
    pixels[x : x + EIGHT] = planes[:, x : x + EIGHT].T


def address(context: Any, builder: Any, kind: Any, array: Any, *index: Any) -> Any:
    """Of the value at `index`, which may leave out the last ones."""
    held = arrayobj.make_array(kind)(context, builder, array)
    at = builder.ptrtoint(held.data, _LONG)
    for stride, i in zip(cgutils.unpack_tuple(builder, held.strides), index, strict=False):
        at = builder.add(at, builder.mul(stride, i))
    return at


def several(element: Any, count: int) -> Any:
    return ir.VectorType(element, count)


def chosen(builder: Any, values: Any, order: list[int], others: Any = None) -> Any:
    """Lanes `order` of one register, or of two laid side by side."""
    rest = ir.Constant(values.type, ir.Undefined) if others is None else others
    return builder.shuffle_vector(values, rest, ir.Constant(several(_INDEX, len(order)), order))


def _turned(builder: Any, four: list[Any]) -> list[Any]:
    """The 4 x 4 values in each half of four registers of eight, rows for columns."""
    low, high = [0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]
    near, far = ([chosen(builder, four[k], order, four[k + 1]) for k in (0, 2)] for order in (low, high))
    first, second = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
    return [chosen(builder, pair[0], order, pair[1]) for pair in (near, far) for order in (first, second)]


@intrinsic(prefer_literal=True)
def _split(typing, pixels, planes, x, channels):
    count, (element, size) = channels.literal_value, _ELEMENTS[pixels.dtype]

    def build(context, builder, signature, arguments):
        at = arguments[2]
        near = address(context, builder, signature.args[0], arguments[0], at)
        if count == 4:  # pixels k and k + 4 side by side, then rows for columns: half the shuffles of the general way
            single = several(element, 4).as_pointer()
            each = [builder.inttoptr(builder.add(near, _LONG(4 * size * k)), single) for k in range(EIGHT)]
            loaded = [builder.load(p, align=size) for p in each]
            rows = [chosen(builder, loaded[k], list(range(EIGHT)), loaded[k + 4]) for k in range(4)]
            lanes = _turned(builder, rows)
        else:
            seen = builder.load(builder.inttoptr(near, several(element, EIGHT * count).as_pointer()), align=size)
            lanes = [chosen(builder, seen, list(range(c, EIGHT * count, count))) for c in range(count)]
        for c, lane in enumerate(lanes):
            plane = address(context, builder, signature.args[1], arguments[1], _LONG(c), at)
            builder.store(lane, builder.inttoptr(plane, lane.type.as_pointer()), align=size)
        return context.get_dummy_value()

    return types.void(pixels, planes, types.intp, channels), build


@intrinsic(prefer_literal=True)
def _join(typing, planes, pixels, x, channels):
    count, (element, size) = channels.literal_value, _ELEMENTS[pixels.dtype]
    lanes = several(element, EIGHT)

    def build(context, builder, signature, arguments):
        at = arguments[2]
        planes = [address(context, builder, signature.args[0], arguments[0], _LONG(c), at) for c in range(count)]
        loaded = [builder.load(builder.inttoptr(p, lanes.as_pointer()), align=size) for p in planes]
        near = address(context, builder, signature.args[1], arguments[1], at)
        if count == 4:
            for k, pair in enumerate(_turned(builder, loaded)):  # pixels k and k + 4
                for half in (0, 4):
                    one = chosen(builder, pair, list(range(half, half + 4)))
                    place = builder.add(near, _LONG(4 * size * (k + half)))
                    builder.store(one, builder.inttoptr(place, one.type.as_pointer()), align=size)
            return context.get_dummy_value()
        void = ir.Constant(lanes, ir.Undefined)
        pairs = [chosen(builder, loaded[0], list(range(2 * EIGHT)), loaded[1])]
        pairs.append(chosen(builder, loaded[2], list(range(2 * EIGHT)), void))
        order = [c * EIGHT + i for i in range(EIGHT) for c in range(count)]
        made = chosen(builder, pairs[0], order, pairs[1])
        builder.store(made, builder.inttoptr(near, made.type.as_pointer()), align=size)
        return context.get_dummy_value()

    return types.void(planes, pixels, types.intp, channels), build


@overload(split_eight, inline="always", prefer_literal=True)
def _split_compiled(pixels, planes, x, channels):
    return lambda pixels, planes, x, channels: _split(pixels, planes, x, channels)


@overload(join_eight, inline="always", prefer_literal=True)
def _join_compiled(planes, pixels, x, channels):
    return lambda planes, pixels, x, channels: _join(planes, pixels, x, channels)
