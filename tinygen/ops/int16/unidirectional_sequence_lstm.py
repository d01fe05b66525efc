"""UNIDIRECTIONAL_SEQUENCE_LSTM of int16 with int8 weights and biases of int64; equals TFLM's lstm_eval.cc."""

from __future__ import annotations

import numpy as np

from tinygen.fixedpoint import multiply_by_short_multiplier, quantize_multiplier, short_multiplier
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import Constant
from tinygen.ops.unidirectional_sequence_lstm import BIASES, UnidirectionalSequenceLstm, interleaved


class UnidirectionalSequenceLstm16(UnidirectionalSequenceLstm):
    kind = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    dtype = DType.INT16
    kernel = "lstm_s16"
    bias_dtype = DType.INT64

    def multiplier(self, real: float) -> tuple[int, int]:
        multiplier, shift = quantize_multiplier(real)
        return int(short_multiplier(multiplier)), shift

    def rescale(self, sums: Array, real: float) -> Array:
        return multiply_by_short_multiplier(sums, *self.multiplier(real))

    def biases(self, graph: Graph, op: Op) -> tuple[tuple[str, Constant], ...]:
        return (("wide_bias", Constant("wide_bias", interleaved(graph, op, BIASES).astype(np.int64))),)
