"""Unary operators on bytes: whatever the function, the device looks it up in 256 entries made here."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops.base import Constant, KernelCall, Operator, Shape, operand, row_by_row

ALL_INT8 = np.arange(-128, 128, dtype=np.int64)
BYTES = (DType.INT8, DType.UINT8)


def domain(tensor: Tensor) -> Array:
    """The 256 values of an int8 or uint8 tensor, int64, in the order of their bytes read as int8."""
    return ALL_INT8 if tensor.dtype is DType.INT8 else ALL_INT8 & 0xFF


def saturate(values: Array, tensor: Tensor) -> Array:
    """Values clipped to an int8 or uint8 tensor's type, as the bytes that a table holds: int8."""
    limits = np.iinfo(tensor.dtype.value)
    return np.clip(values, limits.min, limits.max).astype(tensor.dtype.value).view(np.int8)


class TableOperator(Operator):
    """Base of operators whose output byte depends on one input byte; not an operator itself."""

    @abstractmethod
    def table(self, graph: Graph, op: Op) -> Array:
        """The output bytes as int8, shape (256,), for the inputs in the order of `domain`."""

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        looked_up: Array = self.table(graph, op)[inputs[0].view(np.int8).astype(np.int64) + 128]
        return (looked_up.view(graph.output(op).dtype.value),)

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
                reads=(row_by_row(output.rows),),
                in_place=(0,),
            ),
        )
