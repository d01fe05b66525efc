"""Weights, biases and multipliers of the operators that sum up products, with int8 or int16 activations.

int16 activations (TFLite's 16x8 mode) are summed up in 64 bits and scaled by multipliers of 16 bits, rounded
once; where the bias is int32, in 32 bits as with int8. The functions take the positions of the weights, of the
bias and of the activations among the operator's inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinygen.fixedpoint import multiply_by_short_multiplier, short_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._requantize import (
    activation_range,
    bias_values,
    channel_multipliers,
    need_bias,
    need_multiplier,
    need_weights,
    requantize,
)
from tinygen.ops.base import Constant, need_constant, reject

_WIDEST = 1 << 47  # the accumulators that TFLM's 64-bit output stage is made for
_WIDE_SHIFT = 7
_NARROW = 1 << 16  # a filter's sum of absolute weights, times 2**15 within int32


@dataclass(frozen=True, slots=True)
class Places:
    """Positions among an operator's inputs, and the axis of the weights that is the output channel.

    narrow: whether TFLM's kernel for int16 also has a form for int32 biases.
    """

    source: int = 0
    weights: int = 1
    bias: int = 2
    axis: int = 0
    narrow: bool = True


USUAL = Places()


def wants_int32_sums(options: Any) -> bool:
    """Whether the flatbuffer's options ask for 32-bit sums where there is no bias (16x8 mode only)."""
    return bool(getattr(options, "quantizedBiasType", 0) == schema.TensorType.INT32)


def is_wide(graph: Graph, op: Op, places: Places = USUAL) -> bool:
    """Whether the sums have 64 bits and the multipliers 16."""
    if graph.required(op, places.source).dtype is not DType.INT16:
        return False
    bias = graph.input(op, places.bias)
    if bias is not None:
        return bias.dtype is DType.INT64
    return not (places.narrow and op.options.int32_sums)


def need_parameters(graph: Graph, op: Op, channels: int, places: Places = USUAL) -> None:
    """Raise unless weights and bias are constant, of the types wanted, and no sum can leave its type."""
    need_weights(graph, op, places.weights, channels, places.axis, source=places.source)
    if graph.required(op, places.source).dtype is DType.INT8:
        need_bias(graph, op, places.bias, channels)
        return
    bias = graph.input(op, places.bias)
    wide = is_wide(graph, op, places)
    if bias is not None:
        need_constant(op, bias, "the bias")
        types = (DType.INT64, DType.INT32) if places.narrow else (DType.INT64,)
        if bias.dtype not in types or bias.elements != channels:
            wanted = " or ".join(t.value for t in types)
            raise reject(op, f"bias is {bias.dtype.value} {bias.shape}, {wanted} of {channels} elements expected")
    weights = graph.required(op, places.weights)
    assert weights.data is not None
    assert weights.quantization is not None
    filters = np.abs(np.moveaxis(weights.data, places.axis, 0).reshape(channels, -1).astype(np.int64)).sum(axis=1)
    if not wide:
        if filters.max(initial=0) >= _NARROW:
            raise reject(op, f"weights {weights.shape}: a filter's sum could leave 32 bits, as TFLM's would")
        return
    largest = [int(f) * (1 << 15) + abs(int(b)) for f, b in zip(filters, bias_of(graph, op, places), strict=True)]
    if max(largest, default=0) >= _WIDEST:
        raise reject(op, f"weights {weights.shape}: a sum could leave 48 bits, TFLM's limit")
    x, y = graph.required(op, places.source), graph.output(op)
    need_multiplier(op, x.scale * max(weights.quantization.scale) / y.scale, _WIDE_SHIFT)


def bias_of(graph: Graph, op: Op, places: Places = USUAL) -> Array:
    """The bias (channels,), int32 or int64 as it is; zeros when it is absent."""
    return bias_values(graph, op, places.bias, graph.required(op, places.weights).shape[places.axis])


def output_stage(graph: Graph, op: Op, products: Array, places: Places = USUAL) -> Array:
    """The outputs of sums of products (..., channels), int64: bias, multiplier, zero point and activation."""
    x, weights, y = graph.required(op, places.source), graph.required(op, places.weights), graph.output(op)
    accumulators = products.astype(np.int64) + bias_of(graph, op, places)
    multiplier, shift = channel_multipliers(x, weights, y, weights.shape[places.axis])
    limits = activation_range(op.options.activation, y)
    if is_wide(graph, op, places):
        scaled = multiply_by_short_multiplier(accumulators, short_multiplier(multiplier), shift)
        return np.clip(scaled, *limits).astype(np.int16)
    return requantize(accumulators, multiplier, shift, y.zero_point, limits, y.dtype)


def parameters(
    graph: Graph, op: Op, bias: Array, places: Places = USUAL
) -> tuple[tuple[str, int | float | Constant], ...]:
    """The last fields of the kernels' params: weights, `bias` as the kernel adds it, and multipliers.

    The kernels for int16 have biases of 64 bits always, and `wide`: whether multipliers have 16 bits.
    """
    x, weights, y = graph.required(op, places.source), graph.required(op, places.weights), graph.output(op)
    assert weights.data is not None
    multiplier, shift = channel_multipliers(x, weights, y, weights.shape[places.axis])
    is_int16, wide = x.dtype is DType.INT16, is_wide(graph, op, places)
    constants = (
        Constant("weights", weights.data),
        Constant("bias", bias.astype(np.int64 if is_int16 else np.int32)),
        Constant("multiplier", short_multiplier(multiplier) if wide else multiplier),
        Constant("shift", shift),
    )
    fields = tuple((constant.field, constant) for constant in constants)
    return (("wide", int(wide)), *fields) if is_int16 else fields
