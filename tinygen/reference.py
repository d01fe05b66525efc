"""The numpy reference: runs a Graph operator by operator, to the bit as TFLM does.

Place in the flow: the host tester compares the device with it; passes fold constants with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph
from tinygen.ops import operator_for

_ABSENT: Array = np.zeros(0, np.int8)


def run_all(
    graph: Graph,
    inputs: Sequence[Array],
    state: Mapping[int, Array] | None = None,
    given: Mapping[int, Array] | None = None,
) -> dict[int, Array]:
    """Every tensor of the graph by index, for one sample; variables as they are afterwards.

    inputs: one array per `graph.inputs`, of exactly its shape and dtype; raises TinygenError otherwise.
    state: where variables start from, e.g. what the last call returned; the others start as after a reset.
    given: tensors that are taken as they are here instead of computed.
    """
    given = given or {}
    values: dict[int, Array] = {i: t.data for i, t in enumerate(graph.tensors) if t.data is not None}
    for i, t in enumerate(graph.tensors):
        if t.initial is not None:
            values[i] = t.initial if state is None else state.get(i, t.initial)
    for index, array in zip(graph.inputs, inputs, strict=True):
        tensor = graph.tensors[index]
        if array.shape != tensor.shape or array.dtype != tensor.dtype.value:
            raise TinygenError(
                f"input '{tensor.name}' is {array.dtype} {array.shape}, not {tensor.dtype.value} {tensor.shape}"
            )
        values[index] = array
    values.update(given)
    for op in graph.ops:
        if given.keys() >= set(op.outputs):
            continue
        arguments = [values[i] if i >= 0 else _ABSENT for i in op.inputs]
        results = operator_for(graph, op).reference(graph, op, arguments)
        values.update((i, y) for i, y in zip(op.outputs, results, strict=True) if i not in given)
    return values


def run(graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """The outputs of one sample, in the order of `graph.outputs`; variables start as after a reset."""
    values = run_all(graph, inputs)
    return tuple(values[i] for i in graph.outputs)


def run_sequence(graph: Graph, samples: Sequence[Sequence[Array]]) -> tuple[tuple[Array, ...], ...]:
    """The outputs of one inference after the other, variables kept in between."""
    state: dict[int, Array] = {}
    outputs = []
    for inputs in samples:
        values = run_all(graph, inputs, state)
        state = {i: values[i] for i in graph.variables}
        outputs.append(tuple(values[i] for i in graph.outputs))
    return tuple(outputs)
