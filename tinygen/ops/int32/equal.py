"""EQUAL of int32; see _integers.py."""

from __future__ import annotations

from tinygen.ops.int32._integers import IntegerComparison


class Equal(IntegerComparison):
    kind = "EQUAL"
    answers = (0, 1, 0)
