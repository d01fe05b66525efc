"""What a file in ops/ says of its operator: options, shape rule, numpy reference, and the C kernel call.

Place in the flow: load/tflite.py calls `parse`, verify.py `check` and `output_shapes`, reference.py
`reference`, kernels.py `lower`. docs/adding-an-op.md walks through a new operator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tinygen.errors import TinygenError
from tinygen.ir import Array, DType, Graph, Op, Tensor, row_layout

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """An array that goes into flash, packed as the kernel reads it; `field` is its name in the kernel's params."""

    field: str
    values: Array


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor as a kernel sees it: `images` times `rows` rows of `row_bytes` bytes (a C `tg_input`/`tg_output`)."""

    tensor: int
    images: int
    rows: int
    row_bytes: int


def operand(graph: Graph, tensor: int) -> Operand:
    """The Operand that follows from the tensor's shape (ir.row_layout)."""
    layout = row_layout(graph.tensors[tensor].shape)
    return Operand(tensor, layout.images, layout.rows, layout.row_elements * graph.tensors[tensor].dtype.size)


def flat_operand(graph: Graph, tensor: int, row_elements: int) -> Operand:
    """The tensor as one image whose rows have `row_elements` elements, whatever its shape."""
    t = graph.tensors[tensor]
    return Operand(tensor, 1, t.elements // row_elements, row_elements * t.dtype.size)


@dataclass(frozen=True, slots=True)
class Reads:
    """Which rows of an input a kernel reads for its row y: [first[y], last[y]); neither ever decreases.

    edges: so many rows at the top and at the bottom are special (their windows reach beyond the input, or they are
    filled); all between are the same function of the rows that they read. None where that is not so.
    """

    first: Sequence[int]
    last: Sequence[int]
    edges: tuple[int, int] | None = None


def row_by_row(rows: int) -> Reads:
    """Row y is made of row y alone, every row in the same way."""
    return Reads(range(rows), range(1, rows + 1), (0, 0))


def repeated(rows: int, source: Operand) -> Reads:
    """Every row is made of all of the input: one row that broadcasting repeats, or a whole tensor."""
    return Reads((0,) * rows, (source.rows,) * rows)


@dataclass(frozen=True, slots=True, eq=False)
class KernelCall:
    """How an operator runs on the device: one C kernel `tg_<kernel>` of templates/kernels/.

    `params` are the fields of `tg_<kernel>_params` in order: numbers, arrays of integers, or constants. The
    kernel is called for blocks [y0, y1) of `rows` rows (output rows; input rows for kernels that accumulate),
    once per image of its output. `scratch_bytes` is memory for one call, `carry_bytes` memory that lives from
    the first block of an image to the last; `state` are variables, which the kernel reads and changes (a C
    `tg_output` each, between the inputs and the output).

    What the planner may do follows from `reads`, one for each input (all of it for every row where nothing is
    said), and `in_place`, the inputs over which the output may lie: each of their elements is read before the one
    of the output is written that takes its place. Rows are made in order, `rows_at_once` of them together: a
    kernel has read all that it needs for them before it writes the rows behind them. `cost` is what all rows
    take in instructions (0: not known), and `call_cost` what a block takes beyond its rows, both estimated.
    `moves` (input byte, output byte, count) says that all it does is to copy so many bytes that lie together.
    """

    kernel: str
    params: tuple[tuple[str, int | float | tuple[int, ...] | Constant], ...]
    inputs: tuple[Operand, ...]
    output: Operand
    rows: int
    scratch_bytes: int = 0
    carry_bytes: int = 0
    state: tuple[Operand, ...] = ()
    reads: tuple[Reads, ...] = ()
    in_place: tuple[int, ...] = ()
    rows_at_once: int = 1
    call_cost: int = 80
    cost: int = 0
    moves: tuple[int, int, int] | None = None

    def reads_of(self, index: int) -> Reads:
        """The rows that input `index` is read at."""
        return self.reads[index] if self.reads else repeated(self.rows, self.inputs[index])

    @property
    def gathers(self) -> bool:
        """Whether the rows are input rows, and the output is written with the last of them."""
        return self.rows != self.output.rows

    @property
    def constants(self) -> tuple[Constant, ...]:
        return tuple(value for _, value in self.params if isinstance(value, Constant))


class Operator(ABC):
    """One TFLite operator. Instances are stateless; ops/__init__.py collects them by `kind`
    and `dtype`, the type of the data they compute on.

    `variables` are the inputs that must be variables, and no other may be. If the operator `changes` them, the
    import lists them as its last outputs, and `reference` returns their new values.
    """

    kind: ClassVar[str]
    dtype: ClassVar[DType] = DType.INT8
    variables: ClassVar[tuple[int, ...]] = ()
    changes: ClassVar[bool] = True

    @abstractmethod
    def parse(self, options: Any) -> Any:
        """The flatbuffer's option table (object API, may be None) as a frozen dataclass, or None."""

    @abstractmethod
    def check(self, graph: Graph, op: Op) -> None:
        """Raise TinygenError (through `reject`) for types, options or quantization that are not supported."""

    @abstractmethod
    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        """The shape rule: what the outputs' shapes must be."""

    @abstractmethod
    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs, to the bit as TFLM computes them; `inputs` has an array per `op.inputs` (empty if absent)."""

    @abstractmethod
    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        """The kernel calls, in order; none when the output is the input's memory under another shape."""

    def macs(self, graph: Graph, op: Op) -> int:
        """Multiply-accumulates of one inference; 0 for operators that have none."""
        return 0


def reject(op: Op, why: str, hint: str = "") -> TinygenError:
    """The error for an operator that is known, but not in this form; the caller raises it."""
    return TinygenError(f"{op.kind} '{op.name}': {why}", hint)


def need_inputs(graph: Graph, op: Op, at_least: int, at_most: int) -> None:
    """Raise unless the operator has `at_least` present inputs first and `at_most` in all, and one output."""
    present = [graph.input(op, i) is not None for i in range(len(op.inputs))]
    if len(op.inputs) > at_most or len(op.inputs) < at_least or not all(present[:at_least]):
        raise reject(op, f"{sum(present)} inputs, {at_least} to {at_most} expected")
    if len(op.outputs) != 1:
        raise reject(op, f"{len(op.outputs)} outputs, 1 expected")


def need_int8(op: Op, *tensors: Tensor) -> None:
    """Raise unless every tensor is int8 with one positive scale and one zero point."""
    need_quantized(op, DType.INT8, *tensors)


def need_quantized(op: Op, dtype: DType, *tensors: Tensor) -> None:
    """Raise unless every tensor is of that type, int8 or int16, with one positive scale and one zero point.

    The zero point of int16 must be 0: the converter writes no other, and TFLM's kernels take it for granted.
    """
    for tensor in tensors:
        if tensor.dtype is DType.UINT8:
            raise reject(
                op,
                f"tensor '{tensor.name}' is uint8, int8 expected: uint8 is how TensorFlow 1 quantized, and TensorFlow "
                "Lite Micro does not run it either",
                "convert the float model again, with int8 as today's converter does it",
            )
        if tensor.dtype is not dtype:
            quantize = "quantize the model to full int8; `tinygen quantize` does it from the Keras model"
            narrow = "compute indices as int32: give the model int32 inputs, and ARG_MAX output_type=tf.int32"
            raise reject(
                op,
                f"tensor '{tensor.name}' is {tensor.dtype.value}, {dtype.value} expected",
                narrow if tensor.dtype is DType.INT64 else quantize,
            )
        need_per_tensor(op, tensor)
        if dtype is DType.INT16 and tensor.zero_point != 0:
            raise reject(op, f"tensor '{tensor.name}' is int16 with the zero point {tensor.zero_point}, 0 expected")


def need_per_tensor(op: Op, tensor: Tensor) -> None:
    """Raise unless the tensor is quantized with one scale, of a size with which float32 arithmetic works."""
    if tensor.quantization is None or tensor.quantization.per_channel:
        raise reject(op, f"tensor '{tensor.name}' needs one scale and one zero point")
    if not 2.0**-100 < tensor.scale < 2.0**100:
        raise reject(op, f"tensor '{tensor.name}' has the scale {tensor.scale:g}", "calibrate with real data")


def need_constant(op: Op, tensor: Tensor, what: str) -> Array:
    """The data of a constant input; raises when the graph computes it."""
    if tensor.data is None:
        raise reject(op, f"{what} must be constant")
    return tensor.data
