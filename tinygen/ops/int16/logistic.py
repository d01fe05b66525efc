"""LOGISTIC, int16; see _sigmoid.py."""

from __future__ import annotations

from tinygen.ops._sigmoid16 import sigmoid16
from tinygen.ops.int16._sigmoid import Sigmoid


class Logistic(Sigmoid):
    kind = "LOGISTIC"
    largest_power = 0
    function = staticmethod(sigmoid16)
