"""LESS of int32; see _integers.py."""

from __future__ import annotations

from tinygen.ops.int32._integers import IntegerComparison


class Less(IntegerComparison):
    kind = "LESS"
    answers = (1, 0, 0)
