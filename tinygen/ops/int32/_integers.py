"""What the int32 forms share: the type check, functions of two numbers and comparisons, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops._binary import broadcast_call
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._logical import need_bool
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, reject

# in the order of binary_s32.h
_FUNCTIONS = {"ADD": np.add, "MAXIMUM": np.maximum, "MINIMUM": np.minimum, "MUL": np.multiply, "SUB": np.subtract}


def need_int32(op: Op, *tensors: Tensor) -> None:
    """Raise unless every tensor is int32 without a scale."""
    for tensor in tensors:
        if tensor.dtype is not DType.INT32:
            raise reject(op, f"tensor '{tensor.name}' is {tensor.dtype.value}, int32 expected")
        if tensor.quantization is not None:
            raise reject(op, f"tensor '{tensor.name}' is int32 with a scale (TFLM does not run it either)")


class _Pair(Operator):
    """Two int32 inputs with broadcasting."""

    dtype = DType.INT32

    def parse(self, options: Any) -> Any:
        return None

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)


class IntegerBinary(_Pair):
    """Base of functions of two numbers; not an operator itself."""

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        need_int32(op, graph.required(op, 0), graph.required(op, 1), graph.output(op))
        if op.options is not None and op.options.activation != "NONE":
            raise reject(op, f"the activation {op.options.activation} of int32 is not supported")
        self.output_shapes(graph, op)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        wide = _FUNCTIONS[self.kind](inputs[0].astype(np.int64), inputs[1].astype(np.int64))
        return (np.asarray(wide).astype(np.int32),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        return (broadcast_call(graph, op, "binary_s32", ("function", tuple(_FUNCTIONS).index(self.kind))),)


class IntegerComparison(_Pair):
    """Base of comparisons; not an operator itself. The output is bool."""

    answers: ClassVar[tuple[int, int, int]]  # for a < b, a == b, a > b

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        need_int32(op, graph.required(op, 0), graph.required(op, 1))
        need_bool(op, graph.output(op))
        self.output_shapes(graph, op)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        order = np.sign(inputs[0].astype(np.int64) - inputs[1].astype(np.int64))
        return (np.asarray(np.array(self.answers, bool)[order + 1]),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        fields = zip(("less", "equal", "greater"), self.answers, strict=True)
        return (broadcast_call(graph, op, "compare_s32", *fields),)
