"""CUMSUM along one axis, float32, exclusive, reverse; the sums begin at 0 and grow in the order of the axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import cumsum as int8
from tinygen.ops._reduce import constant_axes
from tinygen.ops.base import KernelCall, flat_operand, need_inputs, reject, row_by_row
from tinygen.ops.float32._float import need_float


class Cumsum(int8.Cumsum):
    kind = "CUMSUM"
    dtype = DType.FLOAT32

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x = graph.required(op, 0)
        need_float(op, x, graph.output(op))
        if not x.shape or graph.required(op, 1).elements != 1:
            raise reject(op, f"one axis of an input of {len(x.shape)} dimensions expected")
        constant_axes(graph, op, len(x.shape))

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        axis = self._axis(graph, op)
        terms = np.moveaxis(np.flip(inputs[0], axis) if op.options.reverse else inputs[0], axis, 0)
        sums = np.zeros((len(terms) + 1, *terms.shape[1:]), np.float32)
        with np.errstate(all="ignore"):
            for index, term in enumerate(terms):
                sums[index + 1] = sums[index] + term
        out = np.moveaxis(sums[:-1] if op.options.exclusive else sums[1:], 0, axis)
        return (np.ascontiguousarray(np.flip(out, axis) if op.options.reverse else out),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        shape, axis = graph.required(op, 0).shape, self._axis(graph, op)
        inner = prod(shape[axis + 1 :])
        output = flat_operand(graph, op.outputs[0], shape[axis] * inner)
        params = (
            ("elements", shape[axis]),
            ("inner", inner),
            ("exclusive", int(op.options.exclusive)),
            ("reverse", int(op.options.reverse)),
        )
        source = flat_operand(graph, op.inputs[0], shape[axis] * inner)
        return (KernelCall("cumsum_f32", params, (source,), output, output.rows, reads=(row_by_row(output.rows),)),)
