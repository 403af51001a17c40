"""A grade of sixteen pixels at a time, from memory to memory in registers: twice as fast as a row's steps one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from pipeline.kernels.exponent import EXP2_SERIES
from pipeline.kernels.interleaved import address, chosen

SIXTEEN = 16
TERMS = 13  # gain, offset, exponent, luminance's weights times 1 - saturation: three each; saturation
_FLOATS, _INTS = (ir.VectorType(one, SIXTEEN) for one in (ir.FloatType(), ir.IntType(32)))
_LONG = ir.IntType(64)
# A minimax polynomial: log2(1 + t) = t * series on sqrt(0.5) - 1..sqrt(2) - 1, within half a unit in the last place, exact at 0.
_LOG2_SERIES = tuple(
    np.float32(v)
    for v in (
        1.442694772,
        -0.7213571493,
        0.4809394412,
        -0.3600872001,
        0.2867075458,
        -0.2500693045,
        0.2368897865,
        -0.145742961,
    )
)
_ROOT_HALF = 0x3F3504F3


def grade_sixteen(layer: np.ndarray, out: np.ndarray, x: int, terms: np.ndarray) -> None:
    """Pixels x to x + 15 of a row `layer` (n, 4) float32, premultiplied, graded into `out` (n, 4), which may be `layer`.

    Unpremultiply, gain and offset, power, saturation, premultiply; where alpha is 0 gain alone: it is pure light. terms:
    (TERMS,) float32. An exponent of 1 leaves values exact, one of what is below 0 too.
    """
    gain, offset, exponent, weights = terms[:12].reshape(4, 3)
    alpha = layer[x : x + SIXTEEN, 3:]
    none = alpha == 0
    colour = layer[x : x + SIXTEEN, :3] / np.where(none, np.float32(1), alpha) * gain
    lifted = colour + offset
    bent = np.where((lifted > 0) & (exponent != 1), np.abs(lifted) ** exponent, lifted)
    made = ((bent @ weights)[:, None] + bent * terms[12]) * alpha
    out[x : x + SIXTEEN] = np.concatenate([np.where(none, colour, made), alpha], axis=1)


@intrinsic
def _grade(typing, layer, out, x, terms):
    def build(context, builder, signature, arguments):
        def term(k: int) -> Any:
            place = address(context, builder, signature.args[3], arguments[3], _LONG(k))
            value = builder.load(builder.inttoptr(place, ir.FloatType().as_pointer()))
            first = builder.insert_element(_void(), value, ir.IntType(32)(0))
            return builder.shuffle_vector(first, _void(), _whole(0))

        places = [address(context, builder, signature.args[k], arguments[k], arguments[2]) for k in (0, 1)]
        source, target = (
            [builder.inttoptr(builder.add(place, _LONG(64 * k)), _FLOATS.as_pointer()) for k in range(4)]
            for place in places
        )
        *rgb, alpha = _turned(builder, [builder.load(place, align=4) for place in source])
        none = builder.fcmp_ordered("==", alpha, _real(0))
        share = builder.select(none, _real(1), builder.fdiv(_real(1), alpha))
        bent = []
        for c in range(3):
            colour = builder.fmul(builder.fmul(rgb[c], share), term(c))
            raised = _power(builder, builder.fadd(colour, term(3 + c)), term(6 + c))
            bent.append(builder.select(none, colour, raised))
        weighted = [builder.fmul(term(9 + c), bent[c]) for c in range(3)]
        grey = builder.fadd(builder.fadd(weighted[0], weighted[1]), weighted[2])
        made = [builder.fmul(builder.fadd(grey, builder.fmul(value, term(12))), alpha) for value in bent]
        made = [builder.select(none, value, done) for value, done in zip(bent, made, strict=True)]
        for four, place in zip(_turned(builder, [*made, alpha]), target, strict=True):
            builder.store(four, place, align=4)
        return context.get_dummy_value()

    return types.void(layer, out, types.intp, terms), build


@overload(grade_sixteen, inline="always")
def _grade_compiled(layer, out, x, terms):
    return lambda layer, out, x, terms: _grade(layer, out, x, terms)


def _real(value: float | np.float32) -> Any:
    return ir.Constant(_FLOATS, [float(np.float32(value))] * SIXTEEN)


def _whole(value: int) -> Any:
    return ir.Constant(_INTS, [int(value)] * SIXTEEN)


def _void() -> Any:
    return ir.Constant(_FLOATS, ir.Undefined)


def _called(builder: Any, name: str, *values: Any) -> Any:
    """One of LLVM's own functions of registers."""
    kind = ir.FunctionType(_FLOATS, [_FLOATS] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{SIXTEEN}f32"), values)


def _turned(builder: Any, four: list[Any]) -> list[Any]:
    """The 4 x 4 values in each quarter of four registers, rows for columns."""

    def mixed(one: Any, other: Any, lanes: tuple[int, ...]) -> Any:
        order = [q + (lane if lane < 4 else SIXTEEN + lane - 4) for q in range(0, SIXTEEN, 4) for lane in lanes]
        return chosen(builder, one, order, other)

    near = [mixed(four[k], four[k + 1], (0, 4, 1, 5)) for k in (0, 2)]
    far = [mixed(four[k], four[k + 1], (2, 6, 3, 7)) for k in (0, 2)]
    return [mixed(a, b, lanes) for a, b in (near, far) for lanes in ((0, 1, 4, 5), (2, 3, 6, 7))]


def _power(builder: Any, x: Any, exponent: Any) -> Any:
    """exponent.power, lane by lane; x itself where the exponent is 1."""
    raised = _exp2(builder, builder.fmul(_log2(builder, x), exponent))
    fine = builder.and_(builder.fcmp_ordered(">", x, _real(0)), builder.fcmp_ordered("<", x, _real(float("inf"))))
    return builder.select(builder.and_(fine, builder.fcmp_ordered("!=", exponent, _real(1))), raised, x)


def _log2(builder: Any, x: Any) -> Any:
    bits, mantissa = builder.bitcast(x, _INTS), _whole(23)
    power = builder.ashr(builder.sub(bits, _whole(_ROOT_HALF)), mantissa)
    t = builder.fsub(builder.bitcast(builder.sub(bits, builder.shl(power, mantissa)), _FLOATS), _real(1))
    return _series(builder, t, _LOG2_SERIES, builder.sitofp(power, _FLOATS))


def _exp2(builder: Any, y: Any) -> Any:
    y = builder.select(builder.fcmp_ordered(">", y, _real(-127)), y, _real(-127))
    y = builder.select(builder.fcmp_ordered("<", y, _real(128)), y, _real(128))
    whole = _called(builder, "floor", builder.fadd(y, _real(0.5)))
    series = _series(builder, builder.fsub(y, whole), EXP2_SERIES, _real(1))
    scale = builder.shl(builder.add(builder.fptosi(whole, _INTS), _whole(127)), _whole(23))
    return builder.fmul(series, builder.bitcast(scale, _FLOATS))


def _series(builder: Any, t: Any, factors: tuple[np.float32, ...], first: Any) -> Any:
    """first + t * (factors[0] + t * (factors[1] + ...)), each step rounded once."""
    value = _real(factors[-1])
    for factor in reversed(factors[:-1]):
        value = _called(builder, "fma", t, value, _real(factor))
    return _called(builder, "fma", t, value, first)
