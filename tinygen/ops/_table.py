"""Unary int8 operators: whatever the function, the device looks it up in 256 entries made here."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops.base import Constant, KernelCall, Operator, Shape, operand

ALL_INT8 = np.arange(-128, 128, dtype=np.int64)


class TableOperator(Operator):
    """Base of operators whose int8 output depends on one int8 element; not an operator itself."""

    @abstractmethod
    def table(self, graph: Graph, op: Op) -> Array:
        """The int8 outputs for the inputs -128 to 127, shape (256,)."""

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        looked_up: Array = self.table(graph, op)[inputs[0].astype(np.int64) + 128]
        return (looked_up,)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        output = operand(graph, op.outputs[0])
        return (
            KernelCall(
                kernel="lut_s8",
                params=(
                    ("row_elements", output.row_bytes),
                    ("table", Constant("table", self.table(graph, op).astype(np.int8))),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
            ),
        )
