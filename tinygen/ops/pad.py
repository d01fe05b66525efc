"""PAD with the zero point (0 for types that are not quantized); see _pad.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._movement import need_operands
from tinygen.ops._pad import PadOperator


class Pad(PadOperator):
    kind = "PAD"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        super().check(graph, op)

    def value(self, graph: Graph, op: Op) -> Array:
        y = graph.output(op)
        # TFLM pads int16 and int32 with 0 whatever their zero point
        return np.array(y.zero_point if y.dtype is DType.INT8 else 0, y.dtype.value)
