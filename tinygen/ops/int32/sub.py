"""SUB of int32; see _integers.py."""

from __future__ import annotations

from tinygen.ops.int32._integers import IntegerBinary


class Sub(IntegerBinary):
    kind = "SUB"
