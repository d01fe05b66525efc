"""Real functions of int16 for which TFLM has no kernel: the table of _lut.py, made in float32.

That is how LiteRT's kernels of EXP, LOG and GELU for int16 do it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._real import RealFunction
from tinygen.ops.base import Constant, KernelCall, need_inputs, need_quantized, operand, row_by_row
from tinygen.ops.int16._lut import look_up, populate

_FAR = 2.0**40  # output steps that saturate for certain


class RealFunction16(RealFunction):
    """Base of these operators; not an operator itself."""

    dtype = DType.INT16

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        need_quantized(op, self.dtype, graph.required(op, 0), graph.output(op))

    def table(self, graph: Graph, op: Op) -> Array:
        """int16 (513,)."""
        x, y = graph.required(op, 0), graph.output(op)

        def finite(values: Array) -> Array:
            """The function rounded to float32; what is infinite as the last that the output holds."""
            with np.errstate(over="ignore", divide="ignore"):
                real = self.function(values.astype(np.float64), op.options)
            held = np.nan_to_num(real, posinf=32767 * y.scale, neginf=-32768 * y.scale)
            return np.asarray(np.clip(held, -_FAR * y.scale, _FAR * y.scale).astype(np.float32))

        low, high = (float(np.float32(x.scale) * np.float32(end)) for end in (-32768, 32767))
        return populate(finite, low, high, y.scale, "float32")

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (look_up(self.table(graph, op), inputs[0]).astype(np.int16),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        output = operand(graph, op.outputs[0])
        return (
            KernelCall(
                kernel="lut_s16",
                params=(
                    ("row_elements", output.row_bytes // 2),
                    ("table", Constant("table", self.table(graph, op))),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
                reads=(row_by_row(output.rows),),
            ),
        )
