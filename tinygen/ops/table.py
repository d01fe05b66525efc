"""TABLE: any function of one byte, as 256 outputs. No TFLite operator: passes/merge_tables.py makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph, Op
from tinygen.ops._table import BYTES, TableOperator
from tinygen.ops.base import need_inputs, reject


@dataclass(frozen=True, slots=True)
class TableOptions:
    """The output bytes as int8, for the input bytes -128 to 127."""

    outputs: tuple[int, ...]


class Table(TableOperator):
    kind = "TABLE"

    def parse(self, options: Any) -> TableOptions:
        raise TinygenError("TABLE is no TFLite operator")

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        if not {graph.required(op, 0).dtype, graph.output(op).dtype} <= set(BYTES):
            raise reject(op, "its tensors are no bytes")

    def table(self, graph: Graph, op: Op) -> Array:
        return np.array(op.options.outputs, np.int8)
