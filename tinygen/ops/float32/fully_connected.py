"""FULLY_CONNECTED, float32; constant weights may be int8 with scales, which are then stored as float32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import Constant, KernelCall, flat_operand, need_inputs, reject, row_by_row
from tinygen.ops.float32._float import (
    clamped,
    dot,
    float_bias,
    float_limits,
    float_weights,
    need_float,
    need_float_bias,
    need_float_weights,
)
from tinygen.ops.fully_connected import FullyConnected as Int8FullyConnected


class FullyConnected(Int8FullyConnected):
    kind = "FULLY_CONNECTED"
    dtype = DType.FLOAT32

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 3)
        x, weights = graph.required(op, 0), graph.required(op, 1)
        need_float(op, x, graph.output(op))
        if op.options.weights_format != 0:
            raise reject(op, "shuffled weights are not supported")
        if len(weights.shape) != 2 or weights.elements == 0 or x.elements % weights.shape[1]:
            raise reject(op, f"input {x.shape} does not fit weights {weights.shape}")
        if op.options.keep_num_dims and (not x.shape or x.shape[-1] != weights.shape[1]):
            raise reject(op, f"input {x.shape} does not fit weights {weights.shape} with keep_num_dims")
        need_float_weights(graph, op, 1)
        need_float_bias(graph, op, 2, weights.shape[0])
        float_limits(op, op.options.activation)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        weights, y = float_weights(graph, op, 1), graph.output(op)
        with np.errstate(all="ignore"):
            sums = dot(inputs[0].reshape(-1, weights.shape[1]), weights.T) + float_bias(graph, op, 2, weights.shape[0])
        return (clamped(sums, float_limits(op, op.options.activation)).reshape(y.shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, weights = graph.required(op, 0), float_weights(graph, op, 1)
        outputs, depth = weights.shape
        low, high = float_limits(op, op.options.activation)
        return (
            KernelCall(
                kernel="fully_connected_f32",
                params=(
                    ("input_depth", depth),
                    ("output_depth", outputs),
                    ("activation_min", low),
                    ("activation_max", high),
                    ("weights", Constant("weights", weights)),
                    ("bias", Constant("bias", float_bias(graph, op, 2, outputs))),
                ),
                inputs=(flat_operand(graph, op.inputs[0], depth),),
                output=flat_operand(graph, op.outputs[0], outputs),
                rows=x.elements // depth,
                reads=(row_by_row(x.elements // depth),),
            ),
        )
