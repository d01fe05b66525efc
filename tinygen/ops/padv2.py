"""PADV2: PAD with a constant of its own; see _pad.py."""

from __future__ import annotations

from typing import Any

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._movement import need_operands
from tinygen.ops._pad import PadOperator, fill_with
from tinygen.ops.base import need_constant, reject


class PadV2(PadOperator):
    kind = "PADV2"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 3)
        super().check(graph, op)
        value, y = graph.required(op, 2), graph.output(op)
        data = need_constant(op, value, "the padding value")
        if value.dtype is not y.dtype or data.size != 1 or fill_with(data).size > 4:
            raise reject(op, f"the padding value is {value.dtype.value} {value.shape}, one {y.dtype.value} expected")
        if y.dtype is DType.INT8 and (value.scale, value.zero_point) != (y.scale, y.zero_point):
            raise reject(op, "the padding value and the output differ in scale or zero point")

    def value(self, graph: Graph, op: Op) -> Array:
        data = graph.required(op, 2).data
        assert data is not None
        return data
