"""MAX_POOL_2D, int8; equals MaxPool in integer_ops/pooling.h."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops import _window
from tinygen.ops._pool import Pool2D
from tinygen.ops._requantize import activation_range, type_range


class MaxPool2D(Pool2D):
    """NHWC; input and output quantized alike."""

    kind = "MAX_POOL_2D"
    kernel = "max_pool_2d_s8"

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        lowest, _ = type_range(self.dtype)
        highest = _window.patches(inputs[0], *self.axes(graph, op), fill=lowest).max(axis=(3, 4))
        limits = activation_range(op.options.activation, graph.output(op))
        return (np.clip(highest, *limits).astype(self.dtype.value),)
