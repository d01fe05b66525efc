"""FULLY_CONNECTED, int8 (or int16 with int8 weights), per-tensor or per-channel weights.

Equals TFLM's fully_connected_common.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._parameters import bias_of, need_parameters, output_stage, parameters, wants_int32_sums
from tinygen.ops._requantize import activation_name, activation_range, exact_matmul, need_activation
from tinygen.ops.base import (
    KernelCall,
    Operator,
    Shape,
    flat_operand,
    need_inputs,
    need_quantized,
    reject,
    row_by_row,
)


@dataclass(frozen=True, slots=True)
class FullyConnectedOptions:
    activation: str
    keep_num_dims: bool
    weights_format: int
    int32_sums: bool = False  # of int16 activations without a bias


class FullyConnected(Operator):
    """Weights and bias are constant: weights int8 or int4 with zero point 0, bias int32 or absent. Inputs of any
    rank are taken as rows of as many elements as the weights have.
    """

    kind = "FULLY_CONNECTED"
    kernel = "fully_connected_s8"

    def parse(self, options: Any) -> FullyConnectedOptions:
        activation = activation_name(options.fusedActivationFunction)
        keep, sums = bool(options.keepNumDims), wants_int32_sums(options)
        return FullyConnectedOptions(activation, keep, options.weightsFormat, sums)

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 3)
        x, weights = graph.required(op, 0), graph.required(op, 1)
        need_quantized(op, self.dtype, x, graph.output(op))
        if op.options.weights_format != 0:
            raise reject(op, "shuffled weights are not supported")
        if len(weights.shape) != 2 or weights.shape[1] == 0 or x.elements % weights.shape[1]:
            raise reject(op, f"input {x.shape} does not fit weights {weights.shape}")
        if op.options.keep_num_dims and (not x.shape or x.shape[-1] != weights.shape[1]):
            raise reject(op, f"input {x.shape} does not fit weights {weights.shape} with keep_num_dims")
        need_parameters(graph, op, weights.shape[0])
        need_activation(op, op.options.activation)
        bias = graph.input(op, 2)
        if bias is not None and bias.quantization is not None and len(bias.quantization.scale) == 1:
            assert weights.quantization is not None
            product = x.scale * weights.quantization.scale[0]
            if abs(product - bias.scale) > 0.02 * graph.output(op).scale:
                raise reject(op, "the bias scale is not input scale x weight scale (TFLM refuses it too)")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        x, weights = graph.required(op, 0), graph.required(op, 1)
        if op.options.keep_num_dims:
            return ((*x.shape[:-1], weights.shape[0]),)
        return ((x.elements // weights.shape[1], weights.shape[0]),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        weights = inputs[1]
        rows = inputs[0].reshape(-1, weights.shape[1]).astype(np.int32) - x.zero_point
        # TFLM before autumn 2026 took per-tensor products of scales in float32
        return (output_stage(graph, op, exact_matmul(rows, weights.T)).reshape(y.shape),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, weights, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        assert weights.data is not None
        outputs, depth = weights.shape
        sums = weights.data.astype(np.int64).sum(axis=1)
        bias = bias_of(graph, op).astype(np.int64) - x.zero_point * sums
        low, high = activation_range(op.options.activation, y)
        return (
            KernelCall(
                kernel=self.kernel,
                params=(
                    ("input_depth", depth),
                    ("output_depth", outputs),
                    ("output_zero_point", y.zero_point),
                    ("activation_min", low),
                    ("activation_max", high),
                    *parameters(graph, op, bias),
                ),
                inputs=(flat_operand(graph, op.inputs[0], depth),),
                output=flat_operand(graph, op.outputs[0], outputs),
                rows=x.elements // depth,
                reads=(row_by_row(x.elements // depth),),
            ),
        )

    def macs(self, graph: Graph, op: Op) -> int:
        return graph.output(op).elements * graph.required(op, 1).shape[1]
