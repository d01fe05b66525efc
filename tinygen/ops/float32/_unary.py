"""Functions of one float: a number of the kernel unary_f32, and the function of floatmath.py."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygen import floatmath
from tinygen.ir import Array, DType, Graph, Op
from tinygen.ops.base import KernelCall, Operator, Shape, need_inputs, operand, row_by_row
from tinygen.ops.float32._float import need_float

# in the order of unary_f32.h
_FUNCTIONS = (
    "ABS",
    "CEIL",
    "CLAMP",
    "COS",
    "ELU",
    "EXP",
    "FLOOR",
    "GELU",
    "GELU_TANH",
    "HARD_SWISH",
    "LEAKY_RELU",
    "LOG",
    "LOGISTIC",
    "NEG",
    "ROUND",
    "RSQRT",
    "SIN",
    "SQRT",
    "SQUARE",
    "TANH",
)


class FloatUnary(Operator):
    """Base of these operators; not an operator itself."""

    dtype = DType.FLOAT32
    function: ClassVar[str] = ""  # of the kernel, where it is not named as the operator

    @abstractmethod
    def apply(self, x: Array, op: Op) -> Array:
        """The function of float32 values."""

    def kernel_function(self, op: Op) -> str:
        return self.function or self.kind

    def constants(self, op: Op) -> tuple[float, float]:
        """a and b of the kernel."""
        return 0.0, 0.0

    def parse(self, options: Any) -> Any:
        return None

    def check(self, graph: Graph, op: Op) -> None:
        need_inputs(graph, op, 1, 1)
        need_float(op, graph.required(op, 0), graph.output(op))

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        return (graph.required(op, 0).shape,)

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            return (np.asarray(self.apply(inputs[0], op), np.float32),)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        output = operand(graph, op.outputs[0])
        a, b = self.constants(op)
        return (
            KernelCall(
                kernel="unary_f32",
                params=(
                    ("row_elements", output.row_bytes // 4),
                    ("function", _FUNCTIONS.index(self.kernel_function(op))),
                    ("a", a),
                    ("b", b),
                ),
                inputs=(operand(graph, op.inputs[0]),),
                output=output,
                rows=output.rows,
                reads=(row_by_row(output.rows),),
                in_place=(0,),
            ),
        )


class FloatClamp(FloatUnary):
    """Base of the RELU family: x within two limits; not an operator itself."""

    function = "CLAMP"
    low: ClassVar[float]
    high: ClassVar[float]

    def constants(self, op: Op) -> tuple[float, float]:
        return self.low, self.high

    def apply(self, x: Array, op: Op) -> Array:
        return floatmath.clamp(x, self.low, self.high)
