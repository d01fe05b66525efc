"""What elementwise operators with two inputs share: kernel calls with broadcasting, and ADD's arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier
from tinygen.ir import Array, Graph, Op, Tensor
from tinygen.ops._broadcast import broadcast_operands
from tinygen.ops._requantize import activation_range
from tinygen.ops.base import Constant, KernelCall, reject, repeated, row_by_row

LEFT_SHIFT = 20  # of int8
Multipliers = tuple[tuple[int, int], ...]


def broadcast_call(graph: Graph, op: Op, kernel: str, *params: tuple[str, int | float | Constant]) -> KernelCall:
    """The call of a kernel that walks its inputs with broadcasting; `params` follow the walk."""
    walk, inputs, output = broadcast_operands(graph, op)
    alike = tuple(
        i for i, o in enumerate(inputs) if replace(o, tensor=output.tensor) == output and _is_whole(graph, op, i)
    )
    return KernelCall(
        kernel=kernel,
        params=(*walk, *params),
        inputs=inputs,
        output=output,
        rows=output.rows,
        reads=tuple(row_by_row(output.rows) if o.rows == output.rows else repeated(output.rows, o) for o in inputs),
        in_place=alike,
    )


def _is_whole(graph: Graph, op: Op, index: int) -> bool:
    """Whether broadcasting repeats nothing of the input, so that its elements stand where the output's do."""
    return graph.required(op, index).elements == graph.output(op).elements


def need_same_quantization(op: Op, *tensors: Tensor) -> None:
    """Raise unless all tensors have one scale and one zero point; TFLM takes their stored values as they are."""
    if len({(t.scale, t.zero_point) for t in tensors}) > 1:
        raise reject(op, "inputs and output must have the same quantization (TFLM does not rescale here)")


def offsets(graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, Array]:
    """Both inputs less their zero points, int64."""
    a, b = (inputs[i].astype(np.int64) - graph.required(op, i).zero_point for i in (0, 1))
    return a, b


def rescaled(graph: Graph, op: Op, inputs: Sequence[Array], multipliers: Multipliers, left_shift: int) -> list[Array]:
    """Both inputs without zero points in a common scale, int64; (multiplier, shift) of each, shifts <= 0."""
    pairs = zip(offsets(graph, op, inputs), multipliers, strict=False)
    return [multiply_by_quantized_multiplier(offset << left_shift, m, s) for offset, (m, s) in pairs]


def add_reference(
    graph: Graph, op: Op, inputs: Sequence[Array], multipliers: Multipliers, sign: int, left_shift: int = LEFT_SHIFT
) -> Array:
    """ADD (sign 1) or SUB (-1); multipliers of both inputs and of the output, all shifts <= 0."""
    y = graph.output(op)
    a, b = rescaled(graph, op, inputs, multipliers, left_shift)
    scaled = multiply_by_quantized_multiplier(a + sign * b, *multipliers[2]) + y.zero_point
    return np.clip(scaled, *activation_range(op.options.activation, y)).astype(y.dtype.value)


def add_call(graph: Graph, op: Op, kernel: str, multipliers: Multipliers, sign: int) -> KernelCall:
    """The kernel call of ADD (sign 1) or SUB (-1)."""
    (m1, s1), (m2, s2), (m, s) = multipliers
    low, high = activation_range(op.options.activation, graph.output(op))
    return broadcast_call(
        graph,
        op,
        kernel,
        ("input1_zero_point", graph.required(op, 0).zero_point),
        ("input1_multiplier", m1),
        ("input1_shift", s1),
        ("input2_zero_point", graph.required(op, 1).zero_point),
        ("input2_multiplier", m2),
        ("input2_shift", s2),
        ("input2_sign", sign),
        ("output_zero_point", graph.output(op).zero_point),
        ("output_multiplier", m),
        ("output_shift", s),
        ("activation_min", low),
        ("activation_max", high),
    )
