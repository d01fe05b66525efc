"""BATCH_MATMUL, int16, summed up in 64 bits; equals reference/batch_matmul.h with int16_t and int64_t."""

from __future__ import annotations

import numpy as np

from tinygen.fixedpoint import multiply_by_short_multiplier, quantize_multiplier, short_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops import batch_matmul


class BatchMatmul(batch_matmul.BatchMatmul):
    kind = "BATCH_MATMUL"
    dtype = DType.INT16
    kernel = "batch_matmul_s16"
    largest_shift = 7

    def multiplier(self, graph: Graph, op: Op) -> tuple[int, int]:
        multiplier, shift = quantize_multiplier(self.real_multiplier(graph, op))
        return int(short_multiplier(multiplier)), shift

    def output_stage(self, graph: Graph, op: Op, accumulators: Array) -> Array:
        scaled = multiply_by_short_multiplier(accumulators, *self.multiplier(graph, op))
        return np.clip(scaled, -32768, 32767).astype(np.int16)
