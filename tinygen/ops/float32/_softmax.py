"""What SOFTMAX and LOG_SOFTMAX share: exponentials of the differences to the row's maximum, and their sum."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen import floatmath
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import KernelCall, Operator, Shape, flat_operand, need_inputs, reject, row_by_row
from tinygen.ops.float32._float import need_float


class FloatSoftmax(Operator):
    """Base of both; not an operator itself."""

    dtype = DType.FLOAT32
    logarithm: ClassVar[bool]

    @abstractmethod
    def beta(self, op: Op) -> float:
        """What the differences are multiplied by."""

    def parse(self, options: Any) -> Any:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        x = graph.required(op, 0)
        need_float(op, x, graph.output(op))
        if not x.shape:
            raise reject(op, "its input has no last axis")
        if not 0 < self.beta(op) < floatmath.LARGEST:
            raise reject(op, f"beta is {self.beta(op):g}")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            highest = floatmath.sequential_max(np.moveaxis(inputs[0], -1, 0))
            difference = inputs[0] - highest[..., None]
            e = floatmath.exp(difference * np.float32(self.beta(op)))
            total = floatmath.sequential_sum(np.moveaxis(e, -1, 0))[..., None]
            return (difference - floatmath.log(total) if self.logarithm else e / total,)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        depth = graph.output(op).shape[-1]
        rows = graph.output(op).elements // depth
        return (
            KernelCall(
                kernel="softmax_f32",
                params=(("depth", depth), ("beta", self.beta(op)), ("logarithm", int(self.logarithm))),
                inputs=(flat_operand(graph, op.inputs[0], depth),),
                output=flat_operand(graph, op.outputs[0], depth),
                rows=rows,
                reads=(row_by_row(rows),),
                in_place=(0,),
            ),
        )
