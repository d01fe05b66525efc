"""What SPLIT, SPLIT_V and UNPACK share: each output is a slice of one input along an axis."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, copy_calls, strides
from tinygen.ops.base import KernelCall, Operator, Shape


class SplitOperator(Operator):
    """Base of operators with one copy per output; not an operator itself."""

    data_input: int  # which input is cut

    @abstractmethod
    def axis(self, graph: Graph, op: Op) -> int:
        """The axis, counted from the front."""

    @abstractmethod
    def sizes(self, graph: Graph, op: Op) -> tuple[int, ...]:
        """How long each piece is along the axis."""

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        axis, shape = self.axis(graph, op), graph.required(op, self.data_input).shape
        return tuple((*shape[:axis], size, *shape[axis + 1 :]) for size in self.sizes(graph, op))

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        cuts = np.cumsum(self.sizes(graph, op))[:-1]
        pieces = np.split(inputs[self.data_input], cuts, self.axis(graph, op))
        return tuple(p.reshape(graph.tensors[i].shape) for p, i in zip(pieces, op.outputs, strict=True))

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        axis, x = self.axis(graph, op), graph.required(op, self.data_input)
        of = strides(x.shape, x.dtype.size)
        calls: tuple[KernelCall, ...] = ()
        position = 0
        for target, size in zip(op.outputs, self.sizes(graph, op), strict=True):
            shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
            loops = tuple(Loop(*loop) for loop in zip(shape, of, strides(shape, x.dtype.size), strict=True))
            copy = Copy(loops, input_offset=position * of[axis])
            calls += copy_calls(graph, op.inputs[self.data_input], target, copy)
            position += size
        return calls
