"""White noise through a spatial kernel, four rows of 32 pixels at a time in registers: what is fetched serves all four.

The kernel's side is known when this is compiled: all its taps are unrolled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from pipeline.kernels.interleaved import address, several

TAPS, WIDE_TAPS = 9, 11  # sides of spatial kernels; the wide one for grain that reaches farther
ROWS, COLUMNS = 4, 32  # that one call filters
_LANES = 16
_FLOATS, _LONG = several(ir.FloatType(), _LANES), ir.IntType(64)


def filter_lanes(white: np.ndarray, kernel: np.ndarray, j: int, x: int, c: int, made: np.ndarray, side: int) -> None:
    """Add to made[0..3, c, x..x + 31] what `kernel` (side, side) makes of white[j.., x..] (rows, columns), float32.

    Row r of a pixel is the sum over v, then u, of kernel[v, u] * white[j + r + v, x + u], each step rounded once: the
    same bits as one row after the other. side: a literal.
    """
    for r in range(ROWS):
        for v in range(side):
            for u in range(side):
                made[r, c, x : x + COLUMNS] += kernel[v, u] * white[j + r + v, x + u : x + u + COLUMNS]


@intrinsic(prefer_literal=True)
def _filter(typing, white, kernel, j, x, c, made, side):
    across = side.literal_value

    def build(context, builder, signature, arguments):
        white, kernel, j, x, c, made, _ = arguments
        kinds = signature.args

        def value_at(place: Any, kind: Any = _FLOATS, values: int = 0) -> Any:
            return builder.inttoptr(builder.add(place, _LONG(4 * values)), kind.as_pointer())

        def fma(tap: Any, value: Any, total: Any) -> Any:
            kind = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
            return builder.call(
                cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.v16f32"), [tap, value, total]
            )

        void = ir.Constant(_FLOATS, ir.Undefined)
        whole = ir.Constant(several(ir.IntType(32), _LANES), [0] * _LANES)
        taps = address(context, builder, kinds[1], kernel)
        targets = [address(context, builder, kinds[5], made, _LONG(r), c, x) for r in range(ROWS)]
        sides = range(0, COLUMNS, _LANES)
        total = {(r, k): builder.load(value_at(targets[r], values=k), align=4) for r in range(ROWS) for k in sides}
        for row in range(ROWS + across - 1):
            near = address(context, builder, kinds[0], white, builder.add(j, _LONG(row)), x)
            served = [r for r in range(ROWS) if 0 <= row - r < across]
            for u in range(across):
                seen = {k: builder.load(value_at(near, values=u + k), align=4) for k in sides}
                for r in served:
                    one = builder.load(value_at(taps, ir.FloatType(), across * (row - r) + u))
                    tap = builder.shuffle_vector(builder.insert_element(void, one, ir.IntType(32)(0)), void, whole)
                    for k in sides:
                        total[r, k] = fma(tap, seen[k], total[r, k])
        for (r, k), value in total.items():
            builder.store(value, value_at(targets[r], values=k), align=4)
        return context.get_dummy_value()

    return types.void(white, kernel, types.intp, types.intp, types.intp, made, side), build


@overload(filter_lanes, inline="always", prefer_literal=True)
def _filter_compiled(white, kernel, j, x, c, made, side):
    return lambda white, kernel, j, x, c, made, side: _filter(white, kernel, j, x, c, made, side)
