"""TANH, int8; equals reference/integer_ops/tanh.h: fixed point, with gemmlowp's tanh."""

from __future__ import annotations

from tinygen.ops import _functions
from tinygen.ops._sigmoid import Sigmoid


class Tanh(Sigmoid):
    kind = "TANH"
    output_bits = 7
    output_zero = 0
    function = staticmethod(_functions.tanh)
