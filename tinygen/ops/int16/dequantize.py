"""DEQUANTIZE from int16 to float32; equals Dequantize in reference/dequantize.h."""

from __future__ import annotations

from tinygen.ir import DType, Graph, Op
from tinygen.ops import dequantize
from tinygen.ops.base import KernelCall, operand, row_by_row


class Dequantize(dequantize.Dequantize):
    kind = "DEQUANTIZE"
    dtype = DType.INT16

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, source = graph.required(op, 0), operand(graph, op.inputs[0])
        return (
            KernelCall(
                kernel="dequantize_s16_f32",
                params=(("row_elements", source.row_bytes // 2), ("scale", x.scale)),
                inputs=(source,),
                output=operand(graph, op.outputs[0]),
                rows=source.rows,
                reads=(row_by_row(source.rows),),
            ),
        )
