"""Sixteen pixels of a layer over a picture, from memory to memory in registers: as fast as memory hands them out.

Each third of the picture's 48 values lies in two of the layer's four registers, so one shuffle brings it its colours and one
its alphas. The next sixteen of all three are asked for before these are written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from pipeline.kernels.gradelanes import SIXTEEN
from pipeline.kernels.interleaved import address, chosen, several

_FLOATS, _INTS = several(ir.FloatType(), SIXTEEN), several(ir.IntType(32), SIXTEEN)
_HALVES = several(ir.HalfType(), SIXTEEN)
_LONG, _INT = ir.IntType(64), ir.IntType(32)
_BYTES = 4 * SIXTEEN
_REGISTERS = 4, 3, 1  # that sixteen pixels of layer, picture and kept fill; kept's is half a line
BELOW_ONE = np.float32(1 - 2**-11)  # the half before it


def over_sixteen(layer: np.ndarray, picture: np.ndarray, kept: np.ndarray, x: int) -> None:
    """Pixels x to x + 15 of layer (n, 4) over picture (n, 3), float32, and out of kept (n,), halves' bits; in place."""
    front = layer[x : x + SIXTEEN]
    if (front == 0).all():
        return
    through = np.float32(1) - front[:, 3]
    picture[x : x + SIXTEEN] = front[:, :3] + through[:, None] * picture[x : x + SIXTEEN]
    share = kept[x : x + SIXTEEN].view(np.float16)
    left = share.astype(np.float32) * np.where(through < 0, np.float32(0), through)
    share[:] = np.where(left < 1, np.minimum(left, BELOW_ONE), left)


@intrinsic
def _over(typing, layer, picture, kept, x):
    """Nothing is written where all 64 values of the layer are 0."""

    def build(context, builder, signature, arguments):
        near = [address(context, builder, signature.args[k], arguments[k], arguments[3]) for k in range(3)]
        front_at, picture_at = (
            [builder.inttoptr(builder.add(at, _LONG(_BYTES * n)), _FLOATS.as_pointer()) for n in range(count)]
            for at, count in zip(near[:2], _REGISTERS[:2], strict=True)
        )
        kept_at = builder.inttoptr(near[2], _HALVES.as_pointer())
        front = [builder.load(place, align=4) for place in front_at]
        for at, count in zip(near, _REGISTERS, strict=True):
            for n in range(count, 2 * count):
                _prefetch(builder, builder.add(at, _LONG(_BYTES * n)))
        with builder.if_then(_any_there(builder, front)):
            for k, place in enumerate(picture_at):
                pixels = [divmod(i, 3) for i in range(SIXTEEN * k, SIXTEEN * (k + 1))]
                colour, alpha = (
                    chosen(builder, front[k], [4 * p + c - SIXTEEN * k for p, c in lanes], front[k + 1])
                    for lanes in (pixels, [(p, 3) for p, _ in pixels])
                )
                behind = builder.fmul(builder.fsub(_real(1), alpha), builder.load(place, align=4))
                builder.store(builder.fadd(colour, behind), place, align=4)
            halves = [chosen(builder, front[k], list(range(3, 2 * SIXTEEN, 4)), front[k + 1]) for k in (0, 2)]
            through = builder.fsub(_real(1), chosen(builder, halves[0], list(range(SIXTEEN)), halves[1]))
            through = builder.select(builder.fcmp_ordered("<", through, _real(0)), _real(0), through)
            left = builder.fmul(builder.fpext(builder.load(kept_at, align=2), _FLOATS), through)
            near_one = [builder.fcmp_ordered(*by) for by in (("<", left, _real(1)), (">", left, _real(BELOW_ONE)))]
            left = builder.select(builder.and_(*near_one), _real(BELOW_ONE), left)
            builder.store(builder.fptrunc(left, _HALVES), kept_at, align=2)
        return context.get_dummy_value()

    return types.void(layer, picture, kept, types.intp), build


@overload(over_sixteen, inline="always")
def _over_compiled(layer, picture, kept, x):
    return lambda layer, picture, kept, x: _over(layer, picture, kept, x)


def _any_there(builder: Any, registers: list[Any]) -> Any:
    """Is any value of these not 0? NaN is there, minus 0 is not."""
    bits = builder.bitcast(registers[0], _INTS)
    for register in registers[1:]:
        bits = builder.or_(bits, builder.bitcast(register, _INTS))
    unsigned = builder.shl(bits, ir.Constant(_INTS, [1] * SIXTEEN))
    there = builder.icmp_unsigned("!=", unsigned, ir.Constant(_INTS, [0] * SIXTEEN))
    return builder.icmp_unsigned("!=", builder.bitcast(there, ir.IntType(SIXTEEN)), ir.IntType(SIXTEEN)(0))


def _prefetch(builder: Any, place: Any) -> None:
    """Have what lies at an address brought near; it may lie outside of the picture."""
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, _INT, _INT, _INT])
    fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(fetch, [builder.inttoptr(place, byte), _INT(0), _INT(3), _INT(1)])


def _real(value: float | np.float32) -> Any:
    return ir.Constant(_FLOATS, [float(value)] * SIXTEEN)
