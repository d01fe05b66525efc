"""TANH, int16; see _sigmoid.py."""

from __future__ import annotations

from tinygen.ops._sigmoid16 import tanh16
from tinygen.ops.int16._sigmoid import Sigmoid


class Tanh(Sigmoid):
    kind = "TANH"
    largest_power = 1
    function = staticmethod(tanh16)
