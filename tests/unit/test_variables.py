"""Variables and resource variables at the import: their initial values, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.support.c_build import plan_of
from tests.support.everything_state import filter_model, state_model
from tests.support.tflite_builder import ModelBuilder, pack
from tinygen.errors import TinygenError
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.plan import make_plan
from tinygen.verify import verify

_ROW = (1, 4)


def _import(content: bytes) -> Graph:
    return verify(parse_tflite(content, "m", "m.tflite"))


def _assign(b: ModelBuilder, handle: int, value: int) -> None:
    b.op("ASSIGN_VARIABLE", [handle, value], [])


def _read(b: ModelBuilder, handle: int, scale: float | None = 0.5, dtype: str = "int8") -> int:
    y = b.tensor(_ROW, scale, 3, dtype)
    b.op("READ_VARIABLE", [handle], [y])
    return y


def _delay(b: ModelBuilder, handle: int) -> bytes:
    """What the input was one inference ago."""
    y = _read(b, handle)
    _assign(b, handle, b.input(_ROW, 0.5, 3))
    return b.build([y])


def _initial(content: bytes) -> list[list[int]]:
    graph = _import(content)
    return [np.asarray(graph.tensors[i].initial).reshape(-1).tolist() for i in graph.variables]


def test_a_variable_begins_at_its_zero_point() -> None:
    b = ModelBuilder()
    assert _initial(_delay(b, b.handle("v"))) == [[3, 3, 3, 3]]


def test_call_once_sets_the_initial_values() -> None:
    """Also by computing, and by reading what it has set."""
    b = ModelBuilder()
    init = b.call_once()
    handle = init.handle("v")
    _assign(init, handle, init.constant(np.array([[1, 2, 3, 4]], np.int8), 0.5, 3))
    negative = init.tensor(_ROW, 0.5, 3)
    init.op("SUB", [init.constant(np.full(_ROW, 3, np.int8), 0.5, 3), _read(init, handle)], [negative])
    _assign(init, handle, negative)
    assert _initial(_delay(b, b.handle("v"))) == [[5, 4, 3, 2]]


def test_two_calls_run_in_order() -> None:
    b = ModelBuilder()
    for number in (7, 9):
        init = b.call_once()
        _assign(init, init.handle("v"), init.constant(np.full(_ROW, number, np.int8), 0.5, 3))
    assert _initial(_delay(b, b.handle("v"))) == [[9, 9, 9, 9]]


def test_variables_of_layers_begin_at_zero_points() -> None:
    graph = _import(state_model())
    fills = {
        (t.dtype.value, t.zero_point): t.initial_fill for t in graph.tensors if t.is_variable and t.name != "before"
    }
    assert fills == {("int8", 3): 3, ("int16", 0): 0, ("int8", -7): -7}


def _late_call() -> bytes:
    b = ModelBuilder()
    handle = b.handle("v")
    y = _read(b, handle)
    init = b.call_once()
    _assign(init, init.handle("v"), init.constant(np.ones(_ROW, np.int8), 0.5, 3))
    _assign(b, handle, b.input(_ROW, 0.5, 3))
    return b.build([y])


def _never_assigned() -> bytes:
    b = ModelBuilder()
    y, x = _read(b, b.handle("v")), b.input(_ROW, 0.5, 3)
    total = b.tensor(_ROW, 0.5, 3)
    b.op("ADD", [x, y], [total])
    return b.build([total])


def _other_type() -> bytes:
    b = ModelBuilder()
    handle = b.handle("v")
    y = _read(b, handle, None, "int32")
    _assign(b, handle, b.input(_ROW, 0.5, 3))
    return b.build([y])


def _handle_computed_with() -> bytes:
    b = ModelBuilder()
    handle, x = b.handle("v"), b.input(_ROW, 0.5, 3)
    y = b.tensor(_ROW, 0.5, 3)
    b.op("ADD", [x, handle], [y])
    _assign(b, handle, x)
    return b.build([y])


def _handle_from_outside() -> bytes:
    b = ModelBuilder()
    handle = b.tensor((), dtype="resource")
    b.inputs.append(handle)
    return _delay(b, handle)


def _nested_call() -> bytes:
    b = ModelBuilder()
    init = b.call_once()
    init.op("CALL_ONCE", [], [], initSubgraphIndex=1)
    return _delay(b, b.handle("v"))


def _call_of_nothing() -> bytes:
    b = ModelBuilder()
    b.op("CALL_ONCE", [], [], initSubgraphIndex=9)
    return _delay(b, b.handle("v"))


def _initialized_from_input() -> bytes:
    b = ModelBuilder()
    init = b.call_once()
    _assign(init, init.handle("v"), init.input(_ROW, 0.5, 3))
    return _delay(b, b.handle("v"))


def _unused_subgraph() -> bytes:
    b = ModelBuilder()
    b.call_once()
    model = b.model([])
    del model.subgraphs[0].operators[0]
    x = b.input(_ROW, 0.5, 3)
    model.subgraphs[0].inputs = [x]
    model.subgraphs[0].outputs = [x]
    return pack(model)


def _variable_read_by_another() -> bytes:
    b = ModelBuilder()
    x, y = b.input(_ROW, 0.5, 3), b.tensor(_ROW, 0.5, 3)
    b.op("ADD", [x, b.variable(_ROW, 0.5, 3)], [y])
    return b.build([y])


def _variable_as_output() -> bytes:
    b = ModelBuilder()
    b.input(_ROW, 0.5, 3)
    return b.build([b.variable(_ROW, 0.5, 3)])


def _variable_as_input() -> bytes:
    b = ModelBuilder()
    x, y = b.input(_ROW, 0.5, 3), b.tensor(_ROW, 0.5, 3)
    b.tensors[x].isVariable = True
    b.op("RELU", [x], [y])
    return b.build([y])


def _variable_with_data() -> bytes:
    b = ModelBuilder()
    x, y = b.input(_ROW, 0.5, 3), b.tensor(_ROW, 0.5, 3)
    b.tensors[b.constant(np.ones(_ROW, np.int8), 0.5, 3)].isVariable = True
    b.op("RELU", [x], [y])
    return b.build([y])


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "CALL_ONCE after a use": (_late_call, "CALL_ONCE stands behind"),
    "never assigned": (_never_assigned, "never assigned"),
    "another type": (_other_type, "int32"),
    "a handle as a number": (_handle_computed_with, "must be no variable"),
    "a handle from outside": (_handle_from_outside, "must be a variable"),
    "CALL_ONCE in CALL_ONCE": (_nested_call, "calls another one"),
    "CALL_ONCE of nothing": (_call_of_nothing, "control flow is not supported"),
    "CALL_ONCE with inputs": (_initialized_from_input, "has inputs"),
    "a subgraph that nobody calls": (_unused_subgraph, "2 subgraphs"),
    "a variable of nobody": (_variable_read_by_another, "must be no variable"),
    "a variable as output": (_variable_as_output, "constant or a variable"),
    "a variable as input": (_variable_as_input, "constant or a variable"),
    "a variable with data": (_variable_with_data, "variable with data"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(TinygenError, match=message):
        _import(make())


def test_a_state_must_be_a_variable() -> None:
    graph = _import(filter_model())
    state = next(op for op in graph.ops if op.kind == "SVDF").inputs[4]
    tensors = list(graph.tensors)
    tensors[state] = replace(tensors[state], initial=None, data=np.zeros(tensors[state].shape, np.int8))
    with pytest.raises(TinygenError, match="must be a variable"):
        verify(replace(graph, tensors=tuple(tensors)))


def test_no_rows_for_a_model_with_variables() -> None:
    program = plan_of(_import(filter_model())).program
    with pytest.raises(TinygenError, match="row by row"):
        make_plan(program, by_rows=True)
