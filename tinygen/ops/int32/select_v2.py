"""SELECT_V2, int32 chosen by bool, with broadcasting; TFLM has it for other types only."""

from __future__ import annotations

from tinygen.ir import DType, Graph, Op
from tinygen.ops._logical import need_bool
from tinygen.ops.base import need_inputs
from tinygen.ops.float32.select_v2 import SelectV2 as FloatSelectV2
from tinygen.ops.int32._integers import need_int32


class SelectV2(FloatSelectV2):
    kind = "SELECT_V2"
    dtype = DType.INT32

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 3, 3)
        need_bool(op, graph.required(op, 0))
        need_int32(op, graph.required(op, 1), graph.required(op, 2), graph.output(op))
        self.output_shapes(graph, op)
