"""What SPACE_TO_DEPTH and DEPTH_TO_SPACE share: square blocks of pixels and the channels of one pixel."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from tinygen.ir import Graph, Op
from tinygen.ops._movement import Mover, need_operands, need_same_values
from tinygen.ops.base import reject


@dataclass(frozen=True, slots=True)
class BlockOptions:
    size: int


class BlockOperator(Mover):
    """Base of both; not an operator itself."""

    @abstractmethod
    def fits(self, shape: tuple[int, int, int, int], block: int) -> bool:
        """Whether an input of that shape can be rearranged."""

    def parse(self, options: Any) -> BlockOptions:
        return BlockOptions(int(options.blockSize))

    def check(self, graph: Graph, op: Op) -> None:
        need_operands(graph, op, 1)
        x = graph.required(op, 0)
        need_same_values(op, x, graph.output(op))
        if len(x.shape) != 4 or op.options.size < 1:
            raise reject(op, f"blocks of {op.options.size} in an input {x.shape}")
        n, h, w, c = x.shape
        if not self.fits((n, h, w, c), op.options.size):
            raise reject(op, f"blocks of {op.options.size} do not fit the input {x.shape}")
