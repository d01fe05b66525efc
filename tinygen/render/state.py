"""The state memory of a model as its C file shows it: variables and kept rows, and how NAME_reset() sets them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array, Tensor
from tinygen.plan import Plan
from tinygen.plan.state import state_offsets
from tinygen.render.names import comment


@dataclass(frozen=True, slots=True)
class Variable:
    """`fill` is the byte that it begins with, or None where it is copied from the constant `source`."""

    comment: str
    offset: int
    nbytes: int
    fill: int | None
    source: str


@dataclass(frozen=True, slots=True)
class State:
    """`zero`: the variables begin as zeros, as static memory does, so nobody has to set them before the first use."""

    nbytes: int
    zero: bool
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows that move up at the beginning of a hop; the arguments of tg_move_rows but for the state memory."""

    comment: str
    is_input: bool
    offset: int
    row_bytes: int
    depth: int
    first: int
    end: int
    by: int


@dataclass(frozen=True, slots=True)
class Streaming:
    """A model that streams over time: `fill` is the byte of the frames that are missing after a reset."""

    frames: int
    window: int
    hops: int
    fill: int
    moved: tuple[Moved, ...]


def hop_of(plan: Plan) -> Streaming | None:
    """How a plan streams over time; None if it does not."""
    hop, graph = plan.hop, plan.program.graph
    if hop is None:
        return None
    moved = []
    for root, k in hop.kept.items():
        if k.first < k.end:
            name = comment(graph.tensors[root].name.split(";")[0])
            text = f"{name}: rows {k.first + k.by} to {k.end + k.by - 1} of {k.unit.rows}"
            is_input = root == plan.program.storage[graph.inputs[0]]
            moved.append(Moved(text, is_input, k.offset, k.unit.row_bytes, k.depth, k.first, k.end, k.by))
    return Streaming(hop.frames, hop.window, hop.hops, missing_byte(graph.tensors[graph.inputs[0]]), tuple(moved))


def missing_byte(tensor: Tensor) -> int:
    """The byte of which an input that stands for zeros consists, as an unsigned number."""
    return tensor.zero_point & 255 if tensor.quantization is not None and tensor.dtype.size == 1 else 0


def state_of(plan: Plan) -> State:
    """The variables of a plan in the order in which they lie; none, and 0 bytes, for most models."""
    graph = plan.program.graph
    offsets, variables = state_offsets(graph), []
    for index in graph.variables:
        t = graph.tensors[index]
        text = comment(f"{t.name}: {'x'.join(map(str, t.shape)) or 'scalar'} {t.dtype.value}")
        variables.append(Variable(text, offsets[index], t.nbytes, t.initial_fill, f"{graph.name}_state{index}"))
    zero = plan.hop is None and all(v.fill == 0 for v in variables)
    return State(plan.state_bytes, zero, tuple(variables))


def initial_values(plan: Plan) -> tuple[tuple[int, Variable, Array], ...]:
    """The variables that are copied from flash: the tensor, how it is shown, and its bytes."""
    graph = plan.program.graph
    pairs = zip(state_of(plan).variables, graph.variables, strict=True)
    arrays = ((index, v, graph.tensors[index].initial) for v, index in pairs if v.fill is None)
    return tuple((i, v, np.frombuffer(values.tobytes(), np.int8)) for i, v, values in arrays if values is not None)
