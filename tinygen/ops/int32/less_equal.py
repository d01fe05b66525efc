"""LESS_EQUAL of int32; see _integers.py."""

from __future__ import annotations

from tinygen.ops.int32._integers import IntegerComparison


class LessEqual(IntegerComparison):
    kind = "LESS_EQUAL"
    answers = (1, 1, 0)
