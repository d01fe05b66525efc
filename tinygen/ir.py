"""The Graph: what every front end produces and everything behind it reads. Frozen values, no behaviour.

Place in the flow: load/tflite.py makes a Graph, verify.py checks it, passes/ rewrite it, kernels.py turns
it into a Program. Terms are TFLite's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygen.errors import TinygenError

Array = npt.NDArray[Any]


class DType(Enum):
    """An element type: its value is numpy's name."""

    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    BOOL = "bool"

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return int(np.dtype(self.value).itemsize)

    @property
    def c_type(self) -> str:
        """The C99 type, e.g. `int8_t`."""
        return {"float32": "float", "bool": "uint8_t"}.get(self.value, f"{self.value}_t")


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale * (q - zero_point). One entry per tensor, or one per index along `axis`.

    Scales are float32 values held as Python floats, as the flatbuffer has them.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        return len(self.scale) > 1


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A value of the graph; `data` is set for constants (weights) only, `initial` for variables only.

    A variable keeps its value from one inference to the next; `initial` is what it holds before the first.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None
    data: Array | None = None
    initial: Array | None = None

    @property
    def is_variable(self) -> bool:
        return self.initial is not None

    @property
    def initial_fill(self) -> int | None:
        """The byte -128 to 127 that a variable is filled with at first; None if its bytes differ."""
        content = b"" if self.initial is None else self.initial.tobytes()
        return np.frombuffer(content[:1], np.int8)[0].item() if len(set(content)) == 1 else None

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.elements * self.dtype.size

    @property
    def scale(self) -> float:
        """Per-tensor scale; 0.0 for a tensor that is not quantized."""
        return self.quantization.scale[0] if self.quantization else 0.0

    @property
    def zero_point(self) -> int:
        """Per-tensor zero point; 0 for a tensor that is not quantized."""
        return self.quantization.zero_point[0] if self.quantization else 0


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operator. `kind` is TFLite's name (CONV_2D); `options` is the frozen dataclass of its file in ops/.

    `inputs` and `outputs` are tensor indices; -1 is an optional input that is absent. A variable that the
    operator changes stands among both.
    """

    kind: str
    name: str
    options: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Operators in execution order over a tuple of tensors."""

    name: str
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def input(self, op: Op, index: int) -> Tensor | None:
        """The tensor at `op.inputs[index]`, None when that input is absent."""
        if index >= len(op.inputs) or op.inputs[index] < 0:
            return None
        return self.tensors[op.inputs[index]]

    def required(self, op: Op, index: int) -> Tensor:
        """The tensor at `op.inputs[index]`; raises TinygenError when that input is absent."""
        tensor = self.input(op, index)
        if tensor is None:
            raise TinygenError(f"{op.kind} '{op.name}': input {index} is absent", "the file is damaged")
        return tensor

    def output(self, op: Op, index: int = 0) -> Tensor:
        return self.tensors[op.outputs[index]]

    @property
    def variables(self) -> tuple[int, ...]:
        """The variables that operators use, in order of first use."""
        used = (i for op in self.ops for i in op.inputs if i >= 0)
        return tuple(dict.fromkeys(i for i in used if self.tensors[i].is_variable))


@dataclass(frozen=True, slots=True)
class RowLayout:
    """How a tensor is cut into rows, the unit that spatial kernels and the planner work in.

    An NHWC tensor has H rows of W*C elements in each of N images; every other tensor is one image
    whose rows are its last axis.
    """

    images: int
    rows: int
    row_elements: int


def row_layout(shape: tuple[int, ...]) -> RowLayout:
    """The RowLayout of a shape of any rank (a scalar is one row of one element)."""
    if len(shape) == 4:
        return RowLayout(shape[0], shape[1], shape[2] * shape[3])
    if not shape:
        return RowLayout(1, 1, 1)
    return RowLayout(1, prod(shape[:-1]), shape[-1])
