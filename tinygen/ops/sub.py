"""SUB, int8, with broadcasting; equals TFLM's sub_common.cc and reference/sub.h.

TFLM before autumn 2026 took its factors in float32, unlike ADD's.
"""

from __future__ import annotations

from tinygen.ir import Graph, Op
from tinygen.ops.add import Add
from tinygen.ops.base import reject


class Sub(Add):
    """Either input may be constant; broadcasting as numpy does, over at most 4 dimensions that cannot be joined."""

    kind = "SUB"
    sign = -1

    def need_scales(self, graph: Graph, op: Op) -> None:
        if not all(0 < real < 1 for real in self.reals(graph, op)):
            raise reject(op, "the input and output scales are too far apart (TFLM aborts on it)")
