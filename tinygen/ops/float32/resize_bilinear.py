"""RESIZE_BILINEAR, float32: places as ResizeBilinear in reference/resize_bilinear.h has them, made into tables here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import Constant, KernelCall, Reads, need_inputs, operand, reject
from tinygen.ops.float32._float import need_float
from tinygen.ops.resize_bilinear import ResizeBilinear as Int8ResizeBilinear


class ResizeBilinear(Int8ResizeBilinear):
    kind = "RESIZE_BILINEAR"
    dtype = DType.FLOAT32

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x = graph.required(op, 0)
        need_float(op, x, graph.output(op))
        self.need_shapes(graph, op)
        for axis in (1, 2):
            if self._places(graph, op, axis)[0].max() >= x.shape[axis]:
                raise reject(op, f"{x.shape}: rounded positions leave the input, in TFLM too")

    def _places(self, graph: Graph, op: Op, axis: int) -> tuple[Array, Array, Array]:
        """(pixel before, pixel behind, part of the way between) of each output pixel; int32, int32, float32."""
        old, new = graph.required(op, 0).shape[axis], self.size(graph, op)[axis - 1]
        corners = op.options.align_corners and new > 1
        scale = np.float32(old - 1) / np.float32(new - 1) if corners else np.float32(old) / np.float32(new)
        half = np.float32(0.5 if op.options.half_pixel_centers else 0.0)
        place = (np.arange(new, dtype=np.float32) + half) * scale - half
        before = np.maximum(np.floor(place), 0).astype(np.int32)
        behind = np.minimum(np.ceil(place), np.float32(old - 1)).astype(np.int32)
        return before, behind, place - before.astype(np.float32)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        above, under, dy = self._places(graph, op, 1)
        left, right, dx = self._places(graph, op, 2)
        dy, dx, one = dy.reshape(-1, 1, 1), dx.reshape(-1, 1), np.float32(1)
        top, bottom = inputs[0].take(above, 1), inputs[0].take(under, 1)
        with np.errstate(all="ignore"):
            value: Array = top.take(left, 2) * (one - dy) * (one - dx)
            value = value + bottom.take(left, 2) * dy * (one - dx)
            value = value + top.take(right, 2) * (one - dy) * dx
            return (value + bottom.take(right, 2) * dy * dx,)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        y = graph.output(op)
        tables = []
        for axis, name in ((1, "row"), (2, "column")):
            for part, values in zip(("before", "behind", "part"), self._places(graph, op, axis), strict=True):
                tables.append((f"{name}_{part}", Constant(f"{name}_{part}", values)))
        before, behind, _ = self._places(graph, op, 1)
        return (
            KernelCall(
                kernel="resize_bilinear_f32",
                params=(("channels", y.shape[3]), ("output_width", y.shape[2]), *tables),
                inputs=(operand(graph, op.inputs[0]),),
                output=operand(graph, op.outputs[0]),
                rows=y.shape[1],
                reads=(Reads(tuple(before.tolist()), tuple((behind + 1).tolist())),),
            ),
        )
