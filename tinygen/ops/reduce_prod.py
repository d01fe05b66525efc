"""REDUCE_PROD over any axes, int8 and int16, which TFLM does not have.

The real product, (q - zero point) * scale of each element, rounded half away from zero and saturated: exactly as long
as the product of the steps has no more than 47 bits, else those are what counts, with a relative error far below that
of float64 arithmetic over as many factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._reduce import (
    ReduceOptions,
    check_reduce,
    parse_reduce,
    reduce_call,
    reduced_axes,
    reduced_count,
    reduced_shape,
)
from tinygen.ops.base import KernelCall, Operator, Shape, reject

_MANTISSA = 47  # bits of a product that are kept
_MULTIPLIER = 62  # bits of the multiplier
_MOST = 1 << 12  # factors


class ReduceProd(Operator):
    kind = "REDUCE_PROD"
    wide: ClassVar[int] = 0  # 1 for int16

    def parse(self, options: Any) -> ReduceOptions:
        return parse_reduce(options)

    def check(self, graph: Graph, op: Op) -> None:
        check_reduce(graph, op, self.dtype)
        if reduced_count(graph, op) > _MOST:
            raise reject(op, f"{reduced_count(graph, op)} factors, {_MOST} at most")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (reduced_shape(graph, op),)

    def _multiplier(self, graph: Graph, op: Op) -> tuple[int, int]:
        """(m, e): m * 2**e, m of 62 bits and rounded up, is what the product of the steps is to be multiplied by.

        Upwards, so that what is exactly a half does not come out a little less.
        """
        real = Fraction(graph.required(op, 0).scale) ** reduced_count(graph, op) / Fraction(graph.output(op).scale)
        exponent = real.numerator.bit_length() - real.denominator.bit_length() - _MULTIPLIER
        mantissa = -((-real.numerator << max(-exponent, 0)) // (real.denominator << max(exponent, 0)))
        while mantissa >= 1 << _MULTIPLIER:
            mantissa, exponent = (mantissa + 1) >> 1, exponent + 1
        return mantissa, exponent

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        axes, x, y = reduced_axes(graph, op), graph.required(op, 0), graph.output(op)
        kept = [i for i in range(inputs[0].ndim) if i not in axes]
        steps = inputs[0].astype(np.int64).transpose(*kept, *axes).reshape(-1, reduced_count(graph, op)) - x.zero_point
        multiplier, exponent = self._multiplier(graph, op)
        limits = np.iinfo(y.dtype.value)
        results = [_scaled(row, multiplier, exponent, int(limits.max)) + y.zero_point for row in steps.tolist()]
        return (np.clip(results, limits.min, limits.max).astype(y.dtype.value).reshape(y.shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        multiplier, exponent = self._multiplier(graph, op)
        params = (
            ("wide", self.wide),
            ("input_zero_point", graph.required(op, 0).zero_point),
            ("output_zero_point", graph.output(op).zero_point),
            ("multiplier_high", multiplier >> 31),
            ("multiplier_low", multiplier & 0x7FFFFFFF),
            ("exponent", exponent),
        )
        return (reduce_call(graph, op, "reduce_prod", params),)


def _scaled(steps: Sequence[int], multiplier: int, exponent: int, highest: int) -> int:
    """The product of steps in steps of the output; beyond 4 * highest it is that."""
    mantissa, sign = 1, 1
    for step in steps:
        mantissa, sign = mantissa * abs(step), sign if step >= 0 else -sign
        while mantissa >> _MANTISSA:  # what is cut off leaves a trace in the last bit
            mantissa, exponent = mantissa >> 1 | mantissa & 1, exponent + 1
    most = 4 * highest
    while 0 < mantissa < 1 << (_MANTISSA - 1):
        mantissa, exponent = mantissa << 1, exponent - 1
    # 47 + 62 bits, of which the upper ones are kept
    high, shift = (mantissa * multiplier) >> _MANTISSA, -(exponent + _MANTISSA)
    if shift <= 0 or high >> shift >= most:
        return sign * most if mantissa else 0
    return sign * ((high + (1 << (shift - 1))) >> shift) if shift <= _MULTIPLIER else 0
