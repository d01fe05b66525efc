"""LOGISTIC, int8; equals reference/integer_ops/logistic.h: fixed point, with gemmlowp's logistic."""

from __future__ import annotations

from tinygen.ops import _functions
from tinygen.ops._sigmoid import Sigmoid


class Logistic(Sigmoid):
    kind = "LOGISTIC"
    output_bits = 8
    output_zero = -128
    function = staticmethod(_functions.logistic)
