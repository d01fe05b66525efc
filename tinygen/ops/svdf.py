"""SVDF, int8, with an int8 or int16 state; equals TFLM's svdf_common.cc.

A low-rank filter bank over time: of each of rank * units filters the last `memory` results are kept in the state.
The integer kernels of TFLM and TFLite leave the fused activation out, and so does this one: a converter puts RELU
into the output's zero point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops._requantize import (
    activation_name,
    bias_values,
    exact_matmul,
    need_activation,
    need_bias,
    need_weights,
)
from tinygen.ops.base import (
    Constant,
    KernelCall,
    Operand,
    Operator,
    Shape,
    need_constant,
    need_int8,
    need_per_tensor,
    reject,
)

_WEIGHTS, _TIME, _BIAS, _STATE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class SvdfOptions:
    rank: int
    activation: str


class Svdf(Operator):
    kind = "SVDF"
    variables = (_STATE,)

    def parse(self, options: Any) -> SvdfOptions:
        return SvdfOptions(int(options.rank), activation_name(options.fusedActivationFunction))

    def check(self, graph: Graph, op: Op) -> None:
        if len(op.inputs) != 5 or len(op.outputs) != 2:
            raise reject(op, f"{len(op.inputs)} inputs and {len(op.outputs) - 1} outputs, 5 and 1 expected")
        x, y, state = graph.required(op, 0), graph.output(op), graph.required(op, _STATE)
        weights, time = graph.required(op, _WEIGHTS), graph.required(op, _TIME)
        need_int8(op, x, y)
        need_activation(op, op.options.activation)
        shapes = [t.shape for t in (x, weights, time, state)]
        if any(len(shape) != 2 for shape in shapes) or not all(n > 0 for shape in shapes for n in shape):
            raise reject(op, f"input, weights and state {shapes} must have two dimensions")
        filters, rank = weights.shape[0], op.options.rank
        fits = weights.shape[1] == x.shape[1] and time.shape[0] == filters
        if not fits or state.shape != (x.shape[0], filters * time.shape[1]) or rank < 1 or filters % rank:
            raise reject(op, f"shapes {shapes} do not fit one another with rank {rank}")
        _need_state(op, state, time)
        need_constant(op, time, "the time weights")
        need_weights(graph, op, _WEIGHTS, filters, 0)
        need_per_tensor(op, weights)
        need_bias(graph, op, _BIAS, filters // rank)
        bias = graph.input(op, _BIAS)
        if bias is not None and abs(bias.scale - state.scale * time.scale) >= 1e-5:
            raise reject(op, "the bias scale is not state scale x time weight scale (TFLM refuses it too)")
        if not all(real < 2.0**30 for real in _scales(graph, op)):
            raise reject(op, "a scale is far too small for what comes in", "calibrate with real data")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        units = graph.required(op, _WEIGHTS).shape[0] // op.options.rank
        return ((graph.required(op, 0).shape[0], units), graph.required(op, _STATE).shape)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, y, state = graph.required(op, 0), graph.output(op), graph.required(op, _STATE)
        weights, time = inputs[_WEIGHTS], inputs[_TIME].astype(np.int64)
        batch, filters = len(inputs[0]), len(weights)
        first, second = (quantize_multiplier(real) for real in _scales(graph, op))
        features = exact_matmul(inputs[0].astype(np.int32) - x.zero_point, weights.T).astype(np.int32)
        limits = np.iinfo(state.dtype.value)
        newest = np.clip(multiply_by_quantized_multiplier(features, *first), limits.min, limits.max)
        memory = np.empty((batch, filters, time.shape[1]), state.dtype.value)
        memory[..., :-1] = inputs[_STATE].reshape(memory.shape)[..., 1:]
        memory[..., -1] = (newest + state.zero_point).astype(state.dtype.value)
        sums = ((memory.astype(np.int64) - state.zero_point) * time).sum(axis=2)
        units = sums.reshape(batch, -1, op.options.rank).sum(axis=2)
        total = (units + bias_values(graph, op, _BIAS, units.shape[1])).astype(np.int32)
        out = (multiply_by_quantized_multiplier(total, *second) + y.zero_point).astype(np.int32)
        return np.clip(out, -128, 127).astype(np.int8), memory.reshape(state.shape)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y, state = graph.required(op, 0), graph.output(op), graph.required(op, _STATE)
        weights, time = graph.required(op, _WEIGHTS), graph.required(op, _TIME)
        assert weights.data is not None
        assert time.data is not None
        batch, units, filters, memory = x.shape[0], y.shape[1], *time.shape
        first, second = (quantize_multiplier(real) for real in _scales(graph, op))
        limits = np.iinfo(state.dtype.value)
        folded = -x.zero_point * weights.data.astype(np.int64).sum(axis=1)
        time_bytes = np.frombuffer(time.data.astype(time.data.dtype.newbyteorder("<")).tobytes(), np.int8)
        call = KernelCall(
            kernel="svdf_s8",
            params=(
                ("inputs", x.shape[1]),
                ("rank", op.options.rank),
                ("memory", memory),
                ("state_size", state.dtype.size),
                ("state_zero_point", state.zero_point),
                ("state_min", int(limits.min)),
                ("state_max", int(limits.max)),
                ("state_multiplier", first[0]),
                ("state_shift", first[1]),
                ("output_zero_point", y.zero_point),
                ("output_multiplier", second[0]),
                ("output_shift", second[1]),
                ("feature_weights", Constant("feature_weights", weights.data)),
                ("feature_bias", Constant("feature_bias", folded.astype(np.int32))),
                ("time_weights", Constant("time_weights", time_bytes)),
                ("bias", Constant("bias", bias_values(graph, op, _BIAS, units))),
            ),
            inputs=(Operand(op.inputs[0], batch, 1, x.shape[1]),),
            output=Operand(op.outputs[0], batch, units, 1),
            rows=units,
            state=(Operand(op.inputs[_STATE], batch, filters, memory * state.dtype.size),),
        )
        return (call,)

    def macs(self, graph: Graph, op: Op) -> int:
        weights, time = graph.required(op, _WEIGHTS), graph.required(op, _TIME)
        return graph.required(op, 0).shape[0] * (weights.elements + time.elements)


def _need_state(op: Op, state: Tensor, time: Tensor) -> None:
    """Raise unless state and time weights are int8 or int16 both, with one scale each."""
    if state.dtype not in (DType.INT8, DType.INT16) or state.dtype is not time.dtype:
        found = f"{state.dtype.value} and {time.dtype.value}"
        raise reject(op, f"state and time weights are {found}: int8 or int16 both expected")
    for tensor in (state, time):
        need_per_tensor(op, tensor)
    if time.zero_point != 0 or (state.dtype is DType.INT16 and state.zero_point != 0):
        raise reject(op, "time weights, and an int16 state, must have the zero point 0")


def _scales(graph: Graph, op: Op) -> tuple[float, float]:
    """What takes the features to the state, and the sums to the output, in double."""
    x, weights, time, state = (graph.required(op, i).scale for i in (0, _WEIGHTS, _TIME, _STATE))
    return x * weights / state, state * time / graph.output(op).scale
