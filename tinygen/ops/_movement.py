"""What operators that only move elements ask for alike: any element type, and input and output quantized alike."""

from __future__ import annotations

from abc import abstractmethod

from tinygen.ir import DType, Graph, Op, Tensor
from tinygen.ops._copy import Copy, copy_calls, is_identity
from tinygen.ops.base import KernelCall, Operator, Shape, need_constant, need_per_tensor, reject

_MOST_INTEGERS = 1 << 20
_INTEGERS = (DType.INT32, DType.INT64)


def need_same_values(op: Op, first: Tensor, *others: Tensor) -> None:
    """Raise unless all tensors have one type and one quantization, so that an element can be moved as it is."""
    for tensor in (first, *others):
        if tensor.dtype is not first.dtype:
            raise reject(op, f"'{tensor.name}' is {tensor.dtype.value}, '{first.name}' {first.dtype.value}")
        if tensor.elements == 0:
            raise reject(op, f"tensor '{tensor.name}' is empty")
        if tensor.quantization is not None:
            need_per_tensor(op, tensor)
        if (tensor.scale, tensor.zero_point) != (first.scale, first.zero_point):
            raise reject(
                op,
                f"'{tensor.name}' and '{first.name}' differ in scale or zero point",
                "convert the model with TFLite's converter, which gives them the same",
            )


def need_operands(graph: Graph, op: Op, inputs: int, outputs: int = 1) -> None:
    """Raise unless the operator has exactly so many inputs, all present, and outputs."""
    if len(op.inputs) != inputs or min(op.inputs, default=0) < 0:
        raise reject(op, f"{sum(i >= 0 for i in op.inputs)} inputs, {inputs} expected")
    if len(op.outputs) != outputs or outputs < 1:
        raise reject(op, f"{len(op.outputs)} outputs, {outputs} expected")


def need_integers(graph: Graph, op: Op, index: int, what: str, count: int | None = None) -> tuple[int, ...]:
    """The elements of a constant int32 or int64 input; raises unless there are `count` of them."""
    tensor = graph.required(op, index)
    data = need_constant(op, tensor, what)
    if data.size > _MOST_INTEGERS:
        raise reject(op, f"{what} {tensor.shape}: {_MOST_INTEGERS} at most")
    if tensor.dtype not in _INTEGERS or (count is not None and data.size != count):
        raise reject(op, f"{what} {tensor.dtype.value} {tensor.shape} must be {count or 'some'} integers")
    return tuple(int(value) for value in data.flat)


def integers(graph: Graph, op: Op, index: int) -> tuple[int, ...]:
    """The elements of a constant input that `check` has seen."""
    data = graph.required(op, index).data
    assert data is not None
    return tuple(int(value) for value in data.flat)


def need_axis(op: Op, axis: int, rank: int) -> int:
    """The axis counted from the front; raises when it is out of range."""
    if not -rank <= axis < rank:
        raise reject(op, f"axis {axis} of {rank} dimensions")
    return axis % rank


def need_rank(op: Op, shape: Shape, at_least: int, at_most: int) -> None:
    if not at_least <= len(shape) <= at_most:
        raise reject(op, f"{len(shape)} dimensions; {at_least} to {at_most} are supported")


class Mover(Operator):
    """Base of operators whose output is one affine copy of input 0; not an operator itself."""

    @abstractmethod
    def copy(self, graph: Graph, op: Op) -> Copy:
        """Which element goes where."""

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        source, target, copy = op.inputs[0], op.outputs[0], self.copy(graph, op)
        if may_alias(graph, op) and is_identity(graph, source, target, copy):
            return ()
        return copy_calls(graph, source, target, copy)


def may_alias(graph: Graph, op: Op) -> bool:
    """Whether the output may be input 0's memory: not if that is constant (then the output is the model's)."""
    return graph.required(op, 0).data is None
