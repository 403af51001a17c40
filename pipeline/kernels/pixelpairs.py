"""Two interleaved RGBA pixels as one register: numba's loops do not find that by themselves."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numba.np import arrayobj


def over_two(front: np.ndarray, back: np.ndarray, out: np.ndarray, x: int) -> None:
    """Pixels x and x + 1 of rows (W, 4) float32 in C order: out = front + (1 - front alpha) * back; `out` may be either."""
    two = slice(x, x + 2)
    out[two] = front[two] + (np.float32(1) - front[two, 3:]) * back[two]


@intrinsic
def _over_two(typing, front, back, out, x):
    def build(context, builder, signature, arguments):
        eight = ir.VectorType(ir.FloatType(), 8)
        start = builder.mul(arguments[3], ir.Constant(arguments[3].type, 4))

        def place(k):
            array = arrayobj.make_array(signature.args[k])(context, builder, arguments[k])
            return builder.bitcast(builder.gep(array.data, [start]), eight.as_pointer())

        a, b = (builder.load(place(k), align=4) for k in (0, 1))
        alphas = ir.Constant(ir.VectorType(ir.IntType(32), 8), [3] * 4 + [7] * 4)
        alpha = builder.shuffle_vector(a, ir.Constant(eight, ir.Undefined), alphas)
        through = builder.fsub(ir.Constant(eight, [1.0] * 8), alpha)
        builder.store(builder.fadd(a, builder.fmul(through, b)), place(2), align=4)
        return context.get_dummy_value()

    return types.void(front, back, out, types.intp), build


@overload(over_two, inline="always")
def _over_two_compiled(front, back, out, x):
    return lambda front, back, out, x: _over_two(front, back, out, x)
