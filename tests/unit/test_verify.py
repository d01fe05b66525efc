"""verify() raises for every graph that does not hold together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.support.everything import everything_graph
from tinygen.errors import TinygenError
from tinygen.ir import DType, Graph, Op, Quantization
from tinygen.verify import verify

GRAPH = everything_graph()
ADD = next(i for i, op in enumerate(GRAPH.ops) if op.kind == "ADD")
CONV = next(i for i, op in enumerate(GRAPH.ops) if op.kind == "CONV_2D")


def _op(index: int, **changes: Any) -> Graph:
    ops = list(GRAPH.ops)
    ops[index] = replace(ops[index], **changes)
    return replace(GRAPH, ops=tuple(ops))


def _tensor(index: int, **changes: Any) -> Graph:
    tensors = list(GRAPH.tensors)
    tensors[index] = replace(tensors[index], **changes)
    return replace(GRAPH, tensors=tuple(tensors))


def _swapped() -> Graph:
    ops = list(GRAPH.ops)
    ops[ADD], ops[CONV] = ops[CONV], ops[ADD]
    return replace(GRAPH, ops=tuple(ops))


def _output_of(op: Op) -> int:
    return op.outputs[0]


WEIGHTS = GRAPH.ops[CONV].inputs[1]
SPOILED: dict[str, tuple[Callable[[], Graph], str]] = {
    "input twice": (lambda: replace(GRAPH, inputs=(*GRAPH.inputs, GRAPH.inputs[0])), "twice or is constant"),
    "input constant": (lambda: replace(GRAPH, inputs=(*GRAPH.inputs, WEIGHTS)), "twice or is constant"),
    "read too early": (_swapped, "before it is computed"),
    "never written": (lambda: replace(GRAPH, ops=GRAPH.ops[1:]), "before it is computed"),
    "written twice": (lambda: replace(GRAPH, ops=(*GRAPH.ops, GRAPH.ops[-1])), "exists already"),
    "writes an input": (lambda: _op(ADD, outputs=(GRAPH.inputs[0],)), "exists already"),
    "writes a constant": (lambda: _op(ADD, outputs=(WEIGHTS,)), "exists already"),
    "writes nothing": (lambda: _op(ADD, outputs=(-1,)), "exists already"),
    "no output": (lambda: _op(ADD, outputs=()), "before it is computed|outputs"),
    "two outputs": (lambda: _op(len(GRAPH.ops) - 1, outputs=(*GRAPH.ops[-1].outputs, len(GRAPH.tensors))), "outputs"),
    "output never computed": (lambda: replace(GRAPH, ops=GRAPH.ops[:-1]), "never computed"),
    "output constant": (lambda: replace(GRAPH, outputs=(WEIGHTS,)), "is constant"),
    "one input": (lambda: _op(ADD, inputs=GRAPH.ops[ADD].inputs[:1]), "1 inputs, 2 to 2 expected"),
    "absent input": (lambda: _op(ADD, inputs=(GRAPH.ops[ADD].inputs[0], -1)), "1 inputs, 2 to 2 expected"),
    "too many inputs": (lambda: _op(ADD, inputs=GRAPH.ops[ADD].inputs * 2), "2 to 2 expected"),
    "shape": (lambda: _tensor(_output_of(GRAPH.ops[CONV]), shape=(1, 6, 4, 5)), "not \\(1, 6, 5, 4\\)"),
    "type": (lambda: _tensor(_output_of(GRAPH.ops[CONV]), dtype=DType.INT16), "is int8, int16 expected"),
    "not quantized": (lambda: _tensor(_output_of(GRAPH.ops[CONV]), quantization=None), "needs one scale"),
    "two scales": (
        lambda: _tensor(_output_of(GRAPH.ops[CONV]), quantization=Quantization((1.0, 2.0), (0, 0), 3)),
        "needs one scale",
    ),
    "weights computed": (lambda: _op(CONV, inputs=(GRAPH.ops[CONV].inputs[0],) * 2), "constant"),
    "weights int32": (
        lambda: _tensor(WEIGHTS, dtype=DType.INT32, data=np.zeros((4, 3, 3, 2), np.int32)),
        "int32, int8 expected",
    ),
    "scales along another axis": (
        lambda: _tensor(WEIGHTS, quantization=Quantization((1.0, 2.0), (0, 0), 3)),
        "2 weight scales for 4 channels",
    ),
}


def test_the_graph_is_fine() -> None:
    assert verify(GRAPH) is GRAPH


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_graph_is_refused(name: str) -> None:
    spoil, message = SPOILED[name]
    graph = spoil()
    if name == "two outputs":
        graph = replace(graph, tensors=(*graph.tensors, graph.tensors[-1]))
    with pytest.raises(TinygenError, match=message):
        verify(graph)
