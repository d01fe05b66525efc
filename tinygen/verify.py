"""What must hold of every Graph; runs after the import and after every pass."""

from __future__ import annotations

from tinygen.errors import TinygenError
from tinygen.ir import DType, Graph, Op, Tensor
from tinygen.ops import operator_for
from tinygen.ops.base import reject


def verify(graph: Graph) -> Graph:
    """Return the graph as it is, or raise TinygenError.

    Checked: every operator reads only what is there before it, no tensor is written twice or written though
    constant, variables are touched only by operators that are made for them, the outputs are computed, and each
    operator's own types, options and shape rule.
    """
    fixed = {i for i, t in enumerate(graph.tensors) if t.data is not None or t.is_variable}
    known = fixed | set(graph.inputs)
    if len(set(graph.inputs)) != len(graph.inputs) or fixed & set(graph.inputs):
        raise TinygenError(f"model '{graph.name}': an input stands there twice or is constant or a variable")
    for op in graph.ops:
        for index in op.inputs:
            if index >= 0 and index not in known:
                raise reject(op, f"reads tensor '{graph.tensors[index].name}' before it is computed")
            if index >= 0 and _is_empty(graph.tensors[index]):
                raise reject(op, f"tensor '{graph.tensors[index].name}' is empty")
        changed = _verify_variables(graph, op)
        for index in op.outputs:
            if index < 0 or (index in known and index not in changed):
                raise reject(op, "writes a tensor that exists already")
            known.add(index)
        _verify_op(graph, op)
    for index in graph.outputs:
        if index not in known:
            raise TinygenError(f"model '{graph.name}': output '{graph.tensors[index].name}' is never computed")
        if index in fixed:
            raise TinygenError(f"model '{graph.name}': output '{graph.tensors[index].name}' is constant or a variable")
    return graph


def _is_empty(tensor: Tensor) -> bool:
    """Whether there is nothing in a tensor; a constant list of axes or extents may be empty."""
    is_list = tensor.data is not None and tensor.dtype in (DType.INT32, DType.INT64)
    return tensor.elements == 0 and not is_list


def _verify_variables(graph: Graph, op: Op) -> frozenset[int]:
    """The variables that an operator changes; raises if it reads others than it may, or fewer than it must."""
    operator = operator_for(graph, op)
    for position, index in enumerate(op.inputs):
        if index >= 0 and graph.tensors[index].is_variable != (position in operator.variables):
            which = "a variable" if position in operator.variables else "no variable"
            raise reject(op, f"input {position}, tensor '{graph.tensors[index].name}', must be {which}")
    own = tuple(op.inputs[i] for i in operator.variables if i < len(op.inputs))
    if len(own) < len(operator.variables) or min(own, default=0) < 0 or len(set(own)) < len(own):
        raise reject(op, "a variable is missing or stands there twice")
    return frozenset(own) if operator.changes else frozenset()


def _verify_op(graph: Graph, op: Op) -> None:
    operator = operator_for(graph, op)
    operator.check(graph, op)
    for index, shape in zip(op.outputs, operator.output_shapes(graph, op), strict=True):
        if graph.tensors[index].shape != shape or min(shape, default=1) < 1:
            raise reject(op, f"its output has the shape {graph.tensors[index].shape}, not {shape}")
