"""EQUAL, LESS and the other comparisons, int8 or (EQUAL, NOT_EQUAL) bool, with broadcasting; output bool.

Equal TFLM's comparisons.cc and reference/comparisons.h, which rescale both int8 inputs to fixed point first.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops._binary import broadcast_call
from tinygen.ops._broadcast import broadcast_shape
from tinygen.ops._logical import need_bool
from tinygen.ops._table import ALL_INT8
from tinygen.ops.base import Constant, KernelCall, Operator, Shape, need_inputs, need_int8, reject

_LEFT_SHIFT = 8


class Comparison(Operator):
    """Base of all; not an operator itself."""

    truth: ClassVar[int | None] = None  # of two bools (logical_b8.h), where TFLM compares them

    @abstractmethod
    def compare(self, a: Array, b: Array) -> Array:
        """The comparison of two integer or bool arrays, as bool."""

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        a, b = graph.required(op, 0), graph.required(op, 1)
        if a.dtype is DType.BOOL and self.truth is not None:
            need_bool(op, a, b)
        else:
            need_int8(op, a, b)
            if max(a.scale, b.scale) >= 1:
                raise reject(op, "an input scale is 1 or more (TFLM aborts on it)")
        need_bool(op, graph.output(op))
        broadcast_shape(op, a.shape, b.shape)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (broadcast_shape(op, graph.required(op, 0).shape, graph.required(op, 1).shape),)

    def _scaled(self, graph: Graph, op: Op, index: int) -> Array:
        """What each int8 value, -128 to 127, of an input is compared as."""
        x = graph.required(op, index)
        multiplier, shift = quantize_multiplier(x.scale)
        return multiply_by_quantized_multiplier((ALL_INT8 - x.zero_point) << _LEFT_SHIFT, multiplier, shift)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        if graph.required(op, 0).dtype is DType.BOOL:
            return (np.asarray(self.compare(inputs[0], inputs[1])),)
        a, b = (self._scaled(graph, op, i)[inputs[i].astype(np.int64) + 128] for i in (0, 1))
        return (np.asarray(self.compare(a, b)),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        if graph.required(op, 0).dtype is DType.BOOL:
            assert self.truth is not None
            return (broadcast_call(graph, op, "logical_b8", ("truth", self.truth)),)
        answers = self.compare(self._scaled(graph, op, 0)[:, None], self._scaled(graph, op, 1)[None, :])
        inverted = self.kind == "NOT_EQUAL"  # elsewhere the second input's values form an interval
        lowest, highest = _intervals(~answers if inverted else answers)
        return (
            broadcast_call(
                graph,
                op,
                "compare_s8",
                ("inverted", int(inverted)),
                ("lowest", Constant("lowest", lowest)),
                ("highest", Constant("highest", highest)),
            ),
        )


def _intervals(answers: Array) -> tuple[Array, Array]:
    """(lowest, highest) int8 value for which a row of (256, 256) answers is true; 127 and -128 where none is."""
    some = answers.any(axis=1)
    lowest = np.where(some, answers.argmax(axis=1), 255)
    highest = np.where(some, 255 - answers[:, ::-1].argmax(axis=1), 0)
    # both sides grow with their int8 value, so no row has a gap
    assert (answers.sum(axis=1) == np.where(some, highest - lowest + 1, 0)).all()
    return (lowest - 128).astype(np.int8), (highest - 128).astype(np.int8)
