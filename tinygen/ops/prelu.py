"""PRELU, int8, with a constant alpha; equals prelu_common.cc and BroadcastPrelu4DSlow in reference/prelu.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, Graph, Op
from tinygen.ops._requantize import need_multiplier
from tinygen.ops.base import (
    Constant,
    KernelCall,
    Operand,
    Operator,
    Shape,
    need_constant,
    need_inputs,
    need_int8,
    reject,
    row_by_row,
)


class Prelu(Operator):
    kind = "PRELU"

    def parse(self, options: Any) -> None:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 2, 2)
        x, alpha = graph.required(op, 0), graph.required(op, 1)
        need_int8(op, x, alpha, graph.output(op))
        need_constant(op, alpha, "alpha")
        full = (1,) * (len(x.shape) - len(alpha.shape)) + alpha.shape
        if len(full) != len(x.shape) or any(a not in (1, n) for a, n in zip(full, x.shape, strict=True)):
            raise reject(op, f"alpha {alpha.shape} cannot be broadcast to the input {x.shape}")
        for real in self._reals(graph, op):
            need_multiplier(op, real)

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def _reals(self, graph: Graph, op: Op) -> tuple[float, float]:
        """From steps of x, and of alpha times x, to output steps."""
        x, alpha, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        return x.scale / y.scale, x.scale * alpha.scale / y.scale

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        x, alpha, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
        identity, negative = (quantize_multiplier(real) for real in self._reals(graph, op))
        steps = inputs[0].astype(np.int64) - x.zero_point
        product = steps * (inputs[1].astype(np.int64) - alpha.zero_point)
        scaled = np.where(
            steps >= 0,
            multiply_by_quantized_multiplier(steps, *identity),
            multiply_by_quantized_multiplier(product, *negative),
        )
        return (np.clip((scaled + y.zero_point).astype(np.int32), -128, 127).astype(np.int8),)

    def _geometry(self, graph: Graph, op: Op) -> tuple[int, Shape, Array]:
        """(images, their (height, width, channels), alpha of three axes that are whole or 1)."""
        data = need_constant(op, graph.required(op, 1), "alpha")
        shape = graph.output(op).shape
        rank = max(4, len(shape))
        shape = (1,) * (rank - len(shape)) + shape
        data = data.reshape((1,) * (rank - data.ndim) + data.shape)
        if prod(data.shape[:-3]) > 1:
            # alpha differs between images: all of them are the rows of one
            alpha = np.broadcast_to(data, (*shape[:-2], *data.shape[-2:])).reshape(-1, *data.shape[-2:])
            return 1, (prod(shape[:-2]), *shape[-2:]), alpha
        return prod(shape[:-3]), shape[-3:], data.reshape(data.shape[-3:])

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        images, (height, width, channels), alpha = self._geometry(graph, op)
        identity, negative = (quantize_multiplier(real) for real in self._reals(graph, op))
        steps = [0 if n == 1 else prod(alpha.shape[i + 1 :]) for i, n in enumerate(alpha.shape)]
        row = width * channels
        return (
            KernelCall(
                kernel="prelu_s8",
                params=(
                    ("width", width),
                    ("channels", channels),
                    ("alpha_row_step", steps[0]),
                    ("alpha_column_step", steps[1]),
                    ("alpha_channel_step", steps[2]),
                    ("input_zero_point", graph.required(op, 0).zero_point),
                    ("alpha_zero_point", graph.required(op, 1).zero_point),
                    ("output_zero_point", graph.output(op).zero_point),
                    ("identity_multiplier", identity[0]),
                    ("identity_shift", identity[1]),
                    ("alpha_multiplier", negative[0]),
                    ("alpha_shift", negative[1]),
                    ("alpha", Constant("alpha", alpha)),
                ),
                inputs=(Operand(op.inputs[0], images, height, row),),
                output=Operand(op.outputs[0], images, height, row),
                rows=height,
                reads=(row_by_row(height) if steps[0] == 0 else replace(row_by_row(height), edges=None),),
                in_place=(0,),
            ),
        )
