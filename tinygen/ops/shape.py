"""SHAPE: the extents of a tensor, which are fixed, so the answer is a constant; equals TFLM's shape.cc.

Keras writes it before a RESHAPE when the batch was left open, with STRIDED_SLICE and PACK between; all of them are
computed here (passes/fold_constants.py), and nothing of them reaches the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, reject


class ShapeOf(Operator):
    """Any type of input. The result may not be an output of the model."""

    kind = "SHAPE"

    def parse(self, options: Any) -> None:
        return None  # outType says again what the output's type says

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        if graph.output(op).dtype is not DType.INT32:
            raise reject(op, f"the result is {graph.output(op).dtype.value}, int32 expected")
        if op.outputs[0] in graph.outputs:
            raise reject(op, "an output of the model would be constant")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return ((len(graph.required(op, 0).shape),),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.array(graph.required(op, 0).shape, np.int32),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        raise AssertionError(f"{op.kind} {op.name} is not folded")
