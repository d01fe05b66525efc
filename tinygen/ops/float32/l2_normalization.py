"""L2_NORMALIZATION, float32, over the last axis: each row divided by the root of its sum of squares, or by 1e-6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen import floatmath
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._requantize import activation_name
from tinygen.ops.base import KernelCall, Operator, Shape, flat_operand, need_inputs, reject, row_by_row
from tinygen.ops.float32._float import need_float
from tinygen.ops.l2_normalization import L2NormalizationOptions

_SMALLEST = np.float32(1e-6)


class L2Normalization(Operator):
    kind = "L2_NORMALIZATION"
    dtype = DType.FLOAT32

    def parse(self, options: Any) -> L2NormalizationOptions:
        return L2NormalizationOptions(activation_name(options.fusedActivationFunction))

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x = graph.required(op, 0)
        need_float(op, x, graph.output(op))
        if op.options.activation != "NONE":
            raise reject(op, f"fused activation {op.options.activation} is not supported (TFLM refuses it too)")
        if not x.shape:
            raise reject(op, "its input has no last axis")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x = inputs[0]
        with np.errstate(all="ignore"):
            root = floatmath.sqrt(floatmath.sequential_sum(np.moveaxis(x * x, -1, 0)))
            return (x / np.where(root < _SMALLEST, _SMALLEST, root)[..., None],)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        depth = graph.output(op).shape[-1]
        rows = graph.output(op).elements // depth
        return (
            KernelCall(
                kernel="l2_normalization_f32",
                params=(("depth", depth),),
                inputs=(flat_operand(graph, op.inputs[0], depth),),
                output=flat_operand(graph, op.outputs[0], depth),
                rows=rows,
                reads=(row_by_row(rows),),
                in_place=(0,),
            ),
        )
