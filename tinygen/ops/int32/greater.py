"""GREATER of int32; see _integers.py."""

from __future__ import annotations

from tinygen.ops.int32._integers import IntegerComparison


class Greater(IntegerComparison):
    kind = "GREATER"
    answers = (0, 0, 1)
