"""BATCH_MATMUL, float32, adj_x, adj_y, up to 5 dimensions with broadcasting; each operand may be constant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import KernelCall, Operand, need_inputs
from tinygen.ops.batch_matmul import BatchMatmul as Int8BatchMatmul
from tinygen.ops.float32._float import need_float


class BatchMatmul(Int8BatchMatmul):
    kind = "BATCH_MATMUL"
    dtype = DType.FLOAT32

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        need_float(op, graph.required(op, 0), graph.required(op, 1), graph.output(op))
        self.need_shapes(graph, op)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        left, right = inputs
        left = left.swapaxes(-1, -2) if op.options.adj_x else left
        right = right.swapaxes(-1, -2) if op.options.adj_y else right
        total = np.zeros(graph.output(op).shape, np.float32)
        with np.errstate(all="ignore"):
            for index in range(left.shape[-1]):
                total += left[..., :, index, None] * right[..., index, None, :]
        return (total,)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        output_rows, geometry = self.geometry(graph, op)
        columns = dict(geometry)["columns"]
        left, right = (Operand(i, 1, 1, graph.tensors[i].nbytes) for i in op.inputs)
        output = Operand(op.outputs[0], 1, output_rows, 4 * columns)
        return (KernelCall("batch_matmul_f32", geometry, (left, right), output, output_rows),)
