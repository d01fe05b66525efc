"""STRIDED_SLICE with begin, end and shrink masks, any element type, up to 5 dimensions; equals TFLM's
strided_slice.cc. Ellipsis and new axis masks, which TFLM ignores, are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygen.ir import Array, Graph, Op
from tinygen.ops._copy import Copy, Loop, strides
from tinygen.ops._movement import Mover, integers, need_integers, need_operands, need_rank, need_same_values
from tinygen.ops.base import Shape, reject


@dataclass(frozen=True, slots=True)
class StridedSliceOptions:
    """Masks: bit i is axis i."""

    begin_mask: int
    end_mask: int
    shrink_mask: int
    ellipsis_mask: int
    new_axis_mask: int
    offset: bool


class StridedSlice(Mover):
    kind = "STRIDED_SLICE"

    def parse(self, options: Any) -> StridedSliceOptions:
        return StridedSliceOptions(
            int(options.beginMask),
            int(options.endMask),
            int(options.shrinkAxisMask),
            int(options.ellipsisMask),
            int(options.newAxisMask),
            bool(options.offset),
        )

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 4)
        x, o = graph.required(op, 0), op.options
        need_same_values(op, x, graph.output(op))
        need_rank(op, x.shape, 1, 5)
        if o.ellipsis_mask or o.new_axis_mask or o.offset:
            raise reject(op, "ellipsis, new axes and ends as offsets are not supported")
        begin, _, steps = (
            need_integers(graph, op, i, what, len(x.shape))
            for i, what in ((1, "the begin"), (2, "the end"), (3, "the strides"))
        )
        for axis, (start, step, extent) in enumerate(zip(begin, steps, x.shape, strict=True)):
            if step == 0:
                raise reject(op, f"axis {axis} has the stride 0")
            inside = o.begin_mask >> axis & 1 or -extent <= start < extent
            if o.shrink_mask >> axis & 1 and (step < 0 or not inside):
                raise reject(op, f"index {start} of axis {axis} of {x.shape}, with the stride {step}")

    def _ranges(self, graph: Graph, op: Op) -> tuple[range, ...]:
        """The input coordinates along each axis; one for an axis that is dropped."""
        o: StridedSliceOptions = op.options
        begin, end, steps = (integers(graph, op, i) for i in (1, 2, 3))
        ranges = []
        for axis, extent in enumerate(graph.required(op, 0).shape):
            start = None if o.begin_mask >> axis & 1 else begin[axis]
            stop = None if o.end_mask >> axis & 1 else end[axis]
            span = range(*slice(start, stop, steps[axis]).indices(extent))
            if o.shrink_mask >> axis & 1:
                first = (start or 0) % extent
                span = range(first, first + 1)
            ranges.append(span)
        return tuple(ranges)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        ranges = self._ranges(graph, op)
        return (tuple(len(r) for axis, r in enumerate(ranges) if not op.options.shrink_mask >> axis & 1),)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        picked = inputs[0]
        for axis, span in enumerate(self._ranges(graph, op)):
            picked = picked.take(span, axis)
        return (picked.reshape(graph.output(op).shape),)

    def copy(self, graph: Graph, op: Op) -> Copy:
        x, ranges = graph.required(op, 0), self._ranges(graph, op)
        of, to = strides(x.shape, x.dtype.size), strides([len(r) for r in ranges], x.dtype.size)
        loops = tuple(Loop(len(r), r.step * s, t) for r, s, t in zip(ranges, of, to, strict=True))
        return Copy(loops, input_offset=sum(r.start * s for r, s in zip(ranges, of, strict=True)))
