"""Resource variables become variables of the Graph; CALL_ONCE, which sets them up, runs here.

Place in the flow: load/tflite.py reads the subgraphs, handles and all; this makes one Graph of them. What a handle
stands for is a tensor with an initial value, READ_VARIABLE and ASSIGN_VARIABLE are copies from it and to it, and
VAR_HANDLE and CALL_ONCE are gone. The initial values are those of a new TFLM interpreter at its first inference:
the zero point, as TFLM allocates a variable, then whatever the subgraph of CALL_ONCE assigns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph, Tensor
from tinygen.ops import operator_for
from tinygen.verify import verify

_MOST_ELEMENTS = 1 << 22  # that CALL_ONCE may compute


@dataclass(frozen=True, slots=True)
class Handle:
    """Options of VAR_HANDLE: which variable it is."""

    container: str
    shared_name: str


@dataclass(frozen=True, slots=True)
class CallOnce:
    """Options of CALL_ONCE: the subgraph that it runs."""

    subgraph: int


def _text(value: Any) -> str:
    return bytes(value or b"").decode(errors="replace")


# how load/tflite.py reads the options of the operators that end here
PARSERS: Mapping[str, Callable[[Any], Handle | CallOnce]] = {
    "VAR_HANDLE": lambda options: Handle(_text(options.container), _text(options.sharedName)),
    "CALL_ONCE": lambda options: CallOnce(int(options.initSubgraphIndex)),
}


def resolve(graphs: Sequence[Graph], source: str) -> Graph:
    """The first of a model's subgraphs, its resource variables made tensors.

    Raises TinygenError unless every other subgraph is run by a CALL_ONCE of the first, before any variable is used.
    """
    main = graphs[0]
    called = [op.options.subgraph for op in main.ops if isinstance(op.options, CallOnce)]
    if set(called) != set(range(1, len(graphs))):
        raise TinygenError(f"{source} has {len(graphs)} subgraphs; control flow is not supported")
    if not any(op.kind in PARSERS for op in main.ops):
        return main
    kinds = [op.kind for op in main.ops]
    used = [n for n, kind in enumerate(kinds) if kind in ("READ_VARIABLE", "ASSIGN_VARIABLE")]
    if "CALL_ONCE" in kinds[min(used, default=len(kinds)) :]:
        raise TinygenError(f"{source}: CALL_ONCE stands behind an operator that uses a variable")
    variables = _variables(graphs)
    for index in called:
        variables = _run(graphs[index], variables, source)
    return _with_variables(main, variables)


def _handles(graph: Graph) -> dict[int, Handle]:
    """What each handle of a subgraph stands for, by tensor."""
    return {op.outputs[0]: op.options for op in graph.ops if isinstance(op.options, Handle) and op.outputs}


def _variables(graphs: Sequence[Graph]) -> dict[Handle, Tensor]:
    """A tensor for each variable that is assigned anywhere: as TFLM does, like the value of the first assignment."""
    found: dict[Handle, Tensor] = {}
    for graph in graphs:
        handles = _handles(graph)
        for op in graph.ops:
            if op.kind != "ASSIGN_VARIABLE" or len(op.inputs) != 2 or op.inputs[0] not in handles or op.inputs[1] < 0:
                continue
            handle, value = handles[op.inputs[0]], graph.tensors[op.inputs[1]]
            # TFLM fills the memory with this byte, whatever the type
            start = np.full(value.nbytes, value.zero_point, np.int64).astype(np.int8)
            initial = np.frombuffer(start.tobytes(), value.dtype.value).reshape(value.shape)
            found.setdefault(handle, replace(value, name=handle.shared_name, data=None, initial=initial))
    return found


def _with_variables(graph: Graph, variables: Mapping[Handle, Tensor]) -> Graph:
    """The subgraph with tensors in place of handles; several handles of one variable become one tensor."""
    tensors = list(graph.tensors)
    place: dict[int, int] = {}
    first: dict[Handle, int] = {}
    for index, handle in _handles(graph).items():
        if handle in variables:
            place[index] = first.setdefault(handle, index)
            tensors[index] = variables[handle]
    kept = [op for op in graph.ops if op.kind not in PARSERS]
    for op in kept:
        if op.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE") and op.inputs[:1] and op.inputs[0] not in place:
            name = graph.tensors[op.inputs[0]].name if op.inputs[0] >= 0 else "?"
            raise TinygenError(f"{op.kind} '{op.name}': variable '{name}' is never assigned, or has no handle")
    ops = (replace(op, inputs=_placed(op.inputs, place), outputs=_placed(op.outputs, place)) for op in kept)
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


def _placed(indices: tuple[int, ...], place: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(place.get(i, i) for i in indices)


def _run(graph: Graph, variables: Mapping[Handle, Tensor], source: str) -> dict[Handle, Tensor]:
    """The variables after a subgraph of CALL_ONCE has run."""
    if graph.inputs or any(isinstance(op.options, CallOnce) for op in graph.ops):
        raise TinygenError(f"{source}: a subgraph of CALL_ONCE has inputs, or calls another one")
    ready = verify(replace(_with_variables(graph, variables), outputs=()))
    work = sum(
        ready.tensors[i].elements + operator_for(ready, op).macs(ready, op) for op in ready.ops for i in op.outputs
    )
    if work > _MOST_ELEMENTS:
        raise TinygenError(f"{source}: a subgraph of CALL_ONCE computes {work} elements", "initialize with constants")
    values = reference.run_all(ready, ())
    after: dict[Handle, Array] = {
        handle: values[index] for index, handle in _handles(graph).items() if ready.tensors[index].is_variable
    }
    return {h: replace(t, initial=after[h].reshape(t.shape)) if h in after else t for h, t in variables.items()}
