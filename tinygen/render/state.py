"""The variables of a model as its C file shows them: where they lie, and how NAME_reset() sets them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
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


def state_of(plan: Plan) -> State:
    """The variables of a plan in the order in which they lie; none, and 0 bytes, for most models."""
    graph = plan.program.graph
    offsets, variables = state_offsets(graph), []
    for index in graph.variables:
        t = graph.tensors[index]
        text = comment(f"{t.name}: {'x'.join(map(str, t.shape)) or 'scalar'} {t.dtype.value}")
        variables.append(Variable(text, offsets[index], t.nbytes, t.initial_fill, f"{graph.name}_state{index}"))
    return State(plan.state_bytes, all(v.fill == 0 for v in variables), tuple(variables))


def initial_values(plan: Plan) -> tuple[tuple[Variable, Array], ...]:
    """The variables that are copied from flash, with their bytes."""
    graph = plan.program.graph
    pairs = zip(state_of(plan).variables, graph.variables, strict=True)
    arrays = ((variable, graph.tensors[index].initial) for variable, index in pairs if variable.fill is None)
    return tuple((v, np.frombuffer(values.tobytes(), np.int8)) for v, values in arrays if values is not None)
