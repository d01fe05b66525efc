"""NOT_EQUAL of int32; see _integers.py."""

from __future__ import annotations

from tinygen.ops.int32._integers import IntegerComparison


class NotEqual(IntegerComparison):
    kind = "NOT_EQUAL"
    answers = (1, 0, 1)
