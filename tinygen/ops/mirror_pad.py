"""MIRROR_PAD, REFLECT and SYMMETRIC, any element type, up to 5 dimensions; equals TFLM's mirror_pad.cc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import strides
from tinygen.ops._index import IndexAxis, index_calls
from tinygen.ops._movement import integers, may_alias, need_integers, need_operands, need_rank, need_same_values
from tinygen.ops.base import KernelCall, Operator, Shape, reject

_MODES = {0: "REFLECT", 1: "SYMMETRIC"}


@dataclass(frozen=True, slots=True)
class MirrorPadOptions:
    mode: str


class MirrorPad(Operator):
    kind = "MIRROR_PAD"

    def parse(self, options: Any) -> MirrorPadOptions:
        return MirrorPadOptions(_MODES.get(options.mode, "?"))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 2)
        x = graph.required(op, 0)
        need_same_values(op, x, graph.output(op))
        need_rank(op, x.shape, 1, 5)
        if op.options.mode == "?":
            raise reject(op, "the mode is neither REFLECT nor SYMMETRIC")
        need_integers(graph, op, 1, "the paddings", 2 * len(x.shape))
        border = int(op.options.mode == "REFLECT")
        for extent, pair in zip(x.shape, self._pairs(graph, op), strict=True):
            if min(pair) < 0 or max(pair) > extent - border:
                raise reject(op, f"the paddings {pair} of an axis of {extent} elements reach beyond its mirror image")

    def _pairs(self, graph: Graph, op: Op) -> tuple[tuple[int, int], ...]:
        data = integers(graph, op, 1)
        return tuple(zip(data[::2], data[1::2], strict=True))

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        pairs = zip(graph.required(op, 0).shape, self._pairs(graph, op), strict=True)
        return (tuple(size + before + behind for size, (before, behind) in pairs),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        pairs = self._pairs(graph, op)
        if op.options.mode == "REFLECT":
            return (np.pad(inputs[0], pairs, "reflect"),)
        return (np.pad(inputs[0], pairs, "symmetric"),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        x, border = graph.required(op, 0), int(op.options.mode == "REFLECT")
        axes = []
        for extent, stride, (before, behind) in zip(
            x.shape, strides(x.shape, x.dtype.size), self._pairs(graph, op), strict=True
        ):
            ahead = range(before - 1 + border, border - 1, -1)
            beyond = range(extent - 1 - border, extent - 1 - border - behind, -1)
            axes.append(IndexAxis((*ahead, *range(extent), *beyond), stride))
        return index_calls(graph, op.inputs[0], op.outputs[0], axes, may_alias(graph, op))
