"""What PAD and PADV2 share: a constant around a tensor of up to 5 dimensions, any element type.

Equals TFLM's pad_common.cc and reference/pad.h, which go to 4 dimensions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._copy import Copy, Fill, Loop, copy_calls, strides
from tinygen.ops._movement import integers, need_integers, need_rank
from tinygen.ops.base import KernelCall, Operator, Shape, need_int8, reject


def fill_with(value: Array) -> Fill:
    """The Fill that writes an element, given as an array of one; byte by byte if its bytes are all the same."""
    content = value.tobytes()
    if len(set(content)) == 1:
        content = content[:1]
    return Fill(len(content), int.from_bytes(content, "little", signed=True))


def paddings(graph: Graph, op: Op) -> tuple[tuple[int, int], ...]:
    """(before, behind) of each axis."""
    data = integers(graph, op, 1)
    return tuple(zip(data[::2], data[1::2], strict=True))


class PadOperator(Operator):
    """Base of both; not an operator itself."""

    @abstractmethod
    def value(self, graph: Graph, op: Op) -> Array:
        """The element around the input, an array of one of the input's type."""

    def check(self, graph: Graph, op: Op) -> None:
        x, y = graph.required(op, 0), graph.output(op)
        if x.dtype is DType.INT8:
            need_int8(op, x, y)
        if x.dtype is not y.dtype or x.elements == 0:
            raise reject(op, f"an input {x.shape} of {x.dtype.value} for an output of {y.dtype.value}")
        need_rank(op, x.shape, 1, 5)
        if min(need_integers(graph, op, 1, "the paddings", 2 * len(x.shape))) < 0:
            raise reject(op, "negative paddings")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        pairs = zip(graph.required(op, 0).shape, paddings(graph, op), strict=True)
        return (tuple(size + before + behind for size, (before, behind) in pairs),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.pad(inputs[0], paddings(graph, op), constant_values=self.value(graph, op).item()),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, y = graph.required(op, 0), graph.output(op)
        to = strides(y.shape, y.dtype.size)
        loops = tuple(Loop(*loop) for loop in zip(x.shape, strides(x.shape, x.dtype.size), to, strict=True))
        first = sum(before * stride for (before, _), stride in zip(paddings(graph, op), to, strict=True))
        fill = fill_with(self.value(graph, op)) if x.elements < y.elements else None
        return copy_calls(graph, op.inputs[0], op.outputs[0], Copy(loops, output_offset=first), fill)
