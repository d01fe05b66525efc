"""SQUEEZE: the same bytes without axes of length 1; costs nothing on the device. Equals TFLM's squeeze.cc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop
from tinygen.ops._movement import Mover, need_axis, need_operands, need_same_values
from tinygen.ops.base import Shape, reject


@dataclass(frozen=True, slots=True)
class SqueezeOptions:
    """No axes: all of length 1."""

    axes: tuple[int, ...]


class Squeeze(Mover):
    kind = "SQUEEZE"

    def parse(self, options: Any) -> SqueezeOptions:
        given = options.squeezeDims
        return SqueezeOptions(() if given is None else tuple(int(axis) for axis in given))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 1)
        x = graph.required(op, 0)
        need_same_values(op, x, graph.output(op))
        if any(x.shape[need_axis(op, axis, len(x.shape))] != 1 for axis in op.options.axes):
            raise reject(op, f"axes {op.options.axes} of {x.shape} are not all of length 1")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        shape = graph.required(op, 0).shape
        dropped = {axis % len(shape) for axis in op.options.axes} or {i for i, n in enumerate(shape) if n == 1}
        return (tuple(n for i, n in enumerate(shape) if i not in dropped),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (inputs[0].reshape(graph.output(op).shape),)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x = graph.required(op, 0)
        return Copy((Loop(x.elements, x.dtype.size, x.dtype.size),))
