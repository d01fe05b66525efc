"""REVERSE_V2 along any axes, any element type, up to 5 dimensions; equals TFLM's reverse.cc (which takes
neighbouring axes only). TFLite's converter may give the output a scale of its own; no kernel minds, and the bytes
are moved as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, strides
from tinygen.ops._movement import (
    Mover,
    integers,
    need_axis,
    need_integers,
    need_operands,
    need_rank,
    need_same_values,
)
from tinygen.ops.base import Shape, reject


class ReverseV2(Mover):
    kind = "REVERSE_V2"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x = graph.required(op, 0)
        need_same_values(op, x, replace(graph.output(op), quantization=x.quantization))
        need_rank(op, x.shape, 1, 5)
        axes = [need_axis(op, axis, len(x.shape)) for axis in need_integers(graph, op, 1, "the axes")]
        if len(set(axes)) != len(axes):
            raise reject(op, f"an axis stands twice in {axes}")

    def _axes(self, graph: Graph, op: Op) -> tuple[int, ...]:
        return tuple(axis % len(graph.required(op, 0).shape) for axis in integers(graph, op, 1))

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.flip(inputs[0], self._axes(graph, op)),)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x, axes = graph.required(op, 0), self._axes(graph, op)
        steps = strides(x.shape, x.dtype.size)
        signs = [-1 if axis in axes else 1 for axis in range(len(x.shape))]
        loops = tuple(Loop(n, sign * step, step) for n, sign, step in zip(x.shape, signs, steps, strict=True))
        return Copy(loops, input_offset=sum((x.shape[axis] - 1) * steps[axis] for axis in axes))
